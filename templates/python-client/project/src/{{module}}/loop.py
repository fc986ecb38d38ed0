"""One call a second, for ever."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING, NoReturn

import grpc

from .greeter import failure

if TYPE_CHECKING:
    from collections.abc import Callable

    from .greeter import Greeter

log = logging.getLogger(__name__)


async def call_for_ever(connect: Callable[[], Greeter], name: str, pause: float = 1.0) -> NoReturn:
    """Call and log what comes back, with so many seconds between the calls.

    Each time the server is unavailable a new connection is made: an old one asks for the
    address of a host that had none ever more seldom, down to every two minutes.
    """
    while True:
        async with connect() as greeter:
            available = True
            while available:
                available = await _is_available(greeter, name)
                await asyncio.sleep(pause)


async def _is_available(greeter: Greeter, name: str) -> bool:
    try:
        user = await greeter.say_hello(name)
    except grpc.aio.AioRpcError as error:
        log.error("call server failed: %s", failure(error))
        return error.code() is not grpc.StatusCode.UNAVAILABLE
    answer = f"name:{_quoted(user.name)} id:{_quoted(user.id)}"
    log.info("call server response = %s", answer)
    return True


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
