"""Load from a process of its own: `hammer.py PORT`; calls until stdin ends, then prints what it met as JSON."""

import json
import sys
import threading
from collections import Counter

import grpc

WORKERS = 4


def main():
    port, stop = int(sys.argv[1]), threading.Event()
    seen, lock = Counter(), threading.Lock()

    def work():
        own = Counter()
        with grpc.insecure_channel(f"127.0.0.1:{port}", options=(("grpc.use_local_subchannel_pool", 1),)) as channel:
            stub = channel.unary_unary("/api.Greeter/SayHello")
            while not stop.is_set():
                try:
                    _, call = stub.with_call(b"", timeout=20)
                    own[dict(call.initial_metadata()).get("x-dubbopy-version", "nobody")] += 1
                except grpc.RpcError as error:
                    own[f"failed: {error.code().name}: {error.details()}"] += 1
                with lock:
                    seen.update(own)
                    own.clear()

    threads = [threading.Thread(target=work) for _ in range(WORKERS)]
    for one in threads:
        one.start()
    for _ in sys.stdin:
        # Each line asks how many calls there were so far.
        with lock:
            print(seen.total(), flush=True)
    stop.set()
    for one in threads:
        one.join()
    print(json.dumps(seen), flush=True)


if __name__ == "__main__":
    main()
