"""How long after its start `traffic set` has effect, against how long the command runs."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from mesh_latency import CLI, cli

RUNS = 11


def answered_by(address, wanted, stop):
    """Return when the first call was answered by ``wanted``."""
    import grpc

    with grpc.insecure_channel(address) as channel:
        stub = channel.unary_unary("/api.Greeter/SayHello")
        while not stop.is_set():
            _, call = stub.with_call(b"", timeout=5)
            if dict(call.initial_metadata()).get("x-dubbopy-version") == wanted:
                return time.perf_counter()
    return float("nan")


def once(env, folder, address, version):
    stop, seen = threading.Event(), []
    watcher = threading.Thread(target=lambda: seen.append(answered_by(address, version, stop)))
    watcher.start()
    start = time.perf_counter()
    subprocess.run(
        [*CLI, "traffic", "set", version, "--app", "dubbo-go-server", "-q"],
        cwd=folder, env=env, capture_output=True, check=True,
    )  # fmt: skip
    end = time.perf_counter()
    watcher.join(10)
    stop.set()
    return seen[0] - start, end - start


def main():
    with tempfile.TemporaryDirectory(prefix="dubbopy-bench-") as folder:
        env = {**os.environ, "DUBBOPY_STATE_DIR": f"{folder}/state"}
        cli(env, "newApp", "one", "--name", "dubbo-go-server", cwd=folder)
        cli(env, "newApp", "two", "--name", "dubbo-go-server", "--app-version", "v2", "--tag", "2.0.0", cwd=folder)
        try:
            cli(env, "deploy", "one", cwd=folder)
            address = cli(env, "deploy", "two", cwd=folder)["application"]["address"]
            cli(env, "traffic", "set", "v1", "--app", "dubbo-go-server", cwd=folder)
            pairs = [once(env, folder, address, ("v2", "v1")[run % 2]) for run in range(RUNS)]
        finally:
            cli(env, "local", "reset", "--yes", cwd=Path(folder))
    effect, whole = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(
        f"`traffic set` has effect at {statistics.median(a / b for a, b in pairs):.2f} of its own run "
        f"(medians {effect * 1000:.0f} ms of {whole * 1000:.0f} ms, {RUNS} runs, {sys.version.split()[0]})"
    )


if __name__ == "__main__":
    main()
