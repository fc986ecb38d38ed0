"""What people and programs are shown of applications: the same facts as a tree and as data."""

from __future__ import annotations

import os
from time import time
from typing import TYPE_CHECKING

from dubbopy_cli import names
from dubbopy_cli.process import shown

if TYPE_CHECKING:
    from collections.abc import Iterable
    from fractions import Fraction

    from rich.tree import Tree

    from dubbopy_cli.project import Project
    from dubbopy_cli.targets.base import Application, Instance, Release, Target
    from dubbopy_cli.traffic.shares import RouteShare

_BAR = 20


def application_dict(application: Application) -> dict[str, object]:
    """Return an application as data; ``share`` is in percent of the calls that no header route takes."""
    shares = default_shares(application)
    return {
        "name": application.name,
        "role": application.role,
        "address": application.address,
        "releases": [release_dict(one, shares.get(one.version)) for one in application.releases],
        "routes": [route_dict(one) for one in routes(application)],
        "rules": [rule.title for rule in application.rules.rules],
    }


def release_dict(release: Release, share: float | None) -> dict[str, object]:
    """Return a release as data; times are seconds since the epoch."""
    return {
        "name": release.name,
        "version": release.version,
        "revision": release.revision,
        "tag": release.tag,
        "digest": release.digest,
        "replicas": release.replicas,
        "ready": release.ready,
        "deployed": release.deployed,
        "share": share,
        "instances": [
            {
                "name": one.name,
                "state": one.state,
                "pid": one.pid,
                "address": one.address,
                "started": one.started,
                "restarts": one.restarts,
                "reason": one.reason,
            }
            for one in release.instances
        ],
    }


def tree(target: Target, applications: Iterable[Application]) -> Tree | str:
    """Return the tree of applications, versions and instances."""
    from rich.text import Text
    from rich.tree import Tree

    applications = tuple(applications)
    if not applications:
        return f"no application is deployed on {target.title}"
    root = Tree(Text(target.title), guide_style="dim")
    for application in applications:
        address = f"  {application.address}" if application.address else ""
        branch = root.add(Text(f"{application.name}{address}", style="bold"))
        shares = default_shares(application)
        for release in application.releases:
            style = "" if release.ready == release.replicas else "red"
            leaf = branch.add(Text(release_line(release, shares.get(release.version)), style=style))
            for instance in release.instances:
                leaf.add(Text(instance_line(instance), style="dim" if instance.state == "ready" else "yellow"))
        if not application.releases:
            branch.add(Text(no_version(application), style="yellow"))
        for route in routes(application):
            if not route.is_default or route.losses:
                branch.add(Text(f"route {route_line(route)}", style="red" if route.losses else ""))
    return root


def release_line(release: Release, share: float | None) -> str:
    """Return a version as one line; its bar is the share of the calls that no header route takes."""
    line = f"{release.version}  {release.tag}  revision {release.revision}  {release.ready}/{release.replicas} ready"
    return line if share is None else f"{line}  {bar(share)} {share:g} %"


def instance_line(instance: Instance) -> str:
    """Return an instance as one line."""
    up = f"  up {age(time() - instance.started)}" if instance.started else ""
    reason = f"  {instance.reason}" if instance.reason else ""
    pid = f"  pid {instance.pid}" if instance.pid else ""
    return f"{instance.name}  {instance.state}{pid}{up}  restarts {instance.restarts}{reason}"


def bar(percent: float) -> str:
    """Return a share as a bar of fixed width."""
    filled = round(percent * _BAR / 100)
    return "█" * filled + "░" * (_BAR - filled)


def age(seconds: float) -> str:
    """Return a span of time in its two largest units."""
    left = int(max(seconds, 0))
    parts: list[str] = []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count or (unit == "s" and not parts):
            parts.append(f"{count}{unit}")
    return "".join(parts[:2])


def deployed(application: Application, version: str) -> str:
    """Return what a deploy ends with: the release as Helm shows one, and who gets calls now."""
    release = application.release(version)
    if release is None:
        return f"{application.name} {version} is not there any more"
    lines = [
        f"NAME: {release.name}",
        f"NAMESPACE: {application.namespace}",
        "STATUS: deployed",
        f"REVISION: {release.revision}",
    ]
    if application.address:
        lines.append(f"ADDRESS: {application.address}")
    return "\n".join([*lines, *_who(application, version)])


def after_deploy(application: Application, version: str, here: Project) -> list[str]:
    """Return the commands that make sense after the deploy of a project."""
    name, status = application.service.options, f"dubbopy-cli status{names.in_namespace(application.namespace)}"
    if application.role == "client":
        return [f"dubbopy-cli logs {name} -f", status]
    call = f'dubbopy-cli call {name} -d \'{{"name": "laurence"}}\''
    commands = [call if application.has_client else _client_project(here)]
    if len(application.releases) > 1:
        commands.append(f"dubbopy-cli traffic set {name} {version}")
    return [*commands, status]


def no_version(application: Application) -> str:
    """Return the line of an application of which there is nothing but its address and its rules."""
    return f"no version is deployed; to take the rest away: dubbopy-cli remove --all {application.service.options}"


def _client_project(here: Project) -> str:
    """Return the command that makes a client beside a project, with its image beside the project's."""
    name = f"{here.name}-client"
    words = ["newApp", os.path.relpath(here.root.parent / name), "--role", "client", "--server", here.name]
    registry, slash, _ = here.image.rpartition("/")
    return shown(["dubbopy-cli", *words, "--image", f"{registry}{slash}{name}"])


def routes(application: Application) -> tuple[RouteShare, ...]:
    """Return the application's routes in the order they are tried; a client has none, nor has one without versions."""
    from dubbopy_cli.traffic import shares

    if application.role == "client" or not application.releases:
        return ()
    ready = {release.version: release.ready for release in application.releases}
    return shares.shares(application.rules, application.service, ready)


def default_shares(application: Application) -> dict[str, float]:
    """Return each version's share, in percent, of the calls that no route before the default one takes."""
    found = next((route for route in routes(application) if route.is_default), None)
    return {version: percent(part) for version, part in found.versions.items()} if found else {}


def route_dict(route: RouteShare) -> dict[str, object]:
    """Return a route as data; shares are in percent."""
    return {
        "name": route.name,
        "condition": route.condition,
        "shares": {version: percent(part) for version, part in route.versions.items()},
        "losses": [{"code": one.code, "share": percent(one.share), "text": one.text} for one in route.losses],
    }


def route_line(route: RouteShare) -> str:
    """Return a route as one line: which calls, and where they go."""
    parts = [f"{version} {percent(part):g} %" for version, part in route.versions.items() if part]
    parts += [f"{percent(one.share):g} % lost: {one.text}" for one in route.losses]
    return f"{route.name}: {route.condition} -> {', '.join(parts)}"


def percent(part: Fraction) -> float:
    """Return a share of 1 in percent, to two digits."""
    return round(float(part) * 100, 2)


def _who(application: Application, version: str) -> list[str]:
    shares = default_shares(application)
    others = [one.version for one in application.releases if one.version != version]
    if not shares or not others:
        return []
    share = shares.get(version, 0)
    if application.rules:
        return [f"{version} gets {share:g} % of the calls, as the traffic rules say"]
    return [f"{version} now takes about {share:.0f} % of the calls: no traffic rules say otherwise"]
