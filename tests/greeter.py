"""Calls of api.Greeter by grpcio, with messages made of the api/api.proto below a folder."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from grpc_tools import protoc


@cache
def _message(root: Path, name: str) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "api.bin"
        assert protoc.main(["protoc", f"-I{root}", f"--descriptor_set_out={out}", "api/api.proto"]) == 0
        files = descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes())
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(name))


@contextmanager
def channel(port: int) -> Iterator[grpc.Channel]:
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_receive_message_length", -1)]
    with grpc.insecure_channel(f"127.0.0.1:{port}", options) as opened:
        yield opened


def say_hello(root: Path, opened: grpc.Channel, name: str, metadata: tuple[tuple[str, str], ...] = ()) -> Any:
    return start_hello(root, opened, name, metadata).result()


def start_hello(root: Path, opened: grpc.Channel, name: str, metadata: tuple[tuple[str, str], ...] = ()) -> grpc.Future:
    method = opened.unary_unary(
        "/api.Greeter/SayHello",
        request_serializer=_message(root, "api.HelloRequest").SerializeToString,
        response_deserializer=_message(root, "api.User").FromString,
    )
    return method.future(_message(root, "api.HelloRequest")(name=name), timeout=30, metadata=metadata)
