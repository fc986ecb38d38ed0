"""grpc.health.v1 for a server that drains."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import grpc
from grpc_health.v1 import health

if TYPE_CHECKING:
    from grpc_health.v1 import health_pb2


class Health(health.aio.HealthServicer):
    """The usual health service, with an end to its Watch streams.

    A dubbo-go client holds one as long as it is connected: a server that waits for it
    to end uses up its whole time to drain, with no call in flight.
    """

    def __init__(self) -> None:
        super().__init__()
        self._ended = False
        self._watches: set[asyncio.Timeout] = set()

    async def Watch(
        self,
        request: health_pb2.HealthCheckRequest,
        context: grpc.aio.ServicerContext[
            health_pb2.HealthCheckRequest, health_pb2.HealthCheckResponse
        ],
    ) -> None:
        """Send the status at once and at every change, until end_watches."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0 if self._ended else None) as watch:
                self._watches.add(watch)
                try:
                    await super().Watch(request, context)
                finally:
                    self._watches.discard(watch)
        await context.abort(grpc.StatusCode.UNAVAILABLE, "the server is shutting down")

    def end_watches(self) -> None:
        """End the Watch streams there are, and those to come."""
        self._ended = True
        while self._watches:
            self._watches.pop().reschedule(asyncio.get_running_loop().time())
