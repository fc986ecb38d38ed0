"""Certificates of Gateways: used by one Gateway alone, there, and valid now."""

from __future__ import annotations

import base64
import binascii
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from dubbopy_cli.traffic.analysis.gateway import selector
from dubbopy_cli.traffic.analysis.selectors import contains, written
from dubbopy_cli.traffic.analysis.validity import validity
from dubbopy_cli.traffic.analysis.world import Resource, World
from dubbopy_cli.traffic.findings import Finding
from dubbopy_cli.traffic.model import mapping, sequence, text

# Where a Secret holds a certificate and its key (`kube.ExtractCertInfo`).
_KEYS = (("cert", "key"), ("tls.crt", "tls.key"))


def duplicates(world: World) -> Iterator[Finding]:
    """Report Gateways of the same pods that use the same certificate (IST0138)."""
    users: defaultdict[tuple[str, ...], list[Resource]] = defaultdict(list)
    for gateway in world.of("Gateway"):
        for certificate in _certificates(gateway):
            users[certificate].append(gateway)
    for gateway in world.of("Gateway"):
        others = {one.full_name: one for certificate in _certificates(gateway) for one in users[certificate]}
        for name, other in others.items():
            if other is not gateway and contains(selector(other), selector(gateway)):
                yield gateway.report("IST0138", [gateway.full_name, name])


def _certificates(gateway: Resource) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for server in sequence(gateway.spec.get("servers")):
        tls = mapping(mapping(server).get("tls"))
        files = (text(tls.get("serverCertificate")), text(tls.get("privateKey")))
        if text(tls.get("credentialName")):
            found.append((text(tls["credentialName"]),))
        elif all(files):
            found.append(files)
    return list(dict.fromkeys(found))


def secrets(world: World) -> Iterator[Finding]:
    """Report certificates that are not there or not valid (IST0101, IST0161)."""
    for gateway in world.of("Gateway"):
        pod = next(world.pods.select(selector(gateway)), None)
        # Istio looks for the Secret where the gateway's pods are, and takes pods without a namespace for none.
        namespace = pod.namespace if pod else ""
        if not namespace:
            yield gateway.report("IST0101", "selector", written(selector(gateway)), path="spec.selector")
            continue
        for index, server in enumerate(sequence(gateway.spec.get("servers"))):
            name = text(mapping(mapping(server).get("tls")).get("credentialName"))
            if not name:
                continue
            path = f"spec.servers[{index}].tls.credentialName"
            first, slash, rest = name.partition("/")
            secret = world.find("Secret", *((first, rest) if slash else (namespace, name)))
            if secret is None:
                yield gateway.report("IST0101", "credentialName", name, path=path)
            elif not _valid(secret.document, world.now):
                yield gateway.report("IST0161", gateway.name, namespace, path=path)


def _valid(secret: Mapping[str, Any], now: datetime) -> bool:
    data = mapping(secret.get("data"))
    for certificate, key in _KEYS:
        if data.get(certificate) and data.get(key):
            return _valid_now(_decoded(data[certificate]), now)
    return False


def _valid_now(pem: bytes, now: datetime) -> bool:
    periods = validity(pem)
    return bool(periods) and all(start <= now <= end for start, end in periods)


def _decoded(value: object) -> bytes:
    try:
        return base64.b64decode(text(value), validate=False)
    except (binascii.Error, ValueError):
        return b""
