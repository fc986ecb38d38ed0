"""How a gateway ends TLS (`validateTLSOptions`)."""

from __future__ import annotations

from dubbopy_cli.traffic.model import mapping, sequence, text
from dubbopy_cli.traffic.validation.faults import Faults, Node, error, has, items, warning

_PASSTHROUGH = "PASSTHROUGH"
_FILES = ("serverCertificate", "privateKey", "caCertificates")
_CREDENTIALS = ("credentialName", "credentialNames", "tlsCertificates")
# What BoringSSL knows, without pre-shared keys (`security.ValidCipherSuites`).
_CIPHERS = {
    *(f"ECDHE-{key}-{rest}" for key in ("ECDSA", "RSA") for rest in ("AES128-GCM-SHA256", "AES256-GCM-SHA384")),
    *(f"ECDHE-{key}-{rest}" for key in ("ECDSA", "RSA") for rest in ("CHACHA20-POLY1305", "AES128-SHA", "AES256-SHA")),
    *("AES128-GCM-SHA256", "AES256-GCM-SHA384", "AES128-SHA", "AES256-SHA", "DES-CBC3-SHA", "ALL", ""),
}


def passes_through(tls: Node) -> bool:
    """Tell whether TLS goes on to the server unopened, which is the default."""
    return (text(tls.get("mode")) or _PASSTHROUGH) in {_PASSTHROUGH, "AUTO_PASSTHROUGH"}


def judge(server: Node, path: str) -> Faults:
    """Judge the `tls` of a server."""
    if not has(server, "tls"):
        return
    node, place = mapping(server["tls"]), f"{path}.tls"
    yield from _ciphers(node, place)
    yield from _one_source(node, place)
    mode = text(node.get("mode"))
    if mode == "ISTIO_MUTUAL":
        for key in (*_FILES, *_CREDENTIALS):
            if node.get(key):
                yield error("tls", f"{place}.{key}", "has no meaning with mode ISTIO_MUTUAL")
        return
    if passes_through(node):
        for key in (*_FILES, *_CREDENTIALS, "caCrl"):
            if node.get(key):
                yield warning("tls", f"{place}.{key}", "is ignored: with this mode the gateway does not end TLS")
                break
    elif not any(node.get(key) for key in ("credentialName", "credentialNames")):
        yield from _certificates(node, mode, place)
    if text(node.get("caCrl")) and (passes_through(node) or not _fetched(node)):
        yield from _revoked(node, mode, place)


def _fetched(node: Node) -> bool:
    return bool(text(node.get("credentialName")) or sequence(node.get("credentialNames")))


def _ciphers(node: Node, path: str) -> Faults:
    suites = [text(one) for one in sequence(node.get("cipherSuites"))]
    version = text(node.get("minProtocolVersion"))
    if version in {"TLSV1_0", "TLSV1_1"} and not suites:
        yield warning("tls", f"{path}.minProtocolVersion", f"{version} needs cipherSuites that are none of the default")
    seen: set[str] = set()
    for spot, node_ in items(node, "cipherSuites", path):
        suite = text(node_)
        # Expressions such as `-ALL` or `[A|B]` are for BoringSSL to judge.
        if suite[:1].isalnum() and suite not in _CIPHERS:
            yield warning("tls", spot, f"'{suite}' is unknown and ignored")
        elif suite in seen:
            yield warning("tls", spot, f"'{suite}' is given twice")
        seen.add(suite)


def _one_source(node: Node, path: str) -> Faults:
    given = [key for key in _CREDENTIALS if node.get(key)]
    if (
        text(node.get("mode")) != "ISTIO_MUTUAL"
        and text(node.get("serverCertificate"))
        and text(node.get("privateKey"))
    ):
        given.append("serverCertificate")
    if len(given) > 1:
        yield error("tls", f"{path}.{given[-1]}", f"only one of {' and '.join(given)} can be given")


def _certificates(node: Node, mode: str, path: str) -> Faults:
    if mode in {"MUTUAL", "OPTIONAL_MUTUAL"} and not text(node.get("caCertificates")):
        yield error("tls", f"{path}.caCertificates", f"mode {mode} needs it, or a credentialName")
    several = list(items(node, "tlsCertificates", path))
    if len(several) > 2:
        yield warning("tls", f"{path}.tlsCertificates", "only two certificates can be served")
    for spot, one in several or [(path, node)]:
        for key in ("serverCertificate", "privateKey"):
            if not text(mapping(one).get(key)):
                yield error("tls", f"{spot}.{key}", f"mode {mode} needs it, or a credentialName")


def _revoked(node: Node, mode: str, path: str) -> Faults:
    if text(node.get("credentialName")):
        yield error("tls", f"{path}.caCrl", "with a credentialName, the list is part of the credential")
    if mode == "SIMPLE":
        yield error("tls", f"{path}.caCrl", "mode SIMPLE knows no revoked certificates")
