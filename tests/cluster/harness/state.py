"""What is known of a cluster: its name, addresses and folders, kept in a file so that any later process can end it."""

from __future__ import annotations

import fcntl
import ipaddress
import json
import os
import re
import shutil
import subprocess
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from tests.cluster.harness import pins
from tests.cluster.harness.progress import HarnessError
from tests.programs import free_port

# Each cluster takes four addresses of this network: the host's end and the node's end of a cable.
NETWORK = ipaddress.IPv4Network("192.168.213.0/24")
SLOTS = NETWORK.num_addresses // 4
# Inside its own network a cluster may have the same ranges as any other.
PODS, SERVICES = "10.244.0.0/16", "10.96.0.0/16"
DNS_SERVICE, API_SERVICE = "10.96.0.10", "10.96.0.1"
NODE = "node1"


@dataclass(frozen=True)
class State:
    """A cluster; ``owner`` and ``owner_started`` are the process that started it, ``session`` if it ends with that."""

    name: str
    slot: int
    registry_port: int
    owner: int
    owner_started: float
    session: bool

    @property
    def folder(self) -> Path:
        return clusters() / self.name

    @property
    def kubeconfig(self) -> Path:
        return self.folder / "admin.kubeconfig"

    @property
    def context(self) -> str:
        return f"dubbopy-{self.name}"

    @property
    def registry(self) -> str:
        return f"127.0.0.1:{self.registry_port}"

    @property
    def network(self) -> ipaddress.IPv4Network:
        return list(NETWORK.subnets(new_prefix=30))[self.slot]

    @property
    def host_ip(self) -> str:
        return str(self.network[1])

    @property
    def node_ip(self) -> str:
        return str(self.network[2])

    @property
    def cable(self) -> str:
        """Return the name of the host's end of the cable."""
        return f"dubbopy{self.slot}"

    @property
    def cgroup(self) -> str:
        """Return the name of the control group; clusters of other cache folders may have the same name."""
        return f"dubbopy-{self.name}-{zlib.crc32(str(self.folder).encode()):08x}"

    @property
    def owner_lives(self) -> bool:
        return _started(self.owner) == self.owner_started

    @property
    def ready(self) -> bool:
        return (self.folder / "ready").exists()


def clusters() -> Path:
    """Return the folder that has a folder for each cluster."""
    return pins.cache() / "clusters"


def known() -> list[State]:
    """Return the clusters that were started and not taken down, also those of a process that was killed."""
    found = [find(path.parent.name) for path in sorted(clusters().glob("*/cluster.json"))]
    return [state for state in found if state]


def find(name: str) -> State | None:
    """Return the cluster of that name, None if there is none."""
    try:
        return State(**json.loads((clusters() / name / "cluster.json").read_text()))
    except FileNotFoundError:
        return None


def reserve(name: str, *, session: bool = False) -> State:
    """Reserve a name and addresses for this process; HarnessError when the name is taken or nothing is free."""
    if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,22}[a-z0-9])?", name):
        raise HarnessError(f"{name!r} is no name for a cluster: 1 to 24 of a-z, 0-9 and -")
    with _locked():
        if find(name):
            raise HarnessError(f"a cluster {name} is there already; end it with 'down --name {name}'")
        taken = {state.slot for state in known()}
        in_use = _addresses()
        for slot in range(SLOTS):
            me = os.getpid()
            state = State(name, slot, free_port(), me, _started(me), session)
            if slot not in taken and not any(state.network.overlaps(network) for network in in_use):
                # A folder without the file is what a reservation left that was killed.
                state.folder.mkdir(exist_ok=True)
                _write(state)
                return state
    raise HarnessError(f"no free addresses are left in {NETWORK}")


def forget(state: State) -> None:
    """Remove the cluster's folder; the file that names it goes last, so that a killed removal can be done again."""
    file = state.folder / "cluster.json"
    with _locked():
        if not file.exists():  # another process was faster
            return
        for path in state.folder.iterdir():
            if path != file:
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        file.unlink()
        state.folder.rmdir()


def _started(pid: int) -> float:
    try:
        process = psutil.Process(pid)
        # One that was killed and not yet waited for is still listed.
        return 0.0 if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.NoSuchProcess:
        return 0.0


def _addresses() -> list[ipaddress.IPv4Network]:
    said = subprocess.run(["ip", "-json", "-4", "address"], capture_output=True, text=True, check=True).stdout
    return [
        ipaddress.IPv4Network(f"{address['local']}/{address['prefixlen']}", strict=False)
        for link in json.loads(said)
        for address in link.get("addr_info", [])
    ]


def _write(state: State) -> None:
    path = state.folder / "cluster.json"
    new = path.with_suffix(".new")
    new.write_text(json.dumps(asdict(state), indent=1))
    new.rename(path)


@contextmanager
def _locked() -> Iterator[None]:
    folder = clusters()
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
