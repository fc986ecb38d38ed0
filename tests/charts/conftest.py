from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.charts.bench import Bench, at
from tests.helm import HELM3, HELM4, Tools, fixture_value, helm3, helm4

__all__ = ["helm3", "helm4"]

COMMON = Path(__file__).parents[2] / "templates/common"
VARIANTS = [("go", "server"), ("go", "client"), ("python", "server"), ("python", "client")]


def render(folder: Path, **answers: Any) -> Path:
    import copier

    copier.run_copy(str(COMMON), folder, data=answers, defaults=True, quiet=True, overwrite=True)
    return folder


@pytest.fixture(scope="session", params=[HELM3, HELM4], ids=["helm3", "helm4"])
def helm(request) -> Tools:
    return fixture_value(request.param)


@dataclass(frozen=True)
class Variant:
    root: Path
    lang: str
    role: str
    name: str

    @property
    def app(self) -> Path:
        return self.root / "chart/app"

    @property
    def service(self) -> Path:
        return self.root / "chart/service"


@pytest.fixture(scope="session")
def variants(tmp_path_factory) -> dict[tuple[str, str], Variant]:
    made = {}
    for lang, role in VARIANTS:
        name = f"dubbo-{lang}-{role}"
        root = render(tmp_path_factory.mktemp(name), name=name, lang=lang, role=role)
        made[lang, role] = Variant(root, lang, role, name)
    return made


@pytest.fixture(params=VARIANTS, ids="-".join)
def variant(request, variants) -> Variant:
    return variants[request.param]


@pytest.fixture(params=["server", "client"])
def either(request, variants) -> Variant:
    """One of each role: the charts of the two languages differ in nothing but the name."""
    return variants["go", request.param]


@pytest.fixture
def server(variants) -> Variant:
    return variants["go", "server"]


@pytest.fixture
def client(variants) -> Variant:
    return variants["go", "client"]


@pytest.fixture
def project(tmp_path) -> Callable[..., Path]:
    """A project that the test may change; what the language's layers bring is there only in name."""

    def make(lang: str = "go", role: str = "server", **answers: Any) -> Path:
        answers = {"name": "dubbo-go-server" if role == "server" else "dubbo-go-client", **answers}
        root = render(tmp_path / "project", lang=lang, role=role, **answers)
        (root / "conf").mkdir()
        (root / "conf/dubbogo.yaml").write_text("dubbo: {}\n")
        if lang == "go":
            module = answers.get("module", answers["name"])
            (root / "go.mod").write_text(f"// Module of the test.\nmodule {module}\n\ngo 1.25.0\n")
        else:
            package = answers.get("module", answers["name"].replace("-", "_"))
            (root / "src" / package / "api").mkdir(parents=True)
            (root / "pyproject.toml").write_text('[project]\nname = "x"\nversion = "0"\n')
        return root

    return make


@pytest.fixture
def bench(project, tmp_path) -> Callable[..., Bench]:
    def make(*args: str, builders: tuple[str, ...] = ("docker",), **answers: str) -> Bench:
        return at(project(*args, **answers), tmp_path / "stubs", builders=builders)

    return make
