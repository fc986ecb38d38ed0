"""Retries of a route, with Istio's default for a rule that says nothing."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from dubbopy_cli.traffic.model import number, text
from dubbopy_cli.traffic.units import duration

_PREVIOUS_HOSTS = {
    "name": "envoy.retry_host_predicates.previous_hosts",
    "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"
    },
}


def retries(node: object, *, hashed: bool) -> dict[str, Any]:
    """Return the retry policy (`retry.ConvertPolicy`): 2 retries if the rule says nothing, none for 0 attempts."""
    policy: dict[str, Any] = {
        "num_retries": 2,
        "retry_on": "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes",
        "host_selection_retry_max_attempts": 5,
        **({} if hashed else {"retry_host_predicate": [_PREVIOUS_HOSTS]}),
    }
    if not isinstance(node, Mapping):
        return policy
    if number(node.get("attempts")) <= 0:
        return {}
    policy["num_retries"] = number(node["attempts"])
    if text(node.get("retryOn")):
        policy.update(_retry_on(node["retryOn"]))
    if text(node.get("perTryTimeout")):
        policy["per_try_timeout"] = duration(node["perTryTimeout"], "0s")
    if isinstance(node.get("retryIgnorePreviousHosts"), bool):
        policy.pop("retry_host_predicate", None)
        if node["retryIgnorePreviousHosts"]:
            policy["retry_host_predicate"] = [_PREVIOUS_HOSTS]
    if text(node.get("backoff")):
        policy["retry_back_off"] = {"base_interval": duration(node["backoff"], "0.025s")}
    return policy


def _retry_on(value: str) -> dict[str, Any]:
    """Split ``retryOn``: whole numbers that are HTTP statuses become a list of their own."""
    words, codes = [], []
    for part in (one.strip() for one in value.split(",")):
        if part.isdecimal() and int(part) in set(HTTPStatus):
            codes.append(int(part))
        elif part:
            words.append(part)
    if codes and "retriable-status-codes" not in ",".join(words):
        words.append("retriable-status-codes")
    return {"retry_on": ",".join(words), **({"retriable_status_codes": codes} if codes else {})}
