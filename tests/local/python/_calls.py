"""Calls of api.Greeter, health and reflection by a caller that knows only the proto file."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_tools import protoc

from ._project import TEMPLATES


@cache
def _message(name: str) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "api.bin"
        root = TEMPLATES / "python/project"
        assert protoc.main(["protoc", f"-I{root}", f"--descriptor_set_out={out}", "api/api.proto"]) == 0
        files = descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes())
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(name))


@contextmanager
def channel(port: int) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(f"127.0.0.1:{port}", [("grpc.use_local_subchannel_pool", 1)]) as opened:
        yield opened


def start_hello(opened: grpc.Channel, name: str) -> Any:
    method = opened.unary_unary(
        "/api.Greeter/SayHello",
        request_serializer=_message("api.HelloRequest").SerializeToString,
        response_deserializer=_message("api.User").FromString,
    )
    return method.future(_message("api.HelloRequest")(name=name), timeout=30)


def say_hello(opened: grpc.Channel, name: str) -> Any:
    return start_hello(opened, name).result()


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
