"""What is typed behind a traffic verb: ``v1=90 v2=10``, ``user=admin``."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from dubbopy_cli.errors import UsageError
from dubbopy_cli.names import did_you_mean
from dubbopy_cli.traffic.units import nanoseconds

_MILLISECOND = 10**6
# `google.golang.org/grpc/codes`
GRPC_STATUS = [
    *("OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS"),
    *("PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED"),
    *("INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED"),
]
# RFC 9110 token, as Istio's header names.
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def weights(words: Iterable[str], versions: Collection[str]) -> dict[str, int]:
    """Return whole percentages by version; one version alone means 100.

    UsageError unless every version is one of ``versions``, stands once, and the percentages sum to 100.
    """
    given = [one.strip() for one in words]
    if len(given) == 1 and "=" not in given[0]:
        return {known(given[0], versions): 100}
    found: dict[str, int] = {}
    for word in given:
        version, equals, percent = word.partition("=")
        if not equals or not re.fullmatch(r"[0-9]{1,3}", percent):
            raise UsageError("usage", f"'{word}' is no share of a version", hint="write VERSION=PERCENT, such as v1=90")
        if version in found:
            raise UsageError("usage", f"{version} is given twice", hint="give every version once")
        found[known(version, versions)] = int(percent)
    return whole(found)


def whole(given: dict[str, int]) -> dict[str, int]:
    """Return the percentages if each is from 0 to 100 and they sum to 100; else UsageError."""
    total = sum(given.values())
    shown = " + ".join(str(one) for one in given.values()) or "nothing"
    if total != 100:
        raise UsageError("usage", f"the percentages are {shown} = {total}, not 100", hint="for example v1=90 v2=10")
    if min(given.values()) < 0:
        raise UsageError("usage", f"the percentages are {shown}, and none lies below 0", hint="for example v1=90 v2=10")
    return given


def duration(text: str) -> str:
    """Return a duration as Istio takes one, such as 500ms or 2s; UsageError for anything else and for none at all."""
    if (nanoseconds(text) or 0) >= _MILLISECOND:
        return text
    raise UsageError("usage", f"'{text}' is no duration of at least 1ms", hint="write 500ms, 2s or 1m30s")


def status(text: str) -> int | str:
    """Return the HTTP status or the name of the gRPC status that ``text`` is; UsageError for anything else."""
    if re.fullmatch(r"[2-5][0-9]{2}", text):
        return int(text)
    if text.upper() in GRPC_STATUS:
        return text.upper()
    raise UsageError(
        "usage",
        f"'{text}' is neither an HTTP status nor the name of a gRPC status." + did_you_mean(text.upper(), GRPC_STATUS),
        hint="write 503 or UNAVAILABLE",
    )


def known(version: str, versions: Collection[str]) -> str:
    """Return ``version`` if it is one of ``versions``; UsageError with the nearest one otherwise."""
    if version in versions:
        return version
    raise UsageError(
        "version-unknown",
        f"there is no version '{version}'"
        + (f", only {', '.join(sorted(versions))}." if versions else ": nothing is deployed")
        + did_you_mean(version, list(versions)),
        hint="dubbopy-cli status",
    )


def headers(words: Iterable[str]) -> dict[str, str]:
    """Return header values by name in lower case, from ``name=value`` words; UsageError for anything else."""
    found: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not _HEADER.fullmatch(name):
            raise UsageError("usage", f"'{word}' is no header condition", hint="write NAME=VALUE, such as user=admin")
        if name.lower() in found:
            raise UsageError("usage", f"the header {name} is given twice", hint="give every header once")
        found[name.lower()] = value
    return found
