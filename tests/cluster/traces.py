"""What a machine holds of clusters, read from the kernel: for tests that nothing is left."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

import psutil

from tests.cluster.harness import cgroups, state
from tests.cluster.harness.space import TUNABLES

# Where programs of a node write by themselves.
FOLDERS = ("/run", "/var/lib", "/var/log", "/opt", "/etc/cni")
SETTINGS = ("net/ipv4/ip_forward", "net/bridge/bridge-nf-call-iptables", *TUNABLES)


def of_machine() -> dict[str, set[str]]:
    """Return mounts, interfaces, packet filters, namespaces, control groups, files and settings of the machine."""
    return {
        "mounts": {line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()},
        "links": {link["ifname"] for link in json.loads(_said("ip", "-json", "link"))},
        "routes": set(_said("ip", "route", "show", "table", "all").splitlines()),
        "filters": set(_said("nft", "list", "tables").splitlines()),
        "named": {str(path) for path in Path("/run/netns").glob("*")},
        "groups": {str(path) for root in cgroups.hierarchies() for path in root.glob("*dubbopy*")},
        "files": {str(path) for folder in FOLDERS for path in Path(folder).glob("*")},
        "settings": {f"{name}={_setting(name)}" for name in SETTINGS},
    }


def without(traces: dict[str, set[str]], others: Iterable[state.State]) -> dict[str, set[str]]:
    """Return the traces that are not of one of these clusters."""
    words = [rf"\b{re.escape(word)}\b" for other in others for word in (other.cable, other.cgroup, str(other.folder))]
    of_others = re.compile("|".join(words) or "$^")
    return {kind: {one for one in found if not of_others.search(one)} for kind, found in traces.items()}


def of_processes(pids: Iterable[int]) -> set[tuple[int, float]]:
    """Return the processes by id and start, which together no other has.

    With the last of them, and no mount of it, a namespace is gone too.
    """
    found = set()
    for pid in pids:
        try:
            process = psutil.Process(pid)
            # One that has ended and whose parent has not asked yet holds nothing any more.
            if process.status() != psutil.STATUS_ZOMBIE:
                found.add((pid, process.create_time()))
        except psutil.NoSuchProcess:  # it ended
            continue
    return found


def _setting(name: str) -> str:
    path = Path("/proc/sys") / name
    return path.read_text().strip() if path.exists() else "absent"


def _said(*argv: str) -> str:
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout
