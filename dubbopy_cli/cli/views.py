"""What people and programs are shown of applications: the same facts as a tree and as data."""

from __future__ import annotations

from time import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.tree import Tree

    from dubbopy_cli.targets.base import Application, Instance, Release, Target

_BAR = 20


def application_dict(application: Application) -> dict[str, object]:
    """Return an application as data; ``share`` is in percent of the calls that no header route takes."""
    shares = default_shares(application)
    return {
        "name": application.name,
        "role": application.role,
        "address": application.address,
        "releases": [release_dict(one, shares.get(one.version)) for one in application.releases],
        "routes": header_routes(application),
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
        return f"no application is deployed on target {target.name}, namespace {target.namespace}"
    root = Tree(Text(f"target {target.name}, namespace {target.namespace}"), guide_style="dim")
    for application in applications:
        address = f"  {application.address}" if application.address else ""
        branch = root.add(Text(f"{application.name}{address}", style="bold"))
        shares = default_shares(application)
        for release in application.releases:
            style = "" if release.ready == release.replicas else "red"
            leaf = branch.add(Text(release_line(release, shares.get(release.version)), style=style))
            for instance in release.instances:
                leaf.add(Text(instance_line(instance), style="dim" if instance.state == "ready" else "yellow"))
        for route in header_routes(application):
            branch.add(Text(f"route {route}"))
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
    left, parts = int(max(seconds, 0)), []
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


def after_deploy(application: Application, version: str) -> list[str]:
    """Return the commands that make sense after a deploy."""
    if application.role == "client":
        return [f"dubbopy-cli logs --app {application.name} -f", "dubbopy-cli status"]
    commands = [f"dubbopy-cli call --app {application.name} -d '{{\"name\": \"laurence\"}}'"]
    if len(application.releases) > 1:
        commands.append(f"dubbopy-cli traffic set --app {application.name} {version}")
    return [*commands, "dubbopy-cli status"]


def default_shares(application: Application) -> dict[str, float]:
    """Return each version's share, in percent, of the calls that no header route takes; empty for a client."""
    from dubbopy_cli.traffic import shares

    if application.role == "client":
        return {}
    ready = {release.version: release.ready for release in application.releases}
    found = shares.default(application.rules, application.name, application.namespace, ready)
    return {version: round(float(part) * 100, 2) for version, part in found.items()}


def header_routes(application: Application) -> list[str]:
    """Return the routes before the default one in words."""
    from dubbopy_cli.traffic import shares

    return list(shares.described(application.rules, application.name, application.namespace))


def _who(application: Application, version: str) -> list[str]:
    shares = default_shares(application)
    others = [one.version for one in application.releases if one.version != version]
    if not shares or not others:
        return []
    share = shares.get(version, 0)
    if application.rules:
        return [f"{version} gets {share:g} % of the calls, as the traffic rules say"]
    return [f"{version} now takes about {share:.0f} % of the calls: no traffic rules say otherwise"]
