"""The client program: one call a second for ever, or a counted run."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
from typing import TYPE_CHECKING, Final

import grpc

from . import config, logs, options, settings, tag
from .greeter import Greeter, failure
from .run import run

if TYPE_CHECKING:
    from collections.abc import Sequence

_PAUSE: Final = 1.0
_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)

log = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Call until done or told to stop, and return the exit code."""
    flags = options.parse(arguments)
    logs.configure(sys.stderr)
    try:
        wanted = flags.over(settings.read(config.load(os.environ)))
    except config.ConfigError as error:
        log.error("%s", error)
        return 1
    logs.set_level(wanted.log_level)
    return asyncio.run(_until_signal(flags, wanted))


async def _until_signal(flags: options.Options, wanted: settings.Settings) -> int:
    work = asyncio.ensure_future(_counted(flags, wanted) if flags.calls else _loop(flags, wanted))
    for number in _SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, work.cancel)
    try:
        return await work
    except asyncio.CancelledError:
        return 0


async def _loop(flags: options.Options, wanted: settings.Settings) -> int:
    log.info("%s v%s calls %s once a second", wanted.name, tag.read(), wanted.target)
    while True:
        async with Greeter(wanted) as greeter:
            await _call_until_unavailable(greeter, flags.name)


async def _call_until_unavailable(greeter: Greeter, name: str) -> None:
    """Call once a second; return when a new connection may do better.

    gRPC asks for the address of a host without one ever more seldom, down to every two minutes.
    """
    available = True
    while available:
        try:
            user = await greeter.say_hello(name)
        except grpc.aio.AioRpcError as error:
            log.error("call server failed: %s", failure(error))
            available = error.code() is not grpc.StatusCode.UNAVAILABLE
        else:
            answer = f"name:{_quoted(user.name)} id:{_quoted(user.id)}"
            log.info("call server response = %s", answer)
        await asyncio.sleep(_PAUSE)


async def _counted(flags: options.Options, wanted: settings.Settings) -> int:
    async with Greeter(wanted) as greeter:
        report = await run(greeter, flags.name, flags.calls, flags.concurrency)
    print(report.as_json() if flags.output == "json" else report.as_text())
    if report.answered == flags.calls:
        return 0
    log.error("not every call was answered")
    return 1


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
