"""Calls from inside the mesh: through Envoy's listener, so that the rules decide."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock, Thread
from typing import Any, TypeAlias

from dubbopy_cli.errors import UsageError
from dubbopy_cli.targets.base import CallReport, CallRequest
from dubbopy_cli.targets.headers import checked
from dubbopy_cli.targets.local import reflection
from dubbopy_cli.targets.local.ports import LOOPBACK
from dubbopy_cli.targets.local.reflection import Method

VERSION_HEADER = "x-dubbopy-version"
# grpc says no more about its own types.
Stub: TypeAlias = Any

_OPTIONS = (("grpc.use_local_subchannel_pool", 1), ("grpc.enable_http_proxy", 0))
CONCURRENCY_MAX = 256


def call(request: CallRequest, listener: int, instances: Sequence[int]) -> CallReport:
    """Make the calls through ``listener``; ``instances`` are ports of servers to ask for their methods."""
    import grpc

    headers = checked(request.headers)
    method = _method(request, instances)
    body = _body(method, request.body, request.application)
    tally = _Tally(request.count)
    with grpc.insecure_channel(f"{LOOPBACK}:{listener}", options=_OPTIONS) as channel:
        stub = channel.unary_unary(f"/{method.full}")

        def work() -> None:
            while tally.take():
                tally.count(*_one(stub, body, headers, request.timeout))

        started = time.perf_counter()
        workers = [Thread(target=work, daemon=True) for _ in range(max(1, min(request.concurrency, CONCURRENCY_MAX)))]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        seconds = time.perf_counter() - started
    return tally.report(method, seconds)


def percentiles(milliseconds: Sequence[float]) -> dict[str, float]:
    """Return min, mean, p50, p90, p99 and max, each an observed value but the mean; nothing for no values."""
    if not milliseconds:
        return {}
    ordered = sorted(milliseconds)

    def nearest(percent: int) -> float:
        return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]

    found = {"min": ordered[0], "mean": sum(ordered) / len(ordered)}
    found |= {f"p{percent}": nearest(percent) for percent in (50, 90, 99)} | {"max": ordered[-1]}
    return {key: round(value, 3) for key, value in found.items()}


@dataclass
class _Tally:
    left: int
    versions: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    times: list[float] = field(default_factory=list)
    answer: bytes | None = None
    message: str = ""
    lock: Any = field(default_factory=Lock)

    def take(self) -> bool:
        with self.lock:
            self.left -= 1
            return self.left >= 0

    def count(self, version: str, code: str, answer: bytes, message: str, milliseconds: float) -> None:
        with self.lock:
            if code:
                self.errors[code] += 1
                self.message = self.message or message
                return
            self.versions[version or "unknown"] += 1
            self.times.append(milliseconds)
            if self.answer is None:
                self.answer = answer

    def report(self, method: Method, seconds: float) -> CallReport:
        ok = self.versions.total()
        return CallReport(
            method=method.full,
            calls=ok + self.errors.total(),
            ok=ok,
            versions=dict(sorted(self.versions.items())),
            errors=dict(sorted(self.errors.items())),
            latency_ms=percentiles(self.times),
            seconds=round(seconds, 3),
            answer="" if self.answer is None else _json(method, self.answer),
            error_message=self.message,
        )


def _one(
    stub: Stub, body: bytes, headers: Sequence[tuple[str, str]], timeout: float
) -> tuple[str, str, bytes, str, float]:
    import grpc

    started = time.perf_counter()
    try:
        answer, call = stub.with_call(body, metadata=headers, timeout=timeout)
    except grpc.RpcError as error:
        return "", error.code().name, b"", error.details() or "", 0.0
    spent = (time.perf_counter() - started) * 1000
    version = next((str(value) for key, value in call.initial_metadata() if key == VERSION_HEADER), "")
    return version, "", answer, "", spent


def _method(request: CallRequest, instances: Sequence[int]) -> Method:
    import grpc

    # A method may exist in one version only, so every version is asked before it counts as unknown.
    refused: list[UsageError] = []
    for port in instances:
        with grpc.insecure_channel(f"{LOOPBACK}:{port}", options=_OPTIONS) as channel:
            known = reflection.methods(channel, request.application)
        try:
            return reflection.pick(known, request.method, request.application)
        except UsageError as error:
            refused.append(error)
    raise refused[0]


def _body(method: Method, text: str, application: str) -> bytes:
    from google.protobuf import json_format

    message = method.request()
    try:
        json_format.Parse(text or "{}", message)
    except json_format.ParseError as error:
        known = ", ".join(f.json_name for f in method.request.DESCRIPTOR.fields) or "no fields"
        raise UsageError(
            "body-invalid",
            f"the body does not fit {method.request.DESCRIPTOR.full_name} ({known}): {error}",
            hint=f"dubbopy-cli call {method.full} --app {application} -d '{_example(method)}'",
        ) from error
    return bytes(message.SerializeToString())


def _example(method: Method) -> str:
    from google.protobuf import json_format

    text = json_format.MessageToJson(method.request(), always_print_fields_with_no_presence=True, indent=None)
    return str(text)


def _json(method: Method, answer: bytes) -> str:
    from google.protobuf import json_format
    from google.protobuf.message import DecodeError

    try:
        return json.dumps(json_format.MessageToDict(method.answer.FromString(answer)), ensure_ascii=False)
    except DecodeError:
        # Two versions may disagree about the type; the bytes still say that something came.
        return json.dumps({"undecodable": answer.hex()})
