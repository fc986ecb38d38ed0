"""Calls of api.Greeter, health and reflection by a caller that knows only the proto file."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from tests import greeter

from ._project import TEMPLATES

say_hello = partial(greeter.say_hello, TEMPLATES / "python/project")
start_hello = partial(greeter.start_hello, TEMPLATES / "python/project")


def health(opened: grpc.Channel, service: str) -> str:
    answer = health_pb2_grpc.HealthStub(opened).Check(health_pb2.HealthCheckRequest(service=service), timeout=10)
    return health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)


def watch(opened: grpc.Channel) -> Iterator[str]:
    """Yield each status that a Watch stream tells, until it is ended by the server."""
    for answer in health_pb2_grpc.HealthStub(opened).Watch(health_pb2.HealthCheckRequest()):
        yield health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)


def services(opened: grpc.Channel) -> set[str]:
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    answers = reflection_pb2_grpc.ServerReflectionStub(opened).ServerReflectionInfo(iter([request]), timeout=10)
    return {service.name for service in next(answers).list_services_response.service}
