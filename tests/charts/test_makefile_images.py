"""The Makefile and dubbopy-cli make images by the same commands."""

from __future__ import annotations

import shlex

import pytest

from dubbopy_cli import project
from dubbopy_cli.build.images import content, make
from dubbopy_cli.build.images.request import ImageRequest
from dubbopy_cli.process import SubprocessRunner
from tests.fakeregistry import FakeRegistry, serving

BUILDERS = ["docker", "podman", "buildah"]
TWO = "linux/amd64,linux/arm64"


@pytest.fixture
def by_both(bench, monkeypatch):
    """Return a bench whose builder is one alone, and what dubbopy-cli would have it do."""

    def commands(lang: str, builder: str, image: str, *platforms: str):
        made = bench(lang, "server", name="shop", image=image, builders=(builder,))
        (made.root / "src/shop").mkdir(parents=True, exist_ok=True)
        monkeypatch.setenv("PATH", f"{made.stubs / 'bin'}:/usr/bin:/bin")
        monkeypatch.setenv("STUBS", str(made.stubs))
        made.stub("go", '#!/bin/sh\n[ "$1" = env ] && echo go1.26.0 && exit 0\nRECORD\n')
        made.stub("python3")
        monkeypatch.setenv("DUBBOPY_GO", str(made.stubs / "bin/go"))
        request = ImageRequest(builder=builder, platforms=platforms, push=True)
        planned = make.plan(project.load(made.root), request, SubprocessRunner())
        lines = [shlex.split(step.command) for step in planned.steps.steps]
        return made, [words for words in lines if words and words[0] == builder]

    return commands


@pytest.fixture
def registry():
    with serving(FakeRegistry()) as one:
        yield one


@pytest.mark.parametrize("builder", BUILDERS)
@pytest.mark.parametrize("lang", ["go", "python"])
def test_one_platform(by_both, registry, lang, builder):
    made, expected = by_both(lang, builder, f"{registry.host}/team/shop")
    made.made("build")
    assert [call for call in made.calls() if call[0] == builder] == expected
    assert [words[1] for words in expected] == ["build", "push"]


@pytest.mark.parametrize("builder", BUILDERS)
@pytest.mark.parametrize("lang", ["go", "python"])
def test_several_platforms(by_both, registry, lang, builder):
    made, expected = by_both(lang, builder, f"{registry.host}/team/shop", *TWO.split(","))
    made.made("buildx-publish", f"PLATFORMS={TWO}")
    assert [call for call in made.calls() if call[0] == builder] == expected
    assert len(expected) == (1 if builder == "docker" else 4)


@pytest.mark.parametrize(
    ("image", "named"),
    [
        ("shop", "docker.io/library/shop"),
        ("team/shop", "docker.io/team/shop"),
        ("localhost/shop", "localhost/shop"),
        ("registry.example.com/a/b", "registry.example.com/a/b"),
        ("127.0.0.1:5000/shop", "127.0.0.1:5000/shop"),
    ],
)
def test_a_name_without_a_registry_means_docker_hub_to_every_builder(bench, image, named):
    before = "--tls-verify=false" if named.startswith(("localhost", "127.")) else "push"
    made = bench(image=image, builders=("podman",))
    made.made("build")
    assert [call[-2:] for call in made.calls()][1:] == [[f"{named}:1.0.0", "build"], [before, f"{named}:1.0.0"]]
    made.stub("docker", "#!/bin/sh\nRECORD\n")
    made.made("build", "DOCKER=docker")
    assert [call[-2:] for call in made.calls()][1:] == [[f"{image}:1.0.0", "build"], ["push", f"{image}:1.0.0"]]


def test_a_docker_without_its_engine_is_passed_over(bench):
    made = bench(builders=("docker", "buildah"))
    made.stub("docker", "#!/bin/sh\nexit 1\n")
    made.made("build")
    assert [call[0] for call in made.calls()] == ["go", "buildah", "buildah"]


def test_both_count_what_an_image_is_made_of_alike(bench):
    made = bench()
    counted = set()

    def counts():
        made.made("image")
        label = made.calls()[-1][3]
        assert label == made.label()
        counted.add(label)

    counts()
    for folder in ("pkg/chart", "pkg/tests", "chart/x", "tests", "venv", "pkg/__pycache__", ".git", "a b", "vendor/x"):
        (made.root / folder).mkdir(parents=True, exist_ok=True)
        (made.root / folder / "file.go").write_text(folder)
        counts()
    assert len(counted) == 5
    (made.root / "link.go").symlink_to("a b/file.go")
    (made.root / "gone.go").symlink_to("nowhere")
    (made.root / "folder").symlink_to("pkg")
    (made.root / "Ä.go").write_text("x")
    (made.root / "B.go").write_text("x")
    counts()
    for name in ("README.md", ".dubbopy.yaml", "src.swp", "pkg/_tag.txt", "build/app", "build/.images.json"):
        (made.root / name).write_text("changed, and not in the image")
        counts()
    assert len(counted) == 6
    (made.root / "pkg/README.md").write_text("embedded, perhaps")
    counts()
    (made.root / "build/Dockerfile").write_text("FROM scratch\n")
    counts()
    assert len(counted) == 8
    assert content.digest(made.root) == made.label().partition("=")[2]
