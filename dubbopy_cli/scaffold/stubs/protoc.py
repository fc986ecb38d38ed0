"""Run the protoc that grpcio-tools carries, and say what it found."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dubbopy_cli import extras
from dubbopy_cli.errors import DubbopyError, PreflightError
from dubbopy_cli.process import Completed, Runner

if TYPE_CHECKING:
    from google.protobuf.descriptor_pb2 import FileDescriptorSet

FOLDER = "api"
_TIMEOUT = 120.0
# FILE:LINE:COLUMN: MESSAGE, as protoc writes it.
_FINDING = re.compile(r"^(?P<file>[^:\n]+\.proto):(?P<line>\d+):(?P<column>\d+): (?P<text>.+)$", re.MULTILINE)
_NOT_FOUND = re.compile(r"^(?P<file>[^:\n]+\.proto): File not found", re.MULTILINE)


def sources(root: Path) -> tuple[str, ...]:
    """Return the .proto files of api/ and below, relative to the project; PreflightError if there are none."""
    found = sorted(path.relative_to(root).as_posix() for path in (root / FOLDER).rglob("*.proto") if path.is_file())
    if not found:
        raise PreflightError(
            "proto-missing",
            f"{root / FOLDER} holds no .proto file, so there is nothing to make stubs from",
            hint="write api/api.proto, or take that of a new project: dubbopy-cli newApp ../another",
        )
    return tuple(found)


@dataclass(frozen=True)
class Protoc:
    """protoc in one project: imports in its .proto files are paths from the project's folder."""

    runner: Runner
    root: Path

    def describe(self, protos: Sequence[str], staging: Path) -> tuple[FileDescriptorSet, tuple[str, ...]]:
        """Return what the files and all that they import declare, and protoc's warnings.

        Raises DubbopyError ``proto-invalid`` with file, line and column, PreflightError when grpcio-tools is missing.
        """
        extras.need("stubs")
        from google.protobuf.descriptor_pb2 import FileDescriptorSet

        for name in protos:
            _check_encoding(name, (self.root / name).read_bytes())
        target = staging / "descriptors.bin"
        done = self.run([f"--descriptor_set_out={target}", "--include_imports", "--include_source_info"], protos)
        return FileDescriptorSet.FromString(target.read_bytes()), tuple(done.stderr.splitlines())

    def run(self, options: Sequence[str], protos: Sequence[str]) -> Completed:
        """Run protoc on the files; DubbopyError ``proto-invalid`` when it refuses them."""
        # -P: a file of the project must not stand in for a module of the standard library.
        argv = [sys.executable, "-P", "-m", "grpc_tools.protoc", "-I.", *options, *protos]
        done = self.runner.run(argv, timeout=_TIMEOUT, cwd=self.root, check=False)
        if not done.ok:
            raise _refused(done.stderr)
        return done


def _check_encoding(name: str, content: bytes) -> None:
    """Refuse what protoc lets pass in comments, and the makers of stubs trip over."""
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line, column = before.count(b"\n") + 1, error.start - before.rfind(b"\n")
        raise DubbopyError(
            "proto-invalid",
            f"{name}:{line}:{column}: not UTF-8, as .proto files have to be",
            hint=f"iconv -f latin1 -t utf-8 {shlex.quote(name)} -o {shlex.quote(name)}, then: dubbopy-cli generate",
        ) from error


def _refused(stderr: str) -> DubbopyError:
    missing = _NOT_FOUND.search(stderr)
    finding = next((one for one in _FINDING.finditer(stderr) if "warning:" not in one["text"]), None)
    if finding is None:
        lines = stderr.strip().splitlines() or ["it said nothing"]
        return DubbopyError(
            "proto-invalid",
            f"protoc refused the .proto files: {lines[0]}",
            hint="dubbopy-cli generate -v",
            details=stderr,
        )
    hint = f"mend {finding['file']} at line {finding['line']}, then: dubbopy-cli generate"
    if missing:
        name = Path(missing["file"]).name
        hint = f'imports are paths from the project\'s folder, such as: import "{FOLDER}/{name}";'
    details = stderr.strip()
    return DubbopyError("proto-invalid", finding[0], hint=hint, details=details if details != finding[0] else "")
