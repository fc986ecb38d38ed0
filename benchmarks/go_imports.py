"""The Go server with the parts of dubbo-go it uses, against all of them. Goal: at most 0.55 of the size."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from generated import compiled, go, new_app

GOAL = 0.55
ALL = 'package main\n\nimport _ "dubbo.apache.org/dubbo-go/v3/imports"\n'


def measure(folder: Path) -> tuple[float, int]:
    """Return the program's size in MB and the number of packages outside the standard library's internals."""
    megabytes = compiled(folder).stat().st_size / 1e6
    packages = go(folder, "list", "-deps", "./cmd").split()
    return megabytes, sum("internal" not in package.split("/") for package in packages)


def main() -> int:
    with tempfile.TemporaryDirectory() as scratch:
        slim = new_app(Path(scratch) / "slim")
        full = new_app(Path(scratch) / "full")
        (full / "cmd/imports.go").write_text(ALL)
        go(full, "mod", "tidy")
        (our_size, our_packages), (all_size, all_packages) = measure(slim), measure(full)
    ratio = our_size / all_size
    print(f"size of the Go server against all of dubbo-go: {ratio:.2f}x ({our_size:.1f} MB against {all_size:.1f} MB)")
    print(f"packages: {our_packages / all_packages:.2f}x ({our_packages} against {all_packages})")
    return 0 if ratio <= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
