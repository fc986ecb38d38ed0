"""The value of the annotation proxy.istio.io/config (`agent.ValidateMeshConfigProxyConfig` over the default)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from dubbopy_cli.traffic.analysis.world import loaded
from dubbopy_cli.traffic.hosts import is_address
from dubbopy_cli.traffic.model import mapping, text
from dubbopy_cli.traffic.validation import names

_HOST_IP = "$(HOST_IP)"
_SECOND = 10**9
_TEXTS = (
    "configPath",
    "binaryPath",
    "serviceCluster",
    "discoveryAddress",
    "zipkinAddress",
    "statsdUdpAddress",
    "envoyMetricsServiceAddress",
    "availabilityZone",
    "customConfigFile",
    "proxyBootstrapTemplatePath",
    "meshId",
)
# What the default has and nothing may take away.
_NEEDED = ("configPath", "binaryPath", "serviceCluster", "discoveryAddress")
_ADDRESSES = ("discoveryAddress", "statsdUdpAddress", "envoyMetricsServiceAddress")
_NUMBERS = ("concurrency", "proxyAdminPort", "statusPort", "statNameLength")
_PORTS = ("proxyAdminPort", "statusPort")
_DURATIONS = ("drainDuration", "terminationDrainDuration", "discoveryRefreshDelay", "fileFlushInterval")
_MAPS = ("proxyMetadata", "runtimeValues")
_SERVICES = ("envoyMetricsService", "envoyAccessLogService")
_WHOLE = re.compile(r"-?[0-9]+", re.ASCII)


def fault(value: str) -> str:
    """Return what is wrong with the annotation's text, or an empty text; unknown fields are passed over."""
    try:
        node = loaded(value)
    except ValueError as error:
        return f"it is no YAML: {error}"
    if node is not None and not isinstance(node, Mapping):
        return "it is no mapping of settings"
    return next(_faults({_camel(str(key)): one for key, one in mapping(node).items() if one is not None}), "")


def _camel(key: str) -> str:
    """Return a field's name as JSON has it; the one with underscores is read too."""
    first, *rest = key.split("_")
    return first + "".join(one[:1].upper() + one[1:] for one in rest)


def _faults(config: Mapping[str, Any]) -> Iterator[str]:
    yield from _types(config)
    for key in _NEEDED:
        if config.get(key) == "":
            yield f"{key} must not be empty"
    for key in _ADDRESSES:
        if text(config.get(key)):
            yield from _address(key, config[key])
    for key in _SERVICES:
        if text(mapping(config.get(key)).get("address")):
            yield from _address(f"{key}.address", config[key]["address"])
    for key in _PORTS:
        wrong = names.port(int(config[key])) if key in config else ""
        if wrong:
            yield f"{key}: {wrong}"
    for tracer in ("zipkin", "datadog", "lightstep"):
        node = mapping(config.get("tracing")).get(tracer)
        if node is not None:
            address = text(mapping(node).get("address"))
            yield from _address(f"tracing.{tracer}.address", address.replace(_HOST_IP, "127.0.0.1", 1))
    drain = config.get("drainDuration")
    if drain is not None:
        wrong = names.duration(drain) or ("" if _nanoseconds(drain) % _SECOND == 0 else "it has to be whole seconds")
        if wrong:
            yield f"drainDuration: {wrong}"


def _types(config: Mapping[str, Any]) -> Iterator[str]:
    for key in _TEXTS:
        if not isinstance(config.get(key, ""), str):
            yield f"{key} has to be a text"
    for key in _NUMBERS:
        node = config.get(key, 0)
        whole = isinstance(node, int) and not isinstance(node, bool)
        if not (whole or (isinstance(node, str) and _WHOLE.fullmatch(node))) or not -(2**31) <= int(node) < 2**31:
            yield f"{key} has to be a whole number"
    for key in _DURATIONS:
        if key in config and (not isinstance(config[key], str) or not config[key].endswith("s")):
            yield f"{key} has to be a duration, such as 45s"
    for key in _MAPS:
        node = config.get(key, {})
        if not isinstance(node, Mapping) or not all(isinstance(one, str) for one in node.values()):
            yield f"{key} has to be a mapping of texts; write numbers in quotes"
    for key in ("tracing", *_SERVICES, "image", "gatewayTopology", "proxyStatsMatcher", "privateKeyProvider"):
        if not isinstance(config.get(key, {}), Mapping):
            yield f"{key} has to be a mapping"


def _address(key: str, value: str) -> Iterator[str]:
    host, colon, port = value.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        colon = ""
    number = names.number(port)
    if not colon or number is None or names.port(number):
        yield f"{key} '{value}' is no address with a port, such as istiod:15012"
    elif not is_address(host) and names.fqdn(host):
        yield f"{key}: '{host}' is no host"


def _nanoseconds(value: object) -> int:
    from dubbopy_cli.traffic.units import nanoseconds

    return nanoseconds(value) or 0
