"""Make the image of a project: compile, build, push, load; nothing where the registry has it already."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from dubbopy_cli.build.images import builders, choose, content, credentials, names, record
from dubbopy_cli.build.images.making import Making, Wanted, taken
from dubbopy_cli.build.images.registry import Registry
from dubbopy_cli.build.images.request import ImageRequest, ImageResult, resolved
from dubbopy_cli.errors import UnreachableError, UsageError
from dubbopy_cli.plan import Plan, Step
from dubbopy_cli.process import Runner
from dubbopy_cli.project import Project


@dataclass(frozen=True)
class ImagePlan:
    """The steps to an image; ``expected`` is what they make, without the digest that only the registry knows."""

    steps: Plan
    expected: ImageResult
    finish: Callable[[], ImageResult]
    warnings: tuple[str, ...] = ()


def make(
    project: Project,
    request: ImageRequest,
    runner: Runner,
    *,
    announce: Callable[[Step], None] = lambda _: None,
    warn: Callable[[str], None] = lambda _: None,
) -> ImageResult:
    """Make the image and return it; ``pinned`` is its repository@digest, to be deployed.

    The caller holds ``build.lock.held(project)``. The registry keeps what it has: an image of the same content is not
    made again. Raises PreflightError ``builder-missing`` or ``builder-down``, ConflictError ``image-tag-taken``,
    UnreachableError ``registry-unreachable`` or ``registry-denied``, UsageError for what no builder can do, and
    DubbopyError ``build-failed``, ``image-failed``, ``image-push-failed`` or ``image-load-failed``.
    """
    planned = plan(project, request, runner)
    for text in planned.warnings:
        warn(text)
    planned.steps.apply(announce)
    return planned.finish()


def plan(project: Project, request: ImageRequest, runner: Runner) -> ImagePlan:
    """Return the steps to the image, each with the line that a user could type; nothing is changed.

    Looks for a builder and, unless nothing is to be pushed, asks the registry; raises as ``make`` does.
    """
    tag, platforms = resolved(project, request)
    maker = choose.choose(request.builder, runner)
    _refuse(request, platforms, maker)
    made_of = content.digest(project.root)
    expected = ImageResult(project.image, tag, "", platforms, maker.name, request.push, made_of, request.load)
    if not request.push:
        return _made(Making(Wanted(project, request, runner, maker, expected)))
    registry = _registry(project, request, runner, maker)
    try:
        held = registry.held(tag)
    except UnreachableError as error:
        return _known(project, request, expected, error)
    if held and held.content != made_of and not request.force:
        raise taken(expected, held)
    if not held or held.content != made_of or request.force:
        return _made(Making(Wanted(project, request, runner, maker, expected, registry), before=held))
    if set(platforms) <= set(held.platforms):
        done = replace(expected, digest=held.digest)
        if request.load:
            # It has to be in the builder's own store to be loaded; the registry is left as it is.
            return _made(Making(Wanted(project, request, runner, maker, done), before=held))
        done = replace(done, platforms=held.platforms, state="up-to-date")
        return ImagePlan(Plan(), done, lambda: record.save(project, done))
    # The push replaces what is there: its platforms must be in the new one.
    every = tuple(dict.fromkeys((*held.platforms, *platforms)))
    _refuse(request, every, maker)
    expected = replace(expected, platforms=every)
    return _made(Making(Wanted(project, request, runner, maker, expected, registry), before=held))


def _made(making: Making) -> ImagePlan:
    return ImagePlan(Plan(tuple(making.steps())), making.wanted.expected, making.finish)


def _known(project: Project, request: ImageRequest, expected: ImageResult, error: UnreachableError) -> ImagePlan:
    """Return what was pushed from here before, where the registry does not answer: a cluster may reach it."""
    known = record.recorded(project, expected.tag, expected.content)
    if error.code != "registry-unreachable" or not known or request.load or request.force:
        raise error
    if not set(expected.platforms) <= set(known.platforms):
        raise error
    known = replace(known, state="up-to-date", loaded=None)
    warning = f"{error.message}; {known.reference} was pushed from here before, as {known.digest}"
    return ImagePlan(Plan(), known, lambda: known, (warning,))


def _refuse(request: ImageRequest, platforms: tuple[str, ...], maker: builders.Builder) -> None:
    if len(platforms) < 2:
        return
    if request.load:
        raise UsageError(
            "usage",
            f"an image of several platforms cannot be loaded into {request.load}",
            hint="--platform with the one of its nodes, or leave out --load",
        )
    if maker.name == "docker" and not request.push:
        raise UsageError(
            "usage",
            "docker keeps an image of several platforms only in a registry",
            hint="add --push, or take --builder podman",
        )


def _registry(project: Project, request: ImageRequest, runner: Runner, maker: builders.Builder) -> Registry:
    host, path = names.split(project.image)
    login = credentials.find(maker.name, host, path, runner)
    return Registry(project.image, maker.name, login, request.insecure or names.on_loopback(host))
