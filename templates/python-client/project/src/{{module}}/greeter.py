"""Calls of api.Greeter."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import grpc

from .api import api_pb2, api_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType
    from typing import Self

    from .settings import Settings


#: The method that is called.
METHOD: Final = f"{api_pb2.DESCRIPTOR.services_by_name['Greeter'].full_name}/SayHello"


class Greeter:
    """A connection to the server; use it in `async with`."""

    def __init__(self, settings: Settings) -> None:
        self._timeout = settings.timeout
        self._metadata = tuple(settings.attachments.items())
        # dns:/// because a host named unix or dns would be taken for a scheme.
        self._channel = grpc.aio.insecure_channel(
            f"dns:///{settings.target}", options=_options(settings.retries)
        )
        self._stub = api_pb2_grpc.GreeterStub(self._channel)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._channel.close()

    async def say_hello(self, name: str) -> api_pb2.User:
        """Greet a name; raises grpc.aio.AioRpcError."""
        user: api_pb2.User = await self._stub.SayHello(
            api_pb2.HelloRequest(name=name), timeout=self._timeout, metadata=self._metadata
        )
        return user


def failure(error: grpc.aio.AioRpcError) -> str:
    """Return CODE and message on one line."""
    return " ".join(f"{error.code().name} {error.details() or ''}".split())


def _options(retries: int) -> list[tuple[str, int | str]]:
    options: list[tuple[str, int | str]] = [
        # A proxy for the internet is not on the way to a neighbour.
        ("grpc.enable_http_proxy", 0),
        # gRPC's own limit lets a client sleep for two minutes after its server is back.
        ("grpc.max_reconnect_backoff_ms", 1000),
        ("grpc.enable_retries", int(retries > 0)),
    ]
    if retries:
        options.append(("grpc.service_config", json.dumps(_retry_policy(retries))))
    return options


def _retry_policy(retries: int) -> Mapping[str, object]:
    policy = {
        "maxAttempts": retries + 1,
        "initialBackoff": "0.05s",
        "maxBackoff": "1s",
        "backoffMultiplier": 2,
        # The one code that says that the call was not carried out.
        "retryableStatusCodes": ["UNAVAILABLE"],
    }
    return {"methodConfig": [{"name": [{}], "retryPolicy": policy}]}
