"""Host names as istiod reads them: short names, wildcards, and which of several hosts is the closest."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

DOMAIN = "cluster.local"


@dataclass(frozen=True)
class Service:
    """The Kubernetes Service an application stands for; ``port`` is the only port it has."""

    name: str
    namespace: str = "default"
    port: int = 20000

    @property
    def fqdn(self) -> str:
        """Return the host that rules resolve to."""
        return f"{self.name}.{self.namespace}.svc.{DOMAIN}"

    @property
    def options(self) -> str:
        """Return the options by which a command of ours names it, wherever it is typed."""
        return f"--app {self.name}" + (f" --namespace {self.namespace}" if self.namespace != "default" else "")

    def cluster(self, subset: str = "") -> str:
        """Return the name of the Envoy cluster of a subset, as istiod builds it (`model.BuildSubsetKey`)."""
        return cluster_name(self.fqdn, self.port, subset)


def cluster_name(host: str, port: int, subset: str = "") -> str:
    """Return the Envoy cluster's name of a destination (`model.BuildSubsetKey`)."""
    return f"outbound|{port}|{subset}|{host}"


def resolve(host: str, namespace: str) -> str:
    """Return the full name of ``host`` in a rule of ``namespace`` (`model.ResolveShortnameToFQDN`).

    Only a name without any dot is completed: ``greeter.prod`` is taken as it stands.
    """
    if not host or host == "*" or "." in host or is_address(host):
        return host
    return f"{host}.{namespace}.svc.{DOMAIN}"


def namespace_of(host: str) -> str:
    """Return the namespace of a Service's full name, or an empty text for any other host."""
    labels = host.split(".")
    return labels[1] if len(labels) > 3 and ".".join(labels[2:]) == f"svc.{DOMAIN}" else ""


def covers(pattern: str, host: str) -> bool:
    """Tell whether every name that ``host`` stands for is one of ``pattern``'s (`host.Name.SubsetOf`)."""
    if not pattern.startswith("*"):
        return pattern == host
    if host.startswith("*"):
        return len(host) >= len(pattern) and host[1:].endswith(pattern[1:])
    return host.endswith(pattern[1:])


def matches(one: str, other: str) -> bool:
    """Tell whether two names, each of which may be a wildcard, have a name in common (`host.Name.Matches`)."""
    if one.startswith("*") and other.startswith("*"):
        return one[1:].endswith(other[1:]) or other[1:].endswith(one[1:])
    return covers(one, other) or covers(other, one)


def more_specific(one: str, other: str) -> bool:
    """Tell whether ``one`` comes before ``other`` where both fit (`host.MoreSpecific`); equal names do."""
    return _specificity(one) <= _specificity(other)


def closest(host: str, patterns: Iterable[str]) -> str:
    """Return the pattern nearest to ``host``, or an empty text (`model.MostSpecificHostMatch`).

    A name itself comes before a wildcard, a longer wildcard before a shorter one.
    """
    return min((one for one in patterns if covers(one, host)), key=_specificity, default="")


def _specificity(pattern: str) -> tuple[bool, int, str]:
    return (pattern.startswith("*"), -len(pattern), pattern)


def domains(host: str, namespace: str) -> frozenset[str]:
    """Return the names by which a caller in ``namespace`` reaches a Service (`GenerateAltVirtualHosts`).

    The bare name belongs to callers of the Service's own namespace alone.
    """
    short, _, rest = host.partition(".")
    found = {host, f"{host}."}
    own = namespace_of(host)
    if own and rest == f"{own}.svc.{DOMAIN}":
        found |= {f"{short}.{own}", f"{short}.{own}.svc"} | ({short} if own == namespace else set())
    return frozenset(found)


def is_address(host: str) -> bool:
    """Tell whether ``host`` is an IP address; as in Go's `netip` any text can be the zone of one of IPv6."""
    from ipaddress import ip_address

    base, percent, zone = host.partition("%")
    if percent and (not zone or ":" not in base):
        return False
    try:
        ip_address(base)
    except ValueError:
        return False
    return True
