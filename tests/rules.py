"""Rules for tests: short to write, whole objects to the code under test."""

from __future__ import annotations

from typing import Any

from dubbopy_cli.traffic.hosts import Service
from dubbopy_cli.traffic.model import DESTINATION_RULE, VIRTUAL_SERVICE, Rule, RuleSet

SERVICE = Service("greeter", "default", 20000)
HOST = SERVICE.fqdn


def destination_rule(*versions: str, name: str = "greeter", host: str = "greeter", **spec: Any) -> Rule:
    subsets = [{"name": one, "labels": {"dubbogoAppVersion": one}} for one in versions]
    return rule(DESTINATION_RULE, {"host": host, "subsets": subsets, **spec}, name)


def virtual_service(*http: Any, name: str = "greeter", hosts: tuple[str, ...] = ("greeter",), **spec: Any) -> Rule:
    return rule(VIRTUAL_SERVICE, {"hosts": list(hosts), "http": list(http), **spec}, name)


def rule(kind: str, spec: dict[str, Any], name: str = "greeter", namespace: str = "default", **metadata: Any) -> Rule:
    document = {
        "apiVersion": "networking.istio.io/v1alpha3",
        "kind": kind,
        "metadata": {"name": name, **metadata},
        "spec": spec,
    }
    return Rule(kind, namespace, name, document)


def to(subset: str, weight: int | None = None, host: str = "greeter") -> dict[str, Any]:
    destination = {"host": host, **({"subset": subset} if subset else {})}
    return {"destination": destination, **({} if weight is None else {"weight": weight})}


def rules(*given: Rule) -> RuleSet:
    return RuleSet.of(given)


# The files of the source's tutorial as they are typed there, with its mixed indentation.
SOURCE_DESTINATION_RULE = """\
apiVersion: networking.istio.io/v1alpha3
kind: DestinationRule
metadata:
  name: dubbo-go-server
spec:
  host: dubbo-go-server
  subsets:
    - name: v1
      labels:
        dubbogoAppVersion: v1 # the label of chart/app/values.yaml
    - name: v2
      labels:
        dubbogoAppVersion: v2
"""
SOURCE_ALL_TO_V1 = """\
apiVersion: networking.istio.io/v1alpha3
kind: VirtualService
metadata:
  name: dubbo-go-server
spec:
  hosts:
    - dubbo-go-server
  http:
  - route:
    - destination:
        host: dubbo-go-server
        subset: v1
"""
SOURCE_ADMIN_TO_V2 = """\
apiVersion: networking.istio.io/v1alpha3
kind: VirtualService
metadata:
  name: dubbo-go-server
spec:
  hosts:
    - dubbo-go-server
  http:
  - match:
    - headers:
        user:
          exact: admin
    route:
      - destination:
          host: dubbo-go-server
          subset: v2
  - route:
    - destination:
        host: dubbo-go-server
        subset: v1
"""
SOURCE_90_10 = """\
apiVersion: networking.istio.io/v1alpha3
kind: VirtualService
metadata:
  name: dubbo-go-server
spec:
  hosts:
    - dubbo-go-server
  http:
    - route:
      - destination:
          host: dubbo-go-server
          subset: v1
        weight: 90
      - destination:
          host: dubbo-go-server
          subset: v2
        weight: 10
"""
