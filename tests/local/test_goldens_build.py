"""The golden projects are no mere text: each builds, passes its own tests and linters, and its charts lint."""

import subprocess

import pytest
from python._project import environment

from tests.goldens import CASES, FOLDER, golden
from tests.helm import helm3, helm4
from tests.scaffolding import run

__all__ = ["helm3", "helm4"]

GO = [case for case in CASES if case.startswith("go")]
PYTHON = [case for case in CASES if case.startswith("python")]

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("goldens")]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return the folder of each golden project, made anew and compared with the golden."""
    folders = {}
    for case, (name, *words) in CASES.items():
        folder = tmp_path_factory.mktemp(case) / name
        done = run("newApp", folder, *words)
        assert done.returncode == 0, done.stderr
        assert golden(folder, CASES[case]) == (FOLDER / f"{case}.txt").read_text()
        folders[case] = folder
    return folders


@pytest.fixture(scope="module")
def python(made, tmp_path_factory):
    """Return the Python that has what the Python projects and their developers need."""
    return environment(tmp_path_factory.mktemp("python") / "venv", [made[case] for case in PYTHON])


def succeeds(*argv, cwd):
    done = subprocess.run([str(word) for word in argv], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{argv}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.mark.parametrize("case", GO)
def test_a_go_project_builds_by_its_makefile(made, case):
    before = golden(made[case], CASES[case])
    succeeds("make", "compile", cwd=made[case])
    assert (made[case] / "build/app").is_file()
    succeeds("make", "clean", cwd=made[case])
    assert golden(made[case], CASES[case]) == before, "a build changed the project's own files"


@pytest.mark.parametrize("case", GO)
def test_a_go_project_is_formatted_vetted_and_tested(made, case):
    assert succeeds("gofmt", "-l", ".", cwd=made[case]) == ""
    succeeds("go", "mod", "verify", cwd=made[case])
    succeeds("go", "vet", "./...", cwd=made[case])
    succeeds("make", "test", cwd=made[case])


@pytest.mark.parametrize("command", ["ruff check", "ruff format --check", "mypy", "pytest -q"])
@pytest.mark.parametrize("case", PYTHON)
def test_a_python_project_passes_its_own_checks(made, python, case, command):
    program, *arguments = command.split()
    succeeds(python.with_name(program), *arguments, cwd=made[case])


@pytest.mark.parametrize("case", PYTHON)
def test_a_python_project_builds_by_its_makefile(made, case):
    succeeds("make", "compile", cwd=made[case])
    assert list((made[case] / "build/dist").glob("*.whl"))
    succeeds("make", "clean", cwd=made[case])


@pytest.mark.parametrize("version", ["helm3", "helm4"])
@pytest.mark.parametrize("case", CASES)
def test_its_charts_lint(made, request, case, version):
    helm = request.getfixturevalue(version)
    for chart in ("app", "service"):
        done = helm.run("lint", "--strict", made[case] / "chart" / chart)
        assert done.returncode == 0, done.stdout + done.stderr
