"""The Go stubs: messages by protoc-gen-go, clients and handlers of Triple by a template of ours."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from dubbopy_cli.errors import DubbopyError, PreflightError
from dubbopy_cli.process import Runner, shown
from dubbopy_cli.scaffold.stubs import gofile, gonames
from dubbopy_cli.scaffold.stubs.model import GoFile, Made
from dubbopy_cli.scaffold.stubs.protoc import FOLDER, Protoc

TRIPLE, OLD_TRIPLE = "triple.go.jinja", "triple_old.go.jinja"
_PLUGIN = "google.golang.org/protobuf/cmd/protoc-gen-go"
# The first build of the plugin may have to fetch its module.
_BUILD_TIMEOUT = 600.0
_GO_TIMEOUT = 60.0
# The plugin runs here, whatever the project is compiled for.
_HOST = {"GOOS": "", "GOARCH": ""}
_MARK = re.compile(rb"^// Code generated .* DO NOT EDIT\.\r?$", re.MULTILINE)


@dataclass(frozen=True)
class GoStubs:
    """Make the Go stubs of a project with the Go at ``go`` and the Jinja templates in ``templates``."""

    runner: Runner
    root: Path
    go: Path
    templates: Path
    # Of the file for Triple: dubbo-go up to 3.3.0 has its xds registry only for clients and servers of the older kind.
    template: str = TRIPLE

    @property
    def folder(self) -> Path:
        """Return the folder below which all stubs lie."""
        return self.root / FOLDER

    def make(self, protoc: Protoc, protos: tuple[str, ...], staging: Path) -> Made:
        """Return the stubs of the .proto files, made in ``staging``."""
        module = go_module(self.root)
        descriptors, warnings = protoc.describe(protos, staging)
        packages = gonames.packages(descriptors, protos, module)
        files = gofile.go_files(descriptors, packages, protos)
        output = staging / "go"
        output.mkdir()
        options = [f"--go_opt=M{file}={package.path};{package.name}" for file, package in packages.items()]
        plugin = f"--plugin=protoc-gen-go={self._plugin(staging)}"
        protoc.run([plugin, f"--go_out={output}", "--go_opt=paths=source_relative", *options], protos)
        self._triple(files, output)
        made = sorted(path for path in output.rglob("*.go") if path.is_file())
        return Made({path.relative_to(output).as_posix(): path.read_bytes() for path in made}, warnings)

    def owns(self, path: Path) -> bool:
        """Tell whether a file of the project is a stub, by its name and its first lines."""
        return path.name.endswith((".pb.go", ".triple.go")) and _MARK.search(path.read_bytes()) is not None

    def _plugin(self, staging: Path) -> Path:
        """Build protoc-gen-go in the version of the project's own protobuf module, so the two fit each other."""
        target = staging / "protoc-gen-go"
        # -mod=readonly: a vendor folder seldom holds the plugin.
        argv = [str(self.go), "build", "-mod=readonly", "-o", str(target), _PLUGIN]
        done = self.runner.run(argv, timeout=_BUILD_TIMEOUT, cwd=self.root, env=_HOST, check=False)
        if not done.ok:
            in_module = re.search(r"go\.(mod|sum)|required module", done.stderr)
            raise DubbopyError(
                "tool-failed",
                "protoc-gen-go, which makes the Go messages, cannot be built from the project's module"
                " google.golang.org/protobuf",
                hint=f"go get -tool {_PLUGIN}" if in_module else shown(argv[:3] + argv[5:]),
                details=done.stderr.strip(),
            )
        return target

    def _triple(self, files: list[GoFile], output: Path) -> None:
        written = []
        for file in files:
            path = output / re.sub(r"\.proto$", ".triple.go", file.source)
            path.write_text(render(file, self.templates, self.template), encoding="utf-8")
            written.append(str(path))
        if written:
            # Comments of the .proto become doc comments, which gofmt has rules for.
            self.runner.run([str(self._gofmt()), "-w", *written], timeout=_GO_TIMEOUT)

    def _gofmt(self) -> Path:
        done = self.runner.run([str(self.go), "env", "GOROOT"], timeout=_GO_TIMEOUT, cwd=self.root)
        return Path(done.stdout.strip()) / "bin" / "gofmt"


def render(file: GoFile, templates: Path, template: str = TRIPLE) -> str:
    """Return the Triple client and handlers of a file's services."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(  # noqa: S701 - Go is no HTML
        loader=FileSystemLoader(templates), undefined=StrictUndefined, keep_trailing_newline=True
    )
    return environment.get_template(template).render(file=file)


def go_module(root: Path) -> str:
    """Return the module path that go.mod declares; PreflightError when there is none."""
    path = root / "go.mod"
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    found = re.search(r'^module[ \t]+"?([^\s"]+)"?', text, re.MULTILINE)
    if not found:
        raise PreflightError(
            "project-invalid",
            f"{path} {'has no module line' if path.is_file() else 'is missing'}",
            hint="restore go.mod from version control, or take it from a new project: dubbopy-cli newApp ../another",
        )
    return found[1]
