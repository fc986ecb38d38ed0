"""How long `dubbopy-cli --help` takes against `import typer` alone. Goal: at most 1.5."""

from __future__ import annotations

import sys

from pairs import command, ratio

if __name__ == "__main__":
    ratio(
        "dubbopy-cli --help against import typer",
        command([sys.executable, "-m", "dubbopy_cli", "--help"]),
        command([sys.executable, "-c", "import typer"]),
    )
