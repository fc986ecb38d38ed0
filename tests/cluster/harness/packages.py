"""The Debian packages of a node, installed only where a program is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.cluster.harness.progress import HarnessError, say

# A file that shows that the package is there, and the package.
NODE = {
    "containerd": "containerd",
    "runc": "runc",
    "/usr/lib/cni/bridge": "containernetworking-plugins",
    "nft": "nftables",
    "iptables": "iptables",
    "ip": "iproute2",
    "nsenter": "util-linux",
    "openssl": "openssl",
    "docker-registry": "docker-registry",
}
# Debian keeps them where an ordinary user's PATH does not look.
SBIN = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])


def require() -> None:
    """Install what is missing; HarnessError without root, or when apt-get fails."""
    if os.geteuid():
        raise HarnessError("a node needs root: namespaces, mounts and containers are made; run as root")
    missing = sorted({package for program, package in NODE.items() if not _there(program)})
    if not missing:
        return
    say(f"installing {' '.join(missing)}")
    _apt("update", "-qq")
    _apt("install", "-y", "-qq", "--no-install-recommends", *missing)


def _there(program: str) -> bool:
    return Path(program).exists() if program.startswith("/") else shutil.which(program, path=SBIN) is not None


def _apt(*arguments: str) -> None:
    # The packages start services of their own unless this says no: a node here uses none of them.
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    done = subprocess.run(["apt-get", *arguments], env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise HarnessError(f"apt-get {' '.join(arguments)} failed: {done.stderr.strip()}")
