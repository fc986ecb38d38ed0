"""What doctor looks at in a cluster, and what has to be there before a deploy."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from dubbopy_cli.atonce import at_once
from dubbopy_cli.errors import DubbopyError, PreflightError
from dubbopy_cli.process import Completed
from dubbopy_cli.targets.base import Check
from dubbopy_cli.targets.kubernetes import needs, proxyless, rules
from dubbopy_cli.targets.kubernetes.cluster import Cluster
from dubbopy_cli.targets.kubernetes.faults import fault
from dubbopy_cli.targets.kubernetes.kubectl import Object, ready_pods
from dubbopy_cli.targets.kubernetes.needs import Right
from dubbopy_cli.targets.kubernetes.proxies import has_sidecar
from dubbopy_cli.traffic.hosts import resolve
from dubbopy_cli.traffic.lookup import hosts_of
from dubbopy_cli.traffic.model import GROUP, VERSION_LABEL

# kubectl and the server may be one minor version apart: https://kubernetes.io/releases/version-skew-policy/
_SKEW = 1
_HELMS = {"3", "4"}
_ROLE = "docs/how-to/kubernetes-rbac.md"


def checks(cluster: Cluster) -> tuple[Check, ...]:
    """Return every check, in the order in which a trouble would cause the next one."""
    return tuple(_all(cluster))


def preflight(cluster: Cluster, *, mesh: bool = True) -> None:
    """Raise what keeps a deploy from succeeding: no way in, no namespace, no Istio, no sidecars, no right to.

    Without ``mesh`` nothing is asked about Istio.
    """
    with at_once() as pool:
        asked = pool.submit(namespace, cluster)
        missing = pool.submit(needs.missing, cluster, (needs.LOOK, needs.LOCK, needs.DEPLOY))
        kinds = pool.submit(_has_kinds, cluster) if mesh else None
        found = asked.result()
        if rights := [right for each in missing.result().values() for right in each]:
            raise _forbidden(cluster, rights)
        if kinds is None:
            return
        if not kinds.result():
            raise PreflightError(
                "istio-missing", "the cluster has no Istio: it knows no traffic rules", hint=rules.INSTALL_ISTIO
            )
    if found and not _injected(found):
        raise PreflightError(
            "injection-off",
            f"pods of namespace {cluster.namespace} get no sidecar, so no traffic rules would act on their calls",
            hint=_label(cluster),
        )


def proxyless_preflight(cluster: Cluster, application: str) -> None:
    """Raise PreflightError ``istiod-unfit`` where istiod does not serve programs that ask it themselves."""
    for one in _istiod(cluster):
        if one.state == "error":
            raise PreflightError(
                "istiod-unfit",
                f"{application} would not work without sidecars: {one.name}: {one.detail}",
                hint=one.hint,
            )
        if one.state == "warning":
            cluster.say(f"  {one.name}: {one.detail}; {one.hint}")


def _istiod(cluster: Cluster) -> tuple[Check, ...]:
    words = ("get", proxyless.KINDS, "--namespace", proxyless.ISTIO_NAMESPACE, "--selector", proxyless.SELECTOR)
    done = cluster.kubectl.attempt(*words, "--output", "json", everywhere=True)
    if done.ok:
        return proxyless.checks(_json(done)["items"], cluster.namespace)
    error = fault(done)
    if error.code != "cluster-forbidden":
        raise error
    # Others look after istiod; whether it lets the program in shows when that starts.
    return (Check("istiod", "warning", error.message, error.hint),)


def _all(cluster: Cluster) -> Iterator[Check]:
    versions = _versions(cluster)
    yield versions.kubectl
    yield _helm(cluster)
    if versions.server is None:
        return
    yield from versions.server
    if not versions.reached:
        return
    try:
        found = namespace(cluster)
    except DubbopyError as error:
        yield _error("namespace", error)
        return
    yield Check("namespace", "ok", cluster.namespace)
    looks: tuple[Callable[[], Iterable[Check]], ...] = (
        lambda: _istio(cluster),
        lambda: _sidecars(cluster, found),
        lambda: _rights(cluster),
        lambda: _releases(cluster),
        lambda: _strays(cluster),
    )
    for look in looks:
        try:
            yield from look()
        except DubbopyError as error:
            # What may not be read is told once, by its right.
            if error.code != "cluster-forbidden":
                yield _error("cluster", error)


@dataclass(frozen=True)
class _Versions:
    kubectl: Check
    server: tuple[Check, ...] | None = None
    reached: bool = False


def _versions(cluster: Cluster) -> _Versions:
    try:
        done = cluster.kubectl.attempt("version", "--output", "json")
        # It fails without a server, and tells its own version nevertheless.
        said = _json(done)
    except DubbopyError as error:
        return _Versions(_error("kubectl", error))
    own = said.get("clientVersion", {}).get("gitVersion", "")
    client = Check("kubectl", "ok", f"{own or 'of an unknown version'} at {done.argv[0]}")
    server = said.get("serverVersion", {}).get("gitVersion", "")
    if not server:
        return _Versions(client, (_error("cluster", fault(done)),))
    context = cluster.kubectl.context or cluster.kubectl.run("config", "current-context").stdout.strip()
    reached = Check("cluster", "ok", f"Kubernetes {server}, context {context}")
    if abs(_minor(own) - _minor(server)) <= _SKEW:
        return _Versions(client, (reached,), reached=True)
    skew = f"kubectl {own} and the server {server} are more than one minor version apart"
    hint = f"install kubectl 1.{_minor(server)}"
    return _Versions(client, (reached, Check("version skew", "warning", skew, hint)), reached=True)


def _helm(cluster: Cluster) -> Check:
    try:
        argv = cluster.helm.argv("version", "--template", "{{.Version}}")
        version = cluster.helm.runner.run(argv, timeout=30).stdout.strip()
    except DubbopyError as error:
        return _error("helm", error)
    if version.removeprefix("v").partition(".")[0] not in _HELMS:
        return Check("helm", "warning", f"{version} at {argv[0]} was never tried", "install Helm 3 or 4")
    return Check("helm", "ok", f"{version} at {argv[0]}")


def namespace(cluster: Cluster) -> Object | None:
    """Return the namespace, None where it may not be read; raises ``namespace-missing``."""
    done = cluster.kubectl.attempt("get", "namespace", cluster.namespace, "--output", "json")
    if done.ok:
        found: Object = _json(done)
        return found
    error = fault(done)
    if error.code == "cluster-forbidden":
        # The rights of a namespace do not hold for the namespace itself.
        return None
    raise error


def _istio(cluster: Cluster) -> Iterator[Check]:
    if not _has_kinds(cluster):
        yield Check("istio", "error", "the cluster knows no traffic rules", rules.INSTALL_ISTIO)
        return
    argv = ("get", "pods", "--all-namespaces", "--selector", "app=istiod", "--output", "json")
    done = cluster.kubectl.attempt(*argv, everywhere=True)
    if not done.ok:
        yield Check("istio", "ok", "its rules are known; istiod itself may not be looked at")
        return
    pods = _json(done)["items"]
    ready = ready_pods(pods)
    if not ready:
        yield Check("istio", "error", "no istiod is ready", "kubectl get pods --all-namespaces --selector app=istiod")
        return
    images = sorted({one["image"].rpartition(":")[2] for pod in ready for one in pod["spec"]["containers"]})
    yield Check("istio", "ok", f"istiod {', '.join(images)} in {ready[0]['metadata']['namespace']}")


def _sidecars(cluster: Cluster, namespace: Object | None) -> Iterator[Check]:
    pods = ready_pods(cluster.kubectl.list("pods", VERSION_LABEL))
    # One that shall have none says so itself.
    bare = sorted(
        one["metadata"]["name"]
        for one in pods
        if not has_sidecar(one) and one["metadata"]["labels"].get("sidecar.istio.io/inject") != "false"
    )
    if namespace and not _injected(namespace):
        yield Check("sidecars", "warning", f"pods of namespace {cluster.namespace} get none", _label(cluster))
    elif bare:
        hint = f"kubectl rollout restart deployment --namespace {cluster.namespace}"
        yield Check("sidecars", "warning", f"pods without one: {', '.join(bare)}", hint)
    else:
        yield Check("sidecars", "ok", "injected" if namespace else f"in all of {len(pods)} pods")
    if any(proxyless.is_proxyless(one) for one in pods):
        yield from _istiod(cluster)


def _rights(cluster: Cluster) -> Iterator[Check]:
    lacking = needs.missing(cluster, needs.EVERY)
    for purpose in needs.EVERY:
        if rights := lacking.get(purpose):
            shown = ", ".join(one.shown for one in rights)
            hint = f"{rights[0].line(cluster.namespace)}; the Role is in {_ROLE}"
            # Without the others some commands work.
            yield Check(
                f"rights for {purpose}", "error" if purpose == needs.LOOK else "warning", f"missing: {shown}", hint
            )
        else:
            yield Check(f"rights for {purpose}", "ok", "all")


def _releases(cluster: Cluster) -> Iterator[Check]:
    found = cluster.helm.releases().values()
    pending = sorted(one.name for one in found if one.pending)
    failed = sorted(one.name for one in found if one.status == "failed")
    for name in pending:
        hint = f"the next deploy mends it; by hand: helm rollback {name} --namespace {cluster.namespace}"
        yield Check("releases", "warning", f"a helm was killed while it worked on {name}", hint)
    for name in failed:
        hint = f"helm history {name} --namespace {cluster.namespace}"
        yield Check("releases", "warning", f"the last change of {name} failed", hint)
    if not pending and not failed:
        yield Check("releases", "ok", f"{len(found)}, none pending or failed")


def _strays(cluster: Cluster) -> Iterator[Check]:
    """Look for rules of Services that are not there any more."""
    known = {resolve(one["metadata"]["name"], cluster.namespace) for one in cluster.kubectl.list("services")}
    own = f".{cluster.namespace}.svc.cluster.local"
    strays = []
    for rule in rules.read(cluster).rules:
        hosts = {resolve(one, rule.namespace) for one in hosts_of(rule)}
        if hosts and all(one.endswith(own) and one not in known for one in hosts):
            strays.append(rule)
    for rule in strays:
        line = f"kubectl delete {rule.kind.lower()}.{GROUP} {rule.name} --namespace {rule.namespace}"
        yield Check("leftovers", "warning", f"{rule.title} is about a Service that is not there", line)
    if not strays:
        yield Check("leftovers", "ok", "none")


def _forbidden(cluster: Cluster, rights: list[Right]) -> PreflightError:
    return PreflightError(
        "cluster-forbidden",
        f"a deploy needs rights in namespace {cluster.namespace} that you do not have",
        hint=f"ask for the Role in {_ROLE}; {rights[0].line(cluster.namespace)}",
        details="\n".join(one.shown for one in rights),
    )


def _has_kinds(cluster: Cluster) -> bool:
    words = ("api-resources", "--api-group", GROUP, "--output", "name")
    known = set(cluster.kubectl.run(*words).stdout.split())
    return known >= {f"destinationrules.{GROUP}", f"virtualservices.{GROUP}"}


def _injected(namespace: Object) -> bool:
    labels = namespace["metadata"].get("labels", {})
    return labels.get("istio-injection") == "enabled" or bool(labels.get("istio.io/rev"))


def _label(cluster: Cluster) -> str:
    return f"kubectl label namespace {cluster.namespace} istio-injection=enabled --overwrite"


def _minor(version: str) -> int:
    found = re.match(r"v?\d+\.(\d+)", version)
    return int(found[1]) if found else 0


def _json(done: Completed) -> Any:  # noqa: ANN401 - whatever kubectl says
    return json.loads(done.stdout or "{}")


def _error(name: str, error: DubbopyError) -> Check:
    return Check(name, "error", error.message, error.hint)
