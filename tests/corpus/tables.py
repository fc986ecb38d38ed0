"""Istio's own test tables, each case put into an object that is good but for the case."""

from pathlib import Path

from ruamel.yaml import YAML

from dubbopy_cli.traffic.validation import headers, matches, names

TABLES = Path(__file__).parents[1] / "data" / "istio" / "tables"
_HTTP = {"route": [{"destination": {"host": "foo.baz"}}]}


def obj(kind, spec, **metadata):
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": kind,
        "metadata": {"name": "some-name", "namespace": "some-namespace"} | metadata,
        "spec": spec,
    }


def http(**fields):
    return obj("VirtualService", {"hosts": ["foo.bar"], "http": [fields]})


def route(**fields):
    return http(**_HTTP, **fields)


def policy(**fields):
    return obj("DestinationRule", {"host": "foo.baz", "trafficPolicy": fields})


def server(host):
    return obj("Gateway", {"servers": [{"port": {"name": "p", "number": 80, "protocol": "HTTP"}, "hosts": [host]}]})


def destination_rule(**fields):
    return obj("DestinationRule", {"host": "foo.baz"} | fields)


def hosts(case):
    spec = {"hosts": [case["in"]], "gateways": ["a/b"], "http": [_HTTP]}
    if case["sni"]:
        match = [{"sniHosts": [case["in"]]}]
        spec["tls"] = [{"match": match, "route": _HTTP["route"]}]
    return obj("VirtualService", spec)


# Istio's tests of functions that judge one text: asked by themselves as well as inside an object.
TEXTS = {
    "TestValidateFQDN": lambda case: names.fqdn(case["fqdn"]),
    "TestValidateHTTPHeaderName": lambda case: matches.matched_name(case["name"]),
    "TestValidateHTTPHeaderValue": lambda case: headers.header_value(case["input"]),
    "TestValidatePortName": lambda case: names.port_name(case["name"]),
    "TestValidateWildcardDomain": lambda case: names.domain(case["in"]),
    "TestValidateWildcardDomainForVirtualServiceBoundToGateway": lambda case: names.gateway_domain(
        case["in"], sni=case["sni"]
    ),
}


def export_to(case):
    spec = {"exportTo": case.get("exportTo")}
    if case.get("isServiceEntry"):
        port = {"name": "http", "number": 80, "protocol": "HTTP"}
        return obj("ServiceEntry", spec | {"hosts": ["foo.bar"], "ports": [port]}, namespace=case["namespace"])
    if case.get("isDestinationRuleWithSelector"):
        spec["workloadSelector"] = {"matchLabels": {"a": "b"}}
    return obj("DestinationRule", spec | {"host": "foo.bar"}, namespace=case["namespace"])


def direct_response(case):
    # Go's name of the field `string`.
    answer = dict(case["directResponse"])
    if "body" in answer:
        answer["body"] = {key.rstrip("_"): value for key, value in answer["body"].items()}
    return http(directResponse=answer)


def locality(case):
    fields = {"loadBalancer": {"localityLbSetting": case["in"]}}
    return policy(**fields, **({} if case["outlier"] is None else {"outlierDetection": case["outlier"]}))


def rewritten(case):
    return route(rewrite={"uriRegexRewrite": case["in"]})


BUILDERS = {
    "TestValidateCORSPolicy": lambda case: route(corsPolicy=case["in"]),
    "TestValidateChainingVirtualService": lambda case: obj("VirtualService", case["in"]),
    "TestValidateConnectionPool": lambda case: policy(connectionPool=case["in"]),
    "TestValidateDelegateHTTPRoute": lambda case: obj("VirtualService", {"hosts": [], "http": [case["route"]]}),
    "TestValidateDestination": lambda case: http(route=[{"destination": case["destination"]}]),
    "TestValidateDestinationRule": lambda case: obj("DestinationRule", case["in"]),
    "TestValidateFQDN": lambda case: obj("WorkloadEntry", {"address": case["fqdn"]}),
    "TestValidateGateway": lambda case: obj("Gateway", case["in"]),
    "TestValidateHTTPDirectResponse": direct_response,
    "TestValidateHTTPFaultInjectionAbort": lambda case: route(fault={"abort": case["in"], "delay": {"fixedDelay": "1s"}}),
    "TestValidateHTTPFaultInjectionDelay": lambda case: route(fault={"delay": case["in"]}),
    "TestValidateHTTPHeaderName": lambda case: route(match=[{"headers": {case["name"]: {"exact": "a"}}}]),
    "TestValidateHTTPHeaderValue": lambda case: route(headers={"request": {"set": {"a": case["input"]}}}),
    "TestValidateHTTPRedirect": lambda case: http(redirect=case["redirect"]),
    "TestValidateHTTPRetry": lambda case: route(retries=case["in"]),
    "TestValidateHTTPRewrite": lambda case: route(rewrite=case["in"]),
    "TestValidateHTTPRoute": lambda case: http(**case["route"]),
    "TestValidateHTTPStatus": lambda case: http(directResponse={"status": case["in"]}),
    "TestValidateLoadBalancer": lambda case: policy(loadBalancer=case["in"]),
    "TestValidateLocalityLbSetting": locality,
    "TestValidateOutlierDetection": lambda case: policy(outlierDetection=case["in"]),
    "TestValidatePortName": lambda case: obj("WorkloadEntry", {"address": "1.2.3.4", "ports": {case["name"]: 80}}),
    "TestValidateRootHTTPRoute": lambda case: http(**case["route"]),
    "TestValidateRouteDestination": lambda case: obj("VirtualService", {"hosts": ["foo.bar"], "tcp": [{"route": case["routes"]}]}),
    "TestValidateServiceEntries": lambda case: obj("ServiceEntry", case["in"], labels=case.get("labels", {})),
    "TestValidateTLS": lambda case: policy(tls=case["tls"]),
    "TestValidateTrafficPolicy": lambda case: policy(**case["in"]),
    "TestValidateUriRegexRewrite": rewritten,
    "TestValidateVirtualService": lambda case: obj("VirtualService", case["in"]),
    "TestValidateWildcardDomain": lambda case: destination_rule(host=case["in"]),
    "TestValidateWildcardDomainForVirtualServiceBoundToGateway": hosts,
    "TestValidateWorkloadEntry": lambda case: obj("WorkloadEntry", case["in"]),
    "Test_validateExportTo": export_to,
}  # fmt: skip
# No field of these kinds goes through `ValidateStrictHTTPHeaderName`: it is for tokens and the cookies of other kinds.
NOT_HERE = {"TestStrictValidateHTTPHeaderName"}


def expected(case):
    """Return (is valid, warns); None where a table does not say."""
    if "wantErr" in case:
        return not case["wantErr"], None
    if "err" in case:
        return not case["err"], case["warn"]
    if "out" in case:
        return not case["out"], bool(case["warning"]) if "warning" in case else None
    if "input" in case:
        return not case.get("expected"), None
    return case["valid"], case.get("warning", case.get("warn"))


def read():
    """Yield (table, number, case)."""
    for path in sorted([*TABLES.glob("validation_test__*"), *TABLES.glob("virtualservice_test__TestValidate*")]):
        table = YAML(typ="safe").load(path)
        if table["func"] not in NOT_HERE:
            for number, case in enumerate(table["cases"]):
                yield table["func"], number, case
