"""What an image is asked to be, and what it became."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dubbopy_cli.errors import UsageError
from dubbopy_cli.project import Project

BuilderName = Literal["docker", "podman", "buildah"]
BuilderChoice = Literal["auto", "docker", "podman", "buildah"]
Loader = Literal["kind", "minikube", "ctr"]
State = Literal["built", "up-to-date"]

# The label of every image by which a later build knows what it was made of.
CONTENT_LABEL = "dubbopy.content"

# Go's name for what `uname -m` says; an architecture of a platform is Go's name too.
_MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
_ARCHITECTURES = ("amd64", "arm64", "386", "loong64", "ppc64le", "riscv64", "s390x")


@dataclass(frozen=True)
class ImageRequest:
    """How to make a project's image.

    ``tag`` None is that of chart/app/values.yaml; ``platforms`` such as ``("linux/amd64", "linux/arm64")``, none is
    this machine's; ``push`` to the registry of the project's image repository; ``load`` into a cluster of this machine;
    ``force`` replaces a tag that holds something else; ``insecure`` speaks to the registry without trusted TLS, as is
    done on loopback anyway.
    """

    tag: str | None = None
    builder: BuilderChoice = "auto"
    platforms: tuple[str, ...] = ()
    push: bool = True
    load: Loader | None = None
    force: bool = False
    insecure: bool = False


@dataclass(frozen=True)
class ImageResult:
    """An image that exists: ``pinned`` is what to deploy.

    ``digest`` is that of the manifest (or index) in the registry, ``sha256:...``, and empty unless it was pushed;
    ``content`` is the sha256 (hex) of what the image was made of, also its label ``dubbopy.content``: where ``digest``
    is empty it tells two images of one tag apart. ``state`` is ``up-to-date`` where the registry held it already.
    """

    repository: str
    tag: str
    digest: str
    platforms: tuple[str, ...]
    builder: BuilderName
    pushed: bool
    content: str
    loaded: Loader | None = None
    state: State = "built"

    @property
    def reference(self) -> str:
        """Return ``repository:tag``."""
        return f"{self.repository}:{self.tag}"

    @property
    def pinned(self) -> str:
        """Return ``repository@digest``, which can only ever be this image; ``reference`` if it was not pushed."""
        return f"{self.repository}@{self.digest}" if self.digest else self.reference

    def to_dict(self) -> dict[str, object]:
        """Return the data of `build -o json`."""
        return {
            "reference": self.reference,
            "digest": self.digest,
            "pinned": self.pinned,
            "platforms": list(self.platforms),
            "builder": self.builder,
            "pushed": self.pushed,
            "loaded": self.loaded or "",
            "content": self.content,
            "state": self.state,
        }


def platforms(words: str) -> tuple[str, ...]:
    """Return the platforms of a list such as ``linux/amd64,linux/arm64``; UsageError for one that no image can have."""
    found = []
    for word in words.split(","):
        system, _, architecture = word.strip().partition("/")
        if system != "linux" or architecture not in _ARCHITECTURES:
            known = ", ".join(f"linux/{one}" for one in _ARCHITECTURES)
            raise UsageError(
                "usage",
                f"'{word.strip()}' is no platform of an image: {known}",
                hint="--platform linux/amd64",
            )
        found.append(f"linux/{architecture}")
    return tuple(dict.fromkeys(found))


def machine_platform() -> str:
    """Return the platform that runs on this machine; on macOS that of its Linux machine."""
    import platform

    name = platform.machine().lower()
    return f"linux/{_MACHINES.get(name, name)}"


def resolved(project: Project, request: ImageRequest) -> tuple[str, tuple[str, ...]]:
    """Return the tag and the platforms that are meant where the request leaves them open."""
    return request.tag or project.tag, request.platforms or (machine_platform(),)
