"""A base image for Python, as slim as Debian's own packages make it: there is no public registry to take one from."""

from __future__ import annotations

import hashlib
import os
import shutil
import ssl
import subprocess
from pathlib import Path

from filelock import FileLock
from platformdirs import user_cache_path

ARGV = (
    *("mmdebstrap", "--mode=root", "--variant=minbase", "--include=python3,python3-pip,python-is-python3"),
    *(f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("doc", "man", "locale")),
    "bookworm",
)
# An index and its certificate, where this machine needs others than the defaults.
DOCKERFILE = """FROM scratch
ADD base.tar /
COPY ca.crt /etc/ssl/certs/ca-certificates.crt
ENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt
"""
FORWARDED = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY")


def tarball() -> Path:
    """Return the root of the base image as an archive; it is made once a machine."""
    key = hashlib.sha256(" ".join(ARGV).encode()).hexdigest()[:12]
    path = user_cache_path("dubbopy-cli") / "tests" / f"python-base-{key}.tar"
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{path}.lock"):
        if not path.is_file():
            new = path.with_name(f"{os.getpid()}-{path.name}")
            subprocess.run([*ARGV, str(new)], check=True, timeout=900, capture_output=True)
            new.replace(path)
    return path


def context(folder: Path) -> Path:
    """Return a folder that a builder makes the base image of."""
    folder.mkdir()
    # A link would lead out of the context.
    shutil.copyfile(tarball(), folder / "base.tar")
    (folder / "ca.crt").write_bytes(Path(str(ssl.get_default_verify_paths().cafile)).read_bytes())
    told = [f"ENV {name}={os.environ[name]}\n" for name in FORWARDED if name in os.environ]
    (folder / "Dockerfile").write_text(DOCKERFILE + "".join(told))
    return folder
