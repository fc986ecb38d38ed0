"""The services of api/, implemented."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from . import tag
from .api import api_pb2, api_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import Callable

    import grpc.aio


class GreeterServerImpl(api_pb2_grpc.GreeterServicer):
    """Implements api.Greeter.

    All calls share one thread: what blocks belongs into asyncio.to_thread.
    """

    def __init__(self, image_tag: str) -> None:
        self._id = f"v{image_tag}"

    async def SayHello(
        self,
        request: api_pb2.HelloRequest,
        context: grpc.aio.ServicerContext[api_pb2.HelloRequest, api_pb2.User],
    ) -> api_pb2.User:
        """Greet the caller and tell which version answered."""
        return api_pb2.User(name=f"Hello {request.name}", id=self._id, age=21)


@dataclass(frozen=True, slots=True)
class Provider:
    """How a service gets into a server, and the name it has on the wire."""

    interface: str
    register: Callable[[grpc.aio.Server], None]


def _greeter(server: grpc.aio.Server) -> None:
    api_pb2_grpc.add_GreeterServicer_to_server(GreeterServerImpl(tag.read()), server)


#: What conf/dubbogo.yaml may list below dubbo.provider.services.
PROVIDERS: Final = {
    "GreeterServerImpl": Provider(
        api_pb2.DESCRIPTOR.services_by_name["Greeter"].full_name, _greeter
    ),
}
