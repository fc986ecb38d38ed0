"""The commands: up, down, status, build."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence

from tests.cluster.harness import build, cgroups, lifecycle, state
from tests.cluster.harness.progress import HarnessError, say
from tests.helm import UnavailableError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return 0, or 1 when the cluster cannot be had."""
    options = _parser().parse_args(arguments)
    commands = {"up": _up, "down": _down, "status": _status, "build": _build}
    try:
        commands[options.command](options)
    except (HarnessError, UnavailableError, OSError, subprocess.SubprocessError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.cluster.harness", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="start a cluster; prints the line for the shell")
    up.add_argument("--cni", action="store_true", help="redirect connections by istio-cni, not by init containers")
    up.add_argument("--debug-namespaces", default="", metavar="A,B", help="may use istiod's debug interface")
    down = commands.add_parser("down", help="end a cluster and remove all that it left")
    for command in (up, down):
        command.add_argument("--name", default="dev", help="which cluster (default: dev)")
    down.add_argument("--abandoned", action="store_true", help="those of test sessions and starts that were killed")
    commands.add_parser("status", help="list the clusters")
    commands.add_parser("build", help="build what is not built yet, and start nothing")
    return parser


def _up(options: argparse.Namespace) -> None:
    namespaces = [name for name in options.debug_namespaces.split(",") if name]
    cluster = lifecycle.up(options.name, debug_namespaces=namespaces)
    if options.cni:
        cluster.use_cni()
    say(f"cluster {options.name} is up; its registry is {cluster.registry}")
    print(f"export KUBECONFIG={cluster.kubeconfig}")


def _down(options: argparse.Namespace) -> None:
    if options.abandoned:
        names = lifecycle.down_abandoned()
    else:
        known = state.find(options.name)
        names = [options.name] if known else []
        if known:
            lifecycle.down(known)
        lifecycle.drop_logs(options.name)
    say(f"down: {', '.join(names) or 'there was nothing'}")


def _status(_: argparse.Namespace) -> None:
    for one in state.known():
        alive = len(cgroups.processes(one.cgroup))
        word = "ready" if one.ready and alive else "starting" if one.owner_lives and not one.ready else "broken"
        print(f"{one.name}\t{word}\t{alive} processes\t{one.context}\t{one.registry}\t{one.kubeconfig}")


def _build(_: argparse.Namespace) -> None:
    built = build.everything()
    say(f"built: {built.programs} and {built.istio}")
