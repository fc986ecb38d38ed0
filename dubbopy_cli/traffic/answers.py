"""Who answered, read from what a client logs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dubbopy_cli.errors import ConflictError

# The line of the tutorial's client: a message in protobuf's text form, whose id is `v` and the server's image tag.
_ANSWER = re.compile(r'call server response = .*\bid:"((?:[^"\\]|\\.)*)"')
_FAILURE = re.compile(r"call server failed\b|\b(?:ERROR|FATAL)\b")


@dataclass(frozen=True)
class Answers:
    """Answers by version, or by the id that was answered where no version deployed has it; and failed calls."""

    versions: Mapping[str, int]
    failed: int
    last_failure: str = ""


def count(lines: Iterable[str], ids: Mapping[str, str]) -> Answers:
    """Return how many of a client's log lines tell of an answer by each version, and how many of a failed call.

    ``ids`` names the version by the id it answers; other lines are passed over.
    """
    versions: Counter[str] = Counter()
    failed, last = 0, ""
    for line in lines:
        answer = _ANSWER.search(line)
        if answer:
            versions[ids.get(answer[1], answer[1])] += 1
        elif _FAILURE.search(line):
            failed, last = failed + 1, line
    return Answers(dict(sorted(versions.items())), failed, last)


def ids(application: str, tags: Mapping[str, str], *, otherwise: str = "") -> dict[str, str]:
    """Return the versions by the id they answer; ConflictError ``tags-alike`` where it would not tell them apart.

    ``otherwise`` says what else a user may do then.
    """
    found: dict[str, str] = {}
    for version, tag in tags.items():
        other = found.setdefault(f"v{tag}", version)
        if other != version:
            raise ConflictError(
                "tags-alike",
                f"{other} and {version} of {application} both have the tag {tag}, so what they answer looks the same",
                hint=f"give one of them another image.tag and deploy it again{otherwise}",
            )
    return found
