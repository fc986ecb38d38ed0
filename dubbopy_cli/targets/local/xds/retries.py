"""Retries of a route, with Istio's default for a rule that says nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dubbopy_cli.traffic.explaining.effects import DEFAULT_RETRIES, DEFAULT_RETRY_ON, retry_on
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
        "num_retries": DEFAULT_RETRIES,
        "retry_on": DEFAULT_RETRY_ON,
        "host_selection_retry_max_attempts": 5,
        **({} if hashed else {"retry_host_predicate": [_PREVIOUS_HOSTS]}),
    }
    if not isinstance(node, Mapping):
        return policy
    if number(node.get("attempts")) <= 0:
        return {}
    policy["num_retries"] = number(node["attempts"])
    if text(node.get("retryOn")):
        words, codes = retry_on(node["retryOn"])
        policy.update({"retry_on": words, **({"retriable_status_codes": list(codes)} if codes else {})})
    if text(node.get("perTryTimeout")):
        policy["per_try_timeout"] = duration(node["perTryTimeout"], "0s")
    if isinstance(node.get("retryIgnorePreviousHosts"), bool):
        policy.pop("retry_host_predicate", None)
        if node["retryIgnorePreviousHosts"]:
            policy["retry_host_predicate"] = [_PREVIOUS_HOSTS]
    if text(node.get("backoff")):
        policy["retry_back_off"] = {"base_interval": duration(node["backoff"], "0.025s")}
    return policy
