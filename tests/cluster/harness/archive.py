"""Image archives made of files, without a builder: what ``ctr images import`` and ``docker load`` read."""

from __future__ import annotations

import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
# The user of the generated Dockerfiles.
NOBODY = 65532


@dataclass(frozen=True)
class File:
    """A file of an image: where it is, its content or the path of it, mode and owner."""

    target: str
    source: bytes | Path
    mode: int = 0o755
    owner: int = 0


@dataclass(frozen=True)
class Image:
    """An image of one layer; ``links`` are pairs of a symbolic link and what it points to."""

    reference: str
    entrypoint: Sequence[str]
    files: Sequence[File]
    links: Sequence[tuple[str, str]] = ()
    env: Sequence[str] = ("PATH=/usr/local/bin:/usr/bin:/bin",)
    user: str = ""
    workdir: str = ""
    labels: dict[str, str] = field(default_factory=dict)


def write(image: Image, archive: Path) -> Path:
    """Write the image as an archive of docker's form and return its path."""
    layer = archive.with_suffix(".layer")
    try:
        _write_layer(image, layer)
        with layer.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        config = json.dumps(_config(image, digest)).encode()
        name = f"{hashlib.sha256(config).hexdigest()}.json"
        manifest = [{"Config": name, "RepoTags": [image.reference], "Layers": [f"{digest}/layer.tar"]}]
        with tarfile.open(archive, "w") as out:
            _add(out, name, config)
            out.add(layer, f"{digest}/layer.tar")
            _add(out, "manifest.json", json.dumps(manifest).encode())
    finally:
        layer.unlink(missing_ok=True)
    return archive


def of_project(project: Path, reference: str, archive: Path, entry: str = "app") -> Path:
    """Write the image of a generated Go project's build folder, as its Dockerfile says it; return the archive.

    ``build/app`` and ``build/dubbogo.yaml`` must be there, as ``dubbopy-cli build`` or ``make compile`` leave them.
    """
    build = project / "build"
    files = [
        File(f"dubbogo/{entry}", build / entry, 0o755, NOBODY),
        File("dubbogo/dubbogo.yaml", build / "dubbogo.yaml", 0o644, NOBODY),
    ]
    image = Image(
        reference,
        [f"/dubbogo/{entry}"],
        files,
        env=("PATH=/usr/local/bin:/usr/bin:/bin", "DUBBO_GO_CONFIG_PATH=/dubbogo/dubbogo.yaml"),
        user=f"{NOBODY}:{NOBODY}",
        workdir="/dubbogo",
    )
    return write(image, archive)


def _config(image: Image, digest: str) -> dict[str, object]:
    config = {
        "Entrypoint": list(image.entrypoint),
        "Env": list(image.env),
        "User": image.user,
        "WorkingDir": image.workdir,
        "Labels": image.labels,
    }
    machine = platform.machine()
    return {
        "architecture": ARCHITECTURES.get(machine, machine),
        "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
        "config": config,
        "history": [{"created_by": "dubbopy tests"}],
    }


def _write_layer(image: Image, path: Path) -> None:
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as layer:
        for folder in _folders([*(file.target for file in image.files), *(link for link, _ in image.links)]):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
            layer.addfile(entry)
        for file in image.files:
            entry = tarfile.TarInfo(file.target.strip("/"))
            entry.mode, entry.uid, entry.gid = file.mode, file.owner, file.owner
            with io.BytesIO(file.source) if isinstance(file.source, bytes) else file.source.open("rb") as stream:
                entry.size = stream.seek(0, io.SEEK_END)
                stream.seek(0)
                layer.addfile(entry, stream)
        for link, to in image.links:
            entry = tarfile.TarInfo(link.strip("/"))
            entry.type, entry.linkname = tarfile.SYMTYPE, to
            layer.addfile(entry)


def _folders(targets: Iterable[str]) -> list[str]:
    found = {"tmp", "etc"}
    for target in targets:
        found |= {str(parent) for parent in PurePosixPath(target.strip("/")).parents} - {"."}
    return sorted(found)


def _add(out: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    out.addfile(entry, io.BytesIO(data))
