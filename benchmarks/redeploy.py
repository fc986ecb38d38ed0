"""Edit one line, then `deploy`, against the same edit and `go build` alone."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pairs import ratio

CLI = [sys.executable, "-m", "dubbopy_cli"]


def main():
    with tempfile.TemporaryDirectory(prefix="dubbopy-bench-") as folder:
        env = {**os.environ, "DUBBOPY_STATE_DIR": f"{folder}/state", "CGO_ENABLED": "0"}
        root = Path(folder) / "dubbo-go-server"
        source = root / "pkg/service/service.go"

        def run(*argv) -> None:
            subprocess.run(argv, cwd=root, env=env, check=True, capture_output=True)

        def edited(action):
            def timed() -> float:
                edited.count += 1
                source.write_text(f"{text}\n// edit {edited.count}\nconst edit = {edited.count}\n", encoding="utf-8")
                start = time.perf_counter()
                action()
                return time.perf_counter() - start

            return timed

        edited.count = 0
        root.mkdir()
        run(*CLI, "newApp", ".")
        text = source.read_text(encoding="utf-8")
        try:
            run(*CLI, "deploy")
            ratio(
                "rebuild and redeploy after one edit against go build alone",
                edited(lambda: run(*CLI, "deploy")),
                edited(lambda: run("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", "build/alone", "./cmd")),
                runs=7,
            )
        finally:
            run(*CLI, "local", "reset", "--yes")


if __name__ == "__main__":
    main()
