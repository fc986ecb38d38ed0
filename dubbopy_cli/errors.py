"""The error tree: every failure a user can meet has a stable code, a cause and a next command."""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar, Literal


class ExitCode(IntEnum):
    """Exit codes of the command, part of the contract with scripts."""

    OK = 0
    FAILED = 1
    USAGE = 2
    PREFLIGHT = 3
    UNREACHABLE = 4
    ROLLOUT = 5
    CONFLICT = 6
    INTERRUPTED = 130


# mypy refuses a code that is not listed, and a test refuses one that the docs do not explain.
ErrorCode = Literal[
    # any command
    "usage",
    "needs-yes",
    "declined",
    "interrupted",
    "io",
    "internal",
    # settings
    "setting-invalid",
    "context-mismatch",
    # names and projects
    "name-invalid",
    "project-not-found",
    "project-invalid",
    # templates and answers
    "path-invalid",
    "path-conflict",
    "answer-unknown",
    "answer-missing",
    "answer-invalid",
    "template-not-found",
    "template-unreachable",
    "template-untrusted",
    "template-unsafe",
    "template-invalid",
    # stubs
    "proto-missing",
    "proto-invalid",
    "stubs-stale",
    "stubs-foreign",
    # programs and packages
    "extra-missing",
    "tool-missing",
    "tool-failed",
    "tool-timeout",
    # builds
    "toolchain-missing",
    "toolchain-old",
    "build-failed",
    "build-missing",
    # images
    "builder-missing",
    "builder-down",
    "image-failed",
    "image-push-failed",
    "image-load-failed",
    "image-tag-taken",
    "registry-unreachable",
    "registry-denied",
    # releases
    "application-unknown",
    "version-unknown",
    "proxyless-local",
    "role-conflict",
    "port-conflict",
    "no-traffic-first",
    "artifact-missing",
    "rollout-failed",
    "traffic-remains",
    "chart-invalid",
    "release-foreign",
    "service-foreign",
    "revision-unknown",
    # calls
    "client-traffic",
    "not-ready",
    "client-missing",
    "reflection-missing",
    "method-unknown",
    "body-invalid",
    "header-invalid",
    "nothing-expected",
    "tags-alike",
    # traffic rules
    "rules-invalid",
    "rules-refused",
    "rules-damaged",
    # shifts
    "counters-missing",
    "shift-running",
    "shift-unfinished",
    "shift-aborted",
    # clusters
    "context-unknown",
    "context-missing",
    "namespace-missing",
    "cluster-forbidden",
    "cluster-denied",
    "cluster-unreachable",
    "istio-missing",
    "istiod-unfit",
    "injection-off",
    "lock-lost",
    # the local target
    "busy",
    "disk-full",
    "folder-unsafe",
    "state-newer",
    "mesh-failed",
    "envoy-refused",
    "port-none",
    "port-taken",
]


class DubbopyError(Exception):
    """Carry what happened, the command to run next and a stable code.

    ``message`` says what happened and the likely cause, ``hint`` the next command, ``details`` the lines of
    evidence (a compiler's output, the last lines of a log).
    """

    exit_code: ClassVar[ExitCode] = ExitCode.FAILED

    def __init__(self, code: ErrorCode, message: str, *, hint: str = "", details: str = "") -> None:
        super().__init__(message)
        self.code: ErrorCode = code
        self.message = message
        self.hint = hint
        self.details = details


class UsageError(DubbopyError):
    """Refuse input that cannot be meant, before anything is touched."""

    exit_code = ExitCode.USAGE


class PreflightError(DubbopyError):
    """Report a missing or unfit tool or precondition."""

    exit_code = ExitCode.PREFLIGHT


class UnreachableError(DubbopyError):
    """Report a cluster, registry or proxy that does not answer or does not let us in."""

    exit_code = ExitCode.UNREACHABLE


class RolloutError(DubbopyError):
    """Report a release that did not become ready."""

    exit_code = ExitCode.ROLLOUT


class ConflictError(DubbopyError):
    """Report a conflict, a difference or a finding that a person has to decide."""

    exit_code = ExitCode.CONFLICT
