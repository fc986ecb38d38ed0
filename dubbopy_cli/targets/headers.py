"""Which headers a call can carry, whatever makes it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from dubbopy_cli.errors import UsageError

_NAME = re.compile(r"[a-z0-9_.-]+")
_VALUE = re.compile(r"[\x20-\x7e]*")


def checked(headers: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the headers with their names in lower case; UsageError for one that gRPC cannot send."""
    found = []
    for key, value in headers:
        name = key.lower()
        if (
            not _NAME.fullmatch(name)
            or name.startswith("grpc-")
            or name.endswith("-bin")
            or not _VALUE.fullmatch(value)
        ):
            raise UsageError(
                "header-invalid",
                f"'{key}: {value}' cannot be sent as a header: names are letters, digits, '-', '_' and '.', "
                "not grpc-* or *-bin; values are printable ASCII",
                hint="for example --header user=admin",
            )
        found.append((name, value))
    return found
