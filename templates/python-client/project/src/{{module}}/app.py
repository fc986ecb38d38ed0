"""The client program: one call a second for ever, or a counted run."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from typing import TYPE_CHECKING, Final, NoReturn

from . import config, logs, options, settings, tag
from .greeter import Greeter
from .loop import call_for_ever
from .run import run

if TYPE_CHECKING:
    from collections.abc import Sequence

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


async def _loop(flags: options.Options, wanted: settings.Settings) -> NoReturn:
    log.info("%s v%s calls %s once a second", wanted.name, tag.read(), wanted.target)
    await call_for_ever(lambda: Greeter(wanted), flags.name)


async def _counted(flags: options.Options, wanted: settings.Settings) -> int:
    async with Greeter(wanted) as greeter:
        report = await run(greeter, flags.name, flags.calls, flags.concurrency)
    print(report.as_json() if flags.output == "json" else report.as_text(), flush=True)
    if report.answered == flags.calls:
        return 0
    log.error("not every call was answered")
    return 1
