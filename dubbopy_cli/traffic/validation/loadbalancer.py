"""How calls are spread over instances (`validateLoadBalancer`, `ValidateLocalityLbSetting`)."""

from __future__ import annotations

from collections.abc import Iterable
from math import isqrt

from dubbopy_cli.traffic.model import mapping, sequence, text
from dubbopy_cli.traffic.validation import names
from dubbopy_cli.traffic.validation.faults import Faults, Node, amount, error, has, items, refused, warning

_CODE = "load-balancer"
_MAGLEV_MAX = 5000011
_TOPOLOGY = {"topology.kubernetes.io/region", "topology.kubernetes.io/zone", "topology.istio.io/subzone"}


def judge(policy: Node, path: str) -> Faults:
    """Judge the `loadBalancer` of a traffic policy."""
    node, place = mapping(policy.get("loadBalancer")), f"{path}.loadBalancer"
    yield from _hash(mapping(node.get("consistentHash")), f"{place}.consistentHash")
    if has(node, "localityLbSetting") and has(node, "zoneAwareLbSetting"):
        yield error(_CODE, f"{place}.zoneAwareLbSetting", "only one of it and localityLbSetting can be given")
    outliers = has(policy, "outlierDetection")
    yield from _locality(node, f"{place}.localityLbSetting", outliers=outliers)
    yield from _zone_aware(node, f"{place}.zoneAwareLbSetting", outliers=outliers)
    yield from _warmup(node, f"{place}.warmup")


def _hash(node: Node, path: str) -> Faults:
    if has(node, "httpCookie"):
        yield from _cookie(mapping(node["httpCookie"]), f"{path}.httpCookie")
    if amount(node.get("minimumRingSize")):
        message = "write ringHash.minimumRingSize; minimumRingSize by itself is an old form"
        yield warning("deprecated", f"{path}.minimumRingSize", message)
        for key in ("ringHash", "maglev"):
            if has(node, key):
                yield error(_CODE, f"{path}.minimumRingSize", f"only one of it and {key} can be given")
    if has(node, "maglev"):
        size = int(amount(mapping(node["maglev"]).get("tableSize")))
        if size >= _MAGLEV_MAX or not _is_prime(size):
            yield error(_CODE, f"{path}.maglev.tableSize", f"{size} is no prime number below {_MAGLEV_MAX}")


def _cookie(node: Node, path: str) -> Faults:
    if not text(node.get("name")):
        yield error(_CODE, f"{path}.name", "a name is needed")
    seen: set[str] = set()
    for spot, one in items(node, "attributes", path):
        name = text(mapping(one).get("name"))
        if not name or name in seen:
            yield error(_CODE, f"{spot}.name", f"'{name}' is given twice" if name else "a name is needed")
        seen.add(name)


def _is_prime(value: int) -> bool:
    # Envoy takes 1 for a prime number.
    if value < 4:
        return value > 0
    return value % 2 == 1 and all(value % factor for factor in range(3, isqrt(value) + 1, 2))


def _locality(parent: Node, path: str, *, outliers: bool) -> Faults:
    node = mapping(parent.get("localityLbSetting"))
    distribute, failover = sequence(node.get("distribute")), sequence(node.get("failover"))
    if distribute and failover:
        yield error(_CODE, f"{path}.failover", "only one of it and distribute can be given")
        return
    topology = [one for one in sequence(node.get("failoverPriority")) if one in _TOPOLOGY]
    if failover and topology:
        yield error(_CODE, f"{path}.failoverPriority", f"cannot name {topology[0]} beside failover")
        return
    for spot, one in items(node, "distribute", path):
        shares = mapping(mapping(one).get("to"))
        wrong = [key for key, share in shares.items() if not 1 <= amount(share) <= 100]
        if wrong:
            yield error(_CODE, f"{spot}.to.{wrong[0]}", f"{shares[wrong[0]]} is no share from 1 to 100")
            return
        total = sum(amount(share) for share in shares.values())
        if total != 100:
            yield error(_CODE, f"{spot}.to", f"the shares sum to {total}, not 100")
            return
        yield from refused(_CODE, f"{spot}.to", _overlap(sorted(shares)))
    yield from refused(_CODE, f"{path}.distribute", _overlap(text(mapping(one).get("from")) for one in distribute))
    yield from _failover(node, path, outliers=outliers)


def _zone_aware(parent: Node, path: str, *, outliers: bool) -> Faults:
    node = mapping(parent.get("zoneAwareLbSetting"))
    for spot, one in items(node, "failoverPriority", path):
        if one in _TOPOLOGY:
            yield error(_CODE, spot, f"{one} is followed in any case")
    yield from _failover(node, path, outliers=outliers)


def _failover(node: Node, path: str, *, outliers: bool) -> Faults:
    if not outliers and any(sequence(node.get(key)) for key in ("failover", "failoverPriority")):
        yield warning(_CODE, path, "nothing fails over without outlierDetection")
    for spot, one in items(node, "failover", path):
        ends = [text(mapping(one).get(key)) for key in ("from", "to")]
        if ends[0] == ends[1]:
            yield error(_CODE, spot, "from and to are the same region")
        for sign in "/*":
            if any(sign in end for end in ends):
                yield error(_CODE, spot, f"regions only, without '{sign}'")


def _overlap(localities: Iterable[str]) -> str:
    """Judge places of the form REGION/ZONE/SUBZONE, of which none may lie in another that came before."""
    seen: list[list[str]] = []
    for locality in localities:
        if "*" in locality and (locality.count("*") > 1 or not locality.endswith("*")):
            return f"'{locality}' has a wildcard elsewhere than at its end"
        parts = locality.split("/", 2)
        if "" in parts:
            return f"'{locality}' has an empty part"
        if any(_clash(before, parts) for before in seen):
            return f"'{locality}' overlaps with one before it"
        seen.append(parts)
    return ""


def _clash(before: list[str], parts: list[str]) -> bool:
    if before == ["*"]:
        return True
    if before[-1] == "*" and len(before) <= len(parts):
        return before[:-1] == parts[: len(before) - 1]
    shared = min(len(before), len(parts))
    return before[:shared] == parts[:shared]


def _warmup(parent: Node, path: str) -> Faults:
    if not has(parent, "warmup"):
        return
    node = mapping(parent["warmup"])
    if node.get("duration") is None:
        yield error(_CODE, f"{path}.duration", "a duration is needed")
    else:
        yield from refused("duration", f"{path}.duration", names.duration(node["duration"]))
    if amount(node.get("minimumPercent")) > 100:
        yield error(_CODE, f"{path}.minimumPercent", f"{node['minimumPercent']} is above 100")
    if node.get("aggression") is not None and amount(node["aggression"]) <= 0:
        yield error(_CODE, f"{path}.aggression", f"{node['aggression']} is not above 0")
