"""The state read back from its JSON values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from dubbopy_cli.targets.base import Reference
from dubbopy_cli.targets.local.state import AppRecord, InstanceRecord, ReleaseRecord, Revision, State

T = TypeVar("T")
W = TypeVar("W", bound=str)


def from_dict(document: Mapping[str, Any]) -> State:
    """Return the state that ``to_dict`` wrote; KeyError, TypeError or ValueError when it is something else."""
    return State(
        running=_typed(document["running"], bool),
        admin=_typed(document["admin"], int),
        envoy=_typed(document["envoy"], str),
        applications=tuple(_app(one) for one in document["applications"]),
    )


def _app(document: Mapping[str, Any]) -> AppRecord:
    return AppRecord(
        name=_typed(document["name"], str),
        role=_word(document["role"], "server", "client"),
        port=_typed(document["port"], int),
        listener=_typed(document["listener"], int),
        releases=tuple(_release(one) for one in document["releases"]),
    )


def _release(document: Mapping[str, Any]) -> ReleaseRecord:
    return ReleaseRecord(
        version=_typed(document["version"], str),
        current=_typed(document["current"], int),
        revisions=tuple(_revision(one) for one in document["revisions"]),
        instances=tuple(
            InstanceRecord(
                name=_typed(one["name"], str),
                port=_typed(one["port"], int),
                phase=_word(one["phase"], "starting", "serving", "draining"),
                revision=_typed(one["revision"], int),
            )
            for one in document["instances"]
        ),
    )


def _revision(document: Mapping[str, Any]) -> Revision:
    return Revision(
        number=_typed(document["number"], int),
        tag=_typed(document["tag"], str),
        digest=_typed(document["digest"], str),
        command=tuple(_typed(one, str) for one in document["command"]),
        env={_typed(key, str): _typed(value, str) for key, value in document["env"].items()},
        references=tuple(
            Reference(_typed(one["application"], str), _typed(one["port"], int)) for one in document["references"]
        ),
        replicas=_typed(document["replicas"], int),
        deployed=float(document["deployed"]),
    )


def _typed(value: object, kind: type[T]) -> T:
    if type(value) is not kind:
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return value


def _word(value: object, *known: W) -> W:
    for one in known:
        if value == one:
            return one
    raise ValueError(f"{value!r} is none of {', '.join(known)}")
