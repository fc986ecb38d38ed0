"""What a call costs through the local mesh against the same call straight to the instance."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import grpc

CLI = [sys.executable, "-m", "dubbopy_cli"]
CALLS = 2000


def cli(env, *words, cwd):
    done = subprocess.run(
        [*CLI, *words, "-q", "-o", "json"], cwd=cwd, env=env, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)["data"]


def caller(address):
    channel = grpc.insecure_channel(address)
    call = channel.unary_unary("/api.Greeter/SayHello", request_serializer=bytes, response_deserializer=bytes)

    def once() -> float:
        start = time.perf_counter()
        call(b"\x0a\x08laurence", timeout=5)
        return (time.perf_counter() - start) * 1000

    return once


def main():
    with tempfile.TemporaryDirectory(prefix="dubbopy-bench-") as folder:
        env = {**os.environ, "DUBBOPY_STATE_DIR": f"{folder}/state"}
        cli(env, "newApp", "dubbo-go-server", cwd=folder)
        try:
            application = cli(env, "deploy", "dubbo-go-server", cwd=folder)["application"]
            through, direct = (
                caller(application["address"]),
                caller(application["releases"][0]["instances"][0]["address"]),
            )
            for warm in (through, direct):
                for _ in range(200):
                    warm()
            pairs = [(through(), direct()) for _ in range(CALLS)]
        finally:
            cli(env, "local", "reset", "--yes", cwd=Path(folder))
    mesh, straight = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(
        f"a call through the local mesh against a direct one: {mesh / straight:.2f}x "
        f"(medians {mesh:.2f} ms against {straight:.2f} ms, {CALLS} pairs)"
    )


if __name__ == "__main__":
    main()
