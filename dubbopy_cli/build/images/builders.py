"""The programs that make images: their command lines, which the generated Makefile issues too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from dubbopy_cli.build.images import names
from dubbopy_cli.build.images.request import CONTENT_LABEL, BuilderName, Loader

Argv = tuple[str, ...]


@dataclass(frozen=True)
class Job:
    """One image to make in the project's folder.

    ``platforms`` is empty where the builder's own default is meant: this machine's, with the one program build/app.
    ``per_platform`` says that build/app-ARCH is there for each platform, as only a compiled language needs.
    """

    reference: str
    content: str
    platforms: tuple[str, ...] = ()
    per_platform: bool = False
    insecure: bool = False

    @property
    def several(self) -> bool:
        """Tell whether the image is an index of several platforms' images."""
        return len(self.platforms) > 1

    def options(self) -> Argv:
        """Return the options of a build that all builders share."""
        words: list[str] = []
        if self.platforms:
            words += ["--platform", ",".join(self.platforms)]
        if self.platforms and self.per_platform:
            words += ["--build-arg", "PER_PLATFORM=yes"]
        return (*words, "--label", f"{CONTENT_LABEL}={self.content}")


class Builder(Protocol):
    """A program that makes images."""

    name: BuilderName

    def clear(self, job: Job) -> tuple[Argv, ...]:
        """Return the commands that remove what would spoil the build; they may fail where there is nothing."""
        ...

    def build(self, job: Job) -> tuple[Argv, ...]:
        """Return the commands that make the image."""
        ...

    def push(self, job: Job) -> tuple[Argv, ...]:
        """Return the commands that push it; none where the build has done it."""
        ...

    def save(self, job: Job, archive: str) -> Argv:
        """Return the command that writes the image into an archive, for a cluster that takes nothing else."""
        ...


class Docker:
    """Docker Engine: one platform by its own build, several by buildx, which pushes as it builds."""

    name: BuilderName = "docker"

    def clear(self, job: Job) -> tuple[Argv, ...]:  # noqa: ARG002 - the protocol's
        """Return nothing."""
        return ()

    def build(self, job: Job) -> tuple[Argv, ...]:
        """Return `docker build`, or `docker buildx build --push` for several platforms."""
        if job.several:
            return (("docker", "buildx", "build", *job.options(), "-t", job.reference, "--push", "build"),)
        return (("docker", "build", *job.options(), "-t", job.reference, "build"),)

    def push(self, job: Job) -> tuple[Argv, ...]:
        """Return `docker push`; whether a registry may do without TLS is a setting of the engine."""
        return () if job.several else (("docker", "push", job.reference),)

    def save(self, job: Job, archive: str) -> Argv:
        """Return `docker save`."""
        return ("docker", "save", "-o", archive, job.reference)


class Podman:
    """Podman, and Buildah, whose commands differ from Podman's in their first word and in how they save."""

    name: BuilderName = "podman"

    def clear(self, job: Job) -> tuple[Argv, ...]:
        """Return the removal of what has this name: the build would add to an index, and refuse an image."""
        name = names.full(job.reference)
        return ((self.name, "manifest", "rm", name), (self.name, "rmi", name)) if job.several else ()

    def build(self, job: Job) -> tuple[Argv, ...]:
        """Return the build; several platforms become an index of the image's name."""
        name = names.full(job.reference)
        if job.several:
            return ((self.name, "build", *job.options(), "--manifest", name, "build"),)
        return ((self.name, "build", *job.options(), "-t", name, "build"),)

    def push(self, job: Job) -> tuple[Argv, ...]:
        """Return the push of the image, or of the index with all that it holds."""
        name = names.full(job.reference)
        tls = ("--tls-verify=false",) if job.insecure else ()
        if job.several:
            return ((self.name, "manifest", "push", "--all", *tls, name, f"docker://{name}"),)
        return ((self.name, "push", *tls, name),)

    def save(self, job: Job, archive: str) -> Argv:
        """Return `podman save`."""
        return ("podman", "save", "-o", archive, names.full(job.reference))


class Buildah(Podman):
    """Buildah."""

    name: BuilderName = "buildah"

    def save(self, job: Job, archive: str) -> Argv:
        """Return `buildah push` into an archive of Docker's form."""
        name = names.full(job.reference)
        return ("buildah", "push", name, f"docker-archive:{archive}:{name}")


BUILDERS: tuple[Builder, ...] = (Docker(), Podman(), Buildah())


def load(job: Job, builder: Builder, loader: Loader, archive: str) -> tuple[Argv, ...]:
    """Return the commands that put the image into a cluster of this machine; kind and minikube read Docker's store."""
    if loader == "ctr":
        return (builder.save(job, archive), ("ctr", "-n", "k8s.io", "images", "import", archive))
    if loader == "kind":
        if builder.name == "docker":
            return (("kind", "load", "docker-image", job.reference),)
        return (builder.save(job, archive), ("kind", "load", "image-archive", archive))
    if builder.name == "docker":
        return (("minikube", "image", "load", job.reference),)
    return (builder.save(job, archive), ("minikube", "image", "load", archive))


def former(job: Job, loader: Loader) -> tuple[tuple[Argv, ...], tuple[Argv, ...]]:
    """Return the commands that keep the cluster's former image of this name, and those that let it go afterwards.

    The first may fail where there is none. `ctr` counts layers that are there already as its own without holding them:
    containerd may throw them away with the image that is replaced, before the new one is unpacked.
    """
    if loader != "ctr":
        return (), ()
    ctr, name = ("ctr", "-n", "k8s.io", "images"), names.full(job.reference)
    return ((*ctr, "tag", "--force", name, f"{name}-former"),), ((*ctr, "rm", f"{name}-former"),)
