"""One port that serves the application's services, health and reflection."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from .health import Health
from .service import PROVIDERS

if TYPE_CHECKING:
    from .settings import Settings


class ListenError(Exception):
    """The server cannot have its address; the text says which and why."""


class Server:
    """Serves on a loop until it is drained."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        # With SO_REUSEPORT a second server would take half of the connections without a word.
        self._grpc = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
        self._health = Health()
        self._interfaces = [PROVIDERS[name].interface for name in settings.services]
        for name in settings.services:
            PROVIDERS[name].register(self._grpc)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._grpc)
        reflection.enable_server_reflection(
            (*self._interfaces, health.SERVICE_NAME, reflection.SERVICE_NAME), self._grpc
        )

    async def start(self) -> str:
        """Serve, and return the host:port it does so on.

        Raises:
            ListenError: The port is taken, or the host is not of this machine.
        """
        host = self._settings.host or "::"
        shown = f"[{host}]" if ":" in host else host
        address = f"{shown}:{self._settings.port}"
        try:
            port = self._grpc.add_insecure_port(address)
        except RuntimeError as error:
            reason = _why_not(host, self._settings.port) or error
            raise ListenError(f"cannot listen on {address}: {reason}") from error
        await self._grpc.start()
        for interface in self._interfaces:
            await self._health.set(interface, health_pb2.HealthCheckResponse.SERVING)
        return f"{shown}:{port}"

    async def drain(self) -> None:
        """Tell callers to go elsewhere, answer the calls in flight, and stop."""
        await self._health.enter_graceful_shutdown()
        await asyncio.sleep(self._settings.unhealthy_for)
        self._health.end_watches()
        await self._grpc.stop(self._settings.drain_for)


def _why_not(host: str, port: int) -> str:
    """Return the system's reason, which gRPC keeps to itself."""
    try:
        for family, kind, _, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            with socket.socket(family, kind) as probe:
                probe.bind(address)
    except OSError as error:
        return error.strerror or str(error)
    return ""
