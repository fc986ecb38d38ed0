"""The namespaces of a cluster: its own network, mounts and processes, kept by one process.

When that process ends, the kernel ends every other in there, and with the last of them go mounts, interfaces, routes,
packet filters and settings. Nothing has to be undone one by one.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.cluster.harness import cgroups
from tests.cluster.harness.packages import SBIN
from tests.cluster.harness.progress import HarnessError, until
from tests.cluster.harness.state import State

# What kubelet would otherwise set in the kernel, for all of the machine. It sees these values, and leaves it alone.
TUNABLES = {
    "vm/overcommit_memory": 1,
    "vm/panic_on_oom": 0,
    "kernel/panic": 10,
    "kernel/panic_on_oops": 1,
    "kernel/keys/root_maxkeys": 1000000,
    "kernel/keys/root_maxbytes": 25000000,
}
# Folders in which node programs write whatever their settings are; a cluster sees its own instead.
COVERED = ("/run", "/var/log", "/var/lib")


class Space:
    """The namespaces of one cluster, in which programs are run."""

    def __init__(self, state: State, keeper: int) -> None:
        self.state = state
        self.keeper = keeper

    @classmethod
    def create(cls, state: State, pause: Path) -> Space:
        """Make the namespaces, kept by the program ``pause``."""
        for path in (state.folder, pause):
            if any(path.resolve().is_relative_to(covered) for covered in COVERED):
                raise HarnessError(f"{path} is below {' or '.join(COVERED)}; set XDG_CACHE_HOME to another folder")
        cgroups.create(state.cgroup)
        flags = ("--mount", "--net", "--pid", "--fork", "--mount-proc", "--propagation", "private")
        unshare = _start(state, "keeper", ["unshare", *flags, str(pause)])
        children = Path(f"/proc/{unshare.pid}/task/{unshare.pid}/children")
        until(lambda: _named(children, "pause"), "the process that keeps the namespaces", 20)
        keeper = int(children.read_text())
        (state.folder / "keeper").write_text(str(keeper))
        space = cls(state, keeper)
        space._cover()
        return space

    @classmethod
    def enter(cls, state: State) -> Space:
        """Return the namespaces of a running cluster; HarnessError when it does not run."""
        keeper = int((state.folder / "keeper").read_text())
        if keeper not in cgroups.processes(state.cgroup):
            raise HarnessError(f"cluster {state.name} does not run any more; 'down --name {state.name}' clears it away")
        return cls(state, keeper)

    def run(self, *argv: str | Path, check: bool = True) -> str:
        """Run a program in the namespaces and return what it printed; HarnessError when it fails."""
        whole = [*self._nsenter(), *map(str, argv)]
        done = subprocess.run(whole, env=_env(self.state), capture_output=True, text=True, check=False)
        if done.returncode and check:
            raise HarnessError(f"{' '.join(map(str, argv))} failed: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

    def spawn(self, name: str, *argv: str | Path) -> Daemon:
        """Start a program in the namespaces; its output goes to a log of that name."""
        return Daemon(self.state, name, _start(self.state, name, [*self._nsenter(), *map(str, argv)]))

    def spawn_outside(self, name: str, *argv: str | Path) -> Daemon:
        """Start a program in the machine's network and mounts, which ends with the cluster all the same."""
        nsenter = ["nsenter", "--target", str(self.keeper), "--pid", "--"]
        return Daemon(self.state, name, _start(self.state, name, [*nsenter, *map(str, argv)]))

    def _nsenter(self) -> list[str]:
        return ["nsenter", "--target", str(self.keeper), "--mount", "--net", "--pid", "--"]

    def _cover(self) -> None:
        commands = []
        for covered in COVERED:
            own = self.state.folder / "own" / covered.strip("/").replace("/", "-")
            own.mkdir(parents=True)
            commands.append(f"mount --bind {own} {covered}")
        for name, value in TUNABLES.items():
            file = self.state.folder / "own" / name.replace("/", "-")
            file.write_text(f"{value}\n")
            commands.append(f"mount --bind {file} /proc/sys/{name}")
        self.run("sh", "-ec", "\n".join(commands))


class Daemon:
    """A program that runs until the cluster ends."""

    def __init__(self, state: State, name: str, process: subprocess.Popen[bytes]) -> None:
        self.log = log_of(state, name)
        self.name = name
        self._process = process

    def alive(self) -> None:
        """Raise HarnessError, with the end of the log, when the program has ended."""
        if self._process.poll() is not None:
            tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])
            raise HarnessError(f"{self.name} ended with {self._process.returncode}; {self.log}:\n{tail}")


def log_of(state: State, name: str) -> Path:
    """Return the log of a daemon."""
    return state.folder / "logs" / f"{name}.log"


def _start(state: State, name: str, argv: list[str]) -> subprocess.Popen[bytes]:
    path = log_of(state, name)
    path.parent.mkdir(exist_ok=True)
    with path.open("ab") as log:
        return subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=_env(state),
            cwd="/",
            start_new_session=True,  # Ctrl-C is for the one who started the cluster, not for its parts
            preexec_fn=cgroups.joining(state.cgroup),  # noqa: PLW1509 it only writes to files
        )


def _env(state: State) -> dict[str, str]:
    # Nothing of the caller's settings (proxies, DUBBO_*, GRPC_*) is for the node.
    return {"PATH": SBIN, "HOME": str(state.folder), "PYTHONPATH": os.pathsep.join(sys.path)}


def _named(children: Path, name: str) -> bool:
    pids = children.read_text().split()
    return bool(pids) and Path(f"/proc/{pids[0]}/comm").read_text().strip() == name
