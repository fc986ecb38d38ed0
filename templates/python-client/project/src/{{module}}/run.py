"""A run of many calls, some of them at once."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from typing import TYPE_CHECKING

import grpc
from google.protobuf import json_format

from .greeter import METHOD, failure
from .report import Report

if TYPE_CHECKING:
    from .greeter import Greeter

log = logging.getLogger(__name__)


async def run(greeter: Greeter, name: str, calls: int, concurrency: int) -> Report:
    """Make so many calls, at most concurrency of them at a time, and count what comes back.

    Cancelled, it returns the count of the calls that have ended by then.
    """
    report = Report(method=METHOD)
    turns = iter(range(calls))

    async def take_turns() -> None:
        for _ in turns:
            began = time.perf_counter()
            try:
                user = await greeter.say_hello(name)
            except grpc.aio.AioRpcError as error:
                _count_failure(report, error)
            else:
                report.latencies.append(time.perf_counter() - began)
                report.ids[user.id] += 1
                report.answer = report.answer or json_format.MessageToJson(user)

    began = time.perf_counter()
    with contextlib.suppress(asyncio.CancelledError):
        async with asyncio.TaskGroup() as group:
            for _ in range(min(concurrency, calls)):
                group.create_task(take_turns())
    report.seconds = time.perf_counter() - began
    return report


def _count_failure(report: Report, error: grpc.aio.AioRpcError) -> None:
    code = error.code().name
    if code not in report.errors:  # thousands of calls tend to fail for the same reason
        log.warning("call server failed: %s", failure(error))
        report.message = report.message or " ".join((error.details() or "").split())
    report.errors[code] += 1
