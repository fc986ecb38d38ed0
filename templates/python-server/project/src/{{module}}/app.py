"""The server program."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from typing import Final

from . import config, logs, settings, tag
from .server import ListenError, Server

_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)

log = logging.getLogger(__name__)


def main() -> int:
    """Serve until SIGTERM, and return the exit code."""
    logs.configure(sys.stderr)
    try:
        wanted = settings.read(config.load(os.environ))
        logs.set_level(wanted.log_level)
        asyncio.run(_serve(wanted))
    except (config.ConfigError, ListenError) as error:
        log.error("%s", error)
        return 1
    return 0


async def _serve(wanted: settings.Settings) -> None:
    stop = asyncio.Event()
    for number in _SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    server = Server(wanted)
    address = await server.start()
    log.info("%s v%s serves %s on %s", wanted.name, tag.read(), ", ".join(wanted.services), address)
    await stop.wait()
    log.info("shutting down: calls in flight have %g s", wanted.drain_for)
    await server.drain()
    log.info("stopped")
