"""The generated Go server: its size, its memory, and the time from its start to the first answered call."""

from __future__ import annotations

import os
import socket
import statistics
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil
from generated import compiled, new_app

RUNS = 15


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answered(port: int) -> bool:
    """Call SayHello once by HTTP and JSON, which needs no client library to warm up."""
    call = urllib.request.Request(
        f"http://127.0.0.1:{port}/api.Greeter/SayHello",
        data=b'{"name": "laurence"}',
        headers={"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(call, timeout=5) as answer:
            return b"Hello laurence" in answer.read()
    except urllib.error.URLError:
        return False


def start_up(program: Path) -> tuple[float, float]:
    """Return milliseconds to the first answer and MB of memory after it."""
    port = free_port()
    env = os.environ | {"DUBBO_HOST": "127.0.0.1", "DUBBO_PORT": str(port)}
    start = time.perf_counter()
    with subprocess.Popen([program], cwd=program.parents[1], env=env, stderr=subprocess.DEVNULL) as process:
        try:
            while not answered(port):
                time.sleep(0.001)
            took = time.perf_counter() - start
            return took * 1000, psutil.Process(process.pid).memory_info().rss / 1e6
        finally:
            process.kill()


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        program = compiled(new_app(Path(scratch) / "server"))
        start_up(program)
        times, memory = zip(*(start_up(program) for _ in range(RUNS)), strict=True)
        print(f"size: {program.stat().st_size / 1e6:.1f} MB, memory: {statistics.median(memory):.0f} MB")
        print(f"start to first answer: {statistics.median(times):.0f} ms (median of {RUNS}, worst {max(times):.0f} ms)")


if __name__ == "__main__":
    main()
