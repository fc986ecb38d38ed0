"""What a builder's failure means, told without what it may have repeated of a login."""

from __future__ import annotations

import re

from dubbopy_cli.build.images import names
from dubbopy_cli.errors import DubbopyError, UnreachableError
from dubbopy_cli.process import Completed, shown

_SECRETS = (
    # A user and a password in a URL; a header; the words of a login; the fields of a login's file.
    r"(://)[^/\s@]+(@)",
    r"(?i)(authorization[\"']?\s*[:=]\s*[\"']?(?:basic |bearer )?)[^\s\"']+()",
    r"(?i)(\b(?:basic|bearer) )[\w.~+/=-]{12,}()",
    r"(?i)(--(?:password|creds|identity-token|registry-token)[ =])\S+()",
    r"(?i)([\"']?(?:password|passwd|secret|token|identitytoken|registrytoken|auth)[\"']?\s*[:=]\s*[\"']?)[^\s\"',&}]+()",
)
_DENIED = r"unauthorized|authentication required|denied|forbidden|no basic auth credentials|401|403"
_UNREACHABLE = (
    r"connection refused|no such host|i/o timeout|network is unreachable|no route to host|tls handshake|x509:"
    r"|server gave HTTP response to HTTPS client|connection reset|deadline exceeded|dial tcp"
)
_MEANINGS: tuple[tuple[str, str], ...] = (
    (r"no space left on device", "the disk is full: `{prune}` frees what no image needs"),
    (r"cannot connect to podman", "Podman's Linux machine does not run: podman machine start"),
    (
        r"exec format error",
        "a step of the Dockerfile runs a program of another platform: install qemu-user-static (binfmt), "
        "or leave out --platform",
    ),
    (
        r"unknown command: docker buildx|'buildx' is not a docker command|unknown flag: --platform",
        "install Docker's plugin buildx, or take --builder podman",
    ),
    (
        r"multiple platforms feature is currently not supported",
        "this builder of Docker makes one platform: docker buildx create --use",
    ),
    (
        r"No matching distribution|Could not find a version",
        "there is no wheel that fits: look at pyproject.toml and at pip's index",
    ),
    (
        r"pinging container registry|" + _UNREACHABLE,
        "the registry of the base image, or pip's index, cannot be reached: name ones that can in build/Dockerfile",
    ),
    (_DENIED, "the registry of the base image lets nobody in without a login: {builder} login REGISTRY"),
)


def redact(text: str) -> str:
    """Return the text with `***` in place of what looks like a login."""
    for pattern in _SECRETS:
        text = re.sub(pattern, r"\1***\2", text)
    return text


def building(name: str, done: Completed) -> DubbopyError:
    """Return the error for a build that failed."""
    output = _output(done)
    return DubbopyError(
        "image-failed",
        _ended(f"making the image of {name}", done),
        details=redact(output),
        hint=_meaning(output, done.argv[0]) or _by_hand(done),
    )


def pushing(repository: str, done: Completed) -> DubbopyError:
    """Return the error for a push that failed: denied, unreachable, or something else."""
    output, builder = _output(done), done.argv[0]
    registry = names.split(repository)[0]
    if re.search(_UNREACHABLE, output, re.IGNORECASE):
        hint = f"start it or mend the network, then the same command again; by hand: {shown(done.argv)}"
        if builder == "docker" and re.search(r"HTTP response to HTTPS client|x509:", output):
            hint = f'let docker\'s engine trust it: "insecure-registries": ["{registry}"] in /etc/docker/daemon.json'
        return UnreachableError(
            "registry-unreachable",
            f"{builder} cannot push to the registry {registry}: it does not answer as it should",
            details=redact(output),
            hint=hint,
        )
    if re.search(_DENIED, output, re.IGNORECASE):
        return UnreachableError(
            "registry-denied",
            f"the registry {registry} does not let {builder} push {repository}",
            details=redact(output),
            hint=f"{builder} login {registry}",
        )
    return DubbopyError(
        "image-push-failed", _ended(f"pushing to {registry}", done), details=redact(output), hint=_by_hand(done)
    )


def loading(loader: str, done: Completed) -> DubbopyError:
    """Return the error for an image that a cluster of this machine did not take."""
    return DubbopyError(
        "image-load-failed",
        _ended(f"loading the image into {loader}", done),
        details=redact(_output(done)),
        hint=_by_hand(done),
    )


def _ended(what: str, done: Completed) -> str:
    return f"{what} failed: `{' '.join(done.argv[:2])}` ended with exit status {done.returncode}"


def _by_hand(done: Completed) -> str:
    return f"run it by hand: {shown(done.argv)}"


def _output(done: Completed) -> str:
    return "\n".join(filter(None, (done.stderr.rstrip(), done.stdout.rstrip())))


def _meaning(output: str, builder: str) -> str:
    found = (text for pattern, text in _MEANINGS if re.search(pattern, output, re.IGNORECASE))
    prune = "buildah rmi --prune" if builder == "buildah" else f"{builder} image prune"
    return next(found, "").replace("{builder}", builder).replace("{prune}", prune)
