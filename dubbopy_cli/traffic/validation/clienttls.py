"""How a caller's proxy opens TLS (`ValidateTLS`)."""

from __future__ import annotations

from dubbopy_cli.traffic.model import mapping, sequence, text
from dubbopy_cli.traffic.validation.faults import Faults, Node, error

_CONFIG_MAP = "configmap://"
_FILES = ("clientCertificate", "caCertificates", "privateKey", "caCrl")


def judge(policy: Node, path: str, namespace: str) -> Faults:
    """Judge the `tls` of a traffic policy."""
    node, place = mapping(policy.get("tls")), f"{path}.tls"
    mode, name = text(node.get("mode")), text(node.get("credentialName"))
    if name.startswith(_CONFIG_MAP):
        its, _, rest = name.removeprefix(_CONFIG_MAP).partition("/")
        if its != namespace or not rest.split("/")[0]:
            message = f"write {_CONFIG_MAP}{namespace}/NAME: a ConfigMap of the rule's own namespace"
            yield error("tls", f"{place}.credentialName", message)
    if node.get("insecureSkipVerify") is True:
        yield from _unverified(node, mode, place)
    if name and mode in {"SIMPLE", "MUTUAL"}:
        for key in _FILES:
            if text(node.get(key)):
                yield error("tls", f"{place}.{key}", "only one of it and credentialName can be given")
    elif mode == "MUTUAL":
        for key in ("clientCertificate", "privateKey"):
            if not text(node.get(key)):
                yield error("tls", f"{place}.{key}", "mode MUTUAL needs it, or a credentialName")


def _unverified(node: Node, mode: str, path: str) -> Faults:
    # With MUTUAL a credential is needed for the own certificate, so it says nothing about the server's.
    given = {
        "caCertificates": text(node.get("caCertificates")),
        "subjectAltNames": sequence(node.get("subjectAltNames")),
    }
    if mode == "SIMPLE":
        given["credentialName"] = text(node.get("credentialName"))
    if mode in {"SIMPLE", "MUTUAL"}:
        for key, value in given.items():
            if value:
                yield error("tls", f"{path}.{key}", "has no meaning when insecureSkipVerify is true")
