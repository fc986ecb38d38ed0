"""A project as newApp writes it, compiled with the project's own flags."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def new_app(folder: Path, *options: str) -> Path:
    """Write a project and return its folder."""
    argv = [sys.executable, "-m", "dubbopy_cli", "newApp", str(folder), "--name", "dubbo-go-server", *options]
    subprocess.run(argv, check=True, capture_output=True)
    return folder


def go(folder: Path, *arguments: str) -> str:
    """Run the go command there and return what it printed."""
    env = os.environ | {"CGO_ENABLED": "0"}
    return subprocess.run(["go", *arguments], cwd=folder, env=env, check=True, stdout=subprocess.PIPE, text=True).stdout


def compiled(folder: Path) -> Path:
    """Build the program as the Makefile does and return it."""
    go(
        folder,
        "build",
        "-trimpath",
        "-ldflags",
        "-s -w -X dubbo-go-server/pkg/service.tag=1.0.0",
        "-o",
        "build/app",
        "./cmd",
    )
    return folder / "build/app"
