"""A Gateway (`ValidateGateway`)."""

from __future__ import annotations

from dubbopy_cli.traffic import protocols
from dubbopy_cli.traffic.hosts import is_address
from dubbopy_cli.traffic.model import mapping, sequence, text
from dubbopy_cli.traffic.validation import names, servertls
from dubbopy_cli.traffic.validation.faults import Faults, Node, amount, error, has, items, refused, warning
from dubbopy_cli.traffic.validation.metadata import Metadata

_UNIX = "unix://"


def judge(spec: Node, meta: Metadata) -> Faults:
    """Judge the spec and the name of a Gateway."""
    if not names.is_label(meta.name) and not meta.converted_gateway:
        yield error(
            "gateway-name", "metadata.name", f"'{meta.name}' is no name of a Gateway: no dots, at most 63 signs"
        )
    if not sequence(spec.get("servers")):
        yield error("server", "spec.servers", "at least one server is needed")
    seen: set[str] = set()
    for path, node in items(spec, "servers", "spec"):
        if node is None:
            yield error("server", path, "a server is needed")
            continue
        server = mapping(node)
        yield from _server(server, path, converted=meta.converted_gateway)
        if has(server, "port"):
            port = mapping(server["port"])
            name = text(port.get("name"))
            if name in seen:
                yield error("port", f"{path}.port.name", f"two servers have a port of the name '{name}'")
            seen.add(name)
            redirects = mapping(server.get("tls")).get("httpsRedirect") is True
            if redirects and protocols.parse(text(port.get("protocol"))) not in protocols.HTTP:
                yield warning("tls", f"{path}.tls.httpsRedirect", "only a server of protocol HTTP can redirect")


def _server(server: Node, path: str, *, converted: bool) -> Faults:
    if not sequence(server.get("hosts")):
        yield error("host", f"{path}.hosts", "at least one host is needed")
    for spot, host in items(server, "hosts", path):
        yield from _host(text(host), spot, converted=converted)
    port, bind = mapping(server.get("port")), text(server.get("bind"))
    faults = list(_port(server, port, bind, f"{path}.port"))
    yield from faults
    yield from _bind(port, bind, path)
    yield from servertls.judge(server, path)
    if not faults:
        yield from _tls_fits(server, protocols.parse(text(port.get("protocol"))), f"{path}.tls")


def _host(value: str, path: str, *, converted: bool) -> Faults:
    """Judge HOST or NAMESPACE/HOST (`ValidateNamespaceSlashWildcardHostname`)."""
    namespace, slash, host = value.partition("/")
    if not slash:
        host = namespace
    elif not host or not (namespace in {"*", "."} or names.is_label(namespace) or (converted and namespace == "~")):
        yield error("host", path, f"'{value}' is not of the form NAMESPACE/HOST")
    if host != "*" and "." not in host:
        yield error("host", path, f"'{host}' is a short name; write a whole one")
    reason = names.domain(host)
    if reason and not is_address(host):
        yield error("host", path, reason)
    yield from refused("host", path, names.partial_wildcard(host))


def _port(server: Node, port: Node, bind: str, path: str) -> Faults:
    if not has(server, "port"):
        yield error("port", path, "a port is needed")
        return
    yield from refused("protocol", f"{path}.protocol", names.protocol(text(port.get("protocol"))))
    number = amount(port.get("number"))
    if number > 0 or not bind.startswith(_UNIX):
        yield from refused("port", f"{path}.number", names.port(number))
    if amount(port.get("targetPort")) > 0:
        yield error("port", f"{path}.targetPort", "it has no meaning in a Gateway")
    if not text(port.get("name")):
        yield error("port", f"{path}.name", "a name is needed")


def _bind(port: Node, bind: str, path: str) -> Faults:
    if bind.startswith(_UNIX):
        yield from refused("address", f"{path}.bind", names.unix_socket(bind.removeprefix(_UNIX)))
        if amount(port.get("number")):
            yield error("port", f"{path}.port.number", "it has to be 0 for a socket")
    elif bind:
        yield from refused("address", f"{path}.bind", names.address(bind))


def _tls_fits(server: Node, protocol: str, path: str) -> Faults:
    settled = has(server, "tls")
    if protocol in protocols.TLS:
        if not settled:
            yield error("tls", path, "protocols HTTPS and TLS need it")
    elif settled and protocol in protocols.HTTP:
        tls = mapping(server["tls"])
        files = any(text(tls.get(key)) for key in ("caCertificates", "privateKey", "serverCertificate"))
        if files or not servertls.passes_through(tls):
            yield error("tls", path, "a server of protocol HTTP has nothing of it but httpsRedirect")
    elif settled:
        yield error("tls", path, "only protocols HTTPS and TLS have it")
