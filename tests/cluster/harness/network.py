"""The cable between the machine and a cluster's own network, and ports of the machine's loopback inside it."""

from __future__ import annotations

import subprocess
import sys

from tests.cluster.harness.progress import HarnessError, until
from tests.cluster.harness.space import Daemon, Space
from tests.cluster.harness.state import State


def connect(space: Space) -> None:
    """Lay the cable: the host's end is in the machine's network, eth0 of the node is the other."""
    state = space.state
    _ip("link", "add", state.cable, "type", "veth", "peer", "name", "eth0", "netns", str(space.keeper))
    _ip("address", "add", f"{state.host_ip}/{state.network.prefixlen}", "dev", state.cable)
    _ip("link", "set", state.cable, "up")
    space.run("ip", "link", "set", "lo", "up")
    space.run("ip", "address", "add", f"{state.node_ip}/{state.network.prefixlen}", "dev", "eth0")
    space.run("ip", "link", "set", "eth0", "up")
    # A connection to a Service's address needs some route before it is sent elsewhere; beyond the host nothing is reached.
    space.run("ip", "route", "add", "default", "via", state.host_ip)
    # Both settings belong to the network they are made in: the machine's own stay as they are.
    for name in ("net/ipv4/ip_forward", "net/bridge/bridge-nf-call-iptables"):
        space.run("sh", "-c", f"test ! -e /proc/sys/{name} || echo 1 >/proc/sys/{name}")


def disconnect(state: State) -> None:
    """Take the cable away, if it is there."""
    if _there(state.cable):
        # With the network at its other end it may go by itself in this moment.
        subprocess.run(["ip", "link", "delete", state.cable], capture_output=True, check=False)
        until(lambda: not _there(state.cable), f"{state.cable} is gone", 30)


def relay(space: Space, port: int) -> Daemon:
    """Let programs of the node reach a port of the machine's loopback under the same address."""
    daemon = space.spawn_outside(
        f"relay-{port}", sys.executable, "-m", "tests.cluster.harness.relay", str(space.keeper), str(port)
    )
    until(lambda: f"127.0.0.1:{port} " in space.run("ss", "-Hltn"), f"the relay of port {port}", 30, daemon.alive)
    return daemon


def _there(link: str) -> bool:
    return subprocess.run(["ip", "link", "show", link], capture_output=True, check=False).returncode == 0


def _ip(*arguments: str) -> None:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise HarnessError(f"ip {' '.join(arguments)} failed: {done.stderr.strip()}")
