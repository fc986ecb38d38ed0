"""The optional dependencies of the local target, and what to say where one is missing."""

from __future__ import annotations

from importlib.util import find_spec

from dubbopy_cli.errors import PreflightError

INSTALL = "pip install 'dubbopy-cli[local]'"


def need(*modules: str) -> None:
    """Raise PreflightError ``extra-missing`` unless each of ``modules`` can be imported."""
    missing = [name for name in modules if not present(name)]
    if missing:
        raise PreflightError(
            "extra-missing",
            f"the local target needs the Python package{'s' if len(missing) > 1 else ''} {', '.join(missing)}, "
            "which this installation lacks",
            hint=INSTALL,
        )


def present(module: str) -> bool:
    """Tell whether ``module`` is installed, without importing it."""
    return find_spec(module) is not None
