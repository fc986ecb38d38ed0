"""The optional parts of the distribution: which modules they bring, and what to say where one is missing."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Literal

from dubbopy_cli.errors import PreflightError

Extra = Literal["local", "stubs"]

# Envoy is not among them: it may as well come from PATH.
MODULES: Mapping[Extra, tuple[str, ...]] = {
    "local": ("supervisor", "psutil", "filelock", "grpc", "grpc_reflection"),
    "stubs": ("grpc_tools",),
}


def missing(extra: Extra) -> tuple[str, ...]:
    """Return the modules of ``extra`` that are not installed; none is imported."""
    return tuple(name for name in MODULES[extra] if find_spec(name) is None)


def need(extra: Extra) -> None:
    """Raise PreflightError ``extra-missing`` unless every module of ``extra`` is installed."""
    if names := missing(extra):
        raise PreflightError(
            "extra-missing",
            f"this needs the extra `{extra}` of dubbopy-cli: {', '.join(names)} "
            f"{'is' if len(names) == 1 else 'are'} not installed",
            hint=install(extra),
        )


def install(extra: Extra) -> str:
    """Return the command that installs ``extra``."""
    return f"pip install 'dubbopy-cli[{extra}]'"
