"""A way to an apiserver that a test can close: a TCP server of loopback that passes on what it gets, TLS and all."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from tests.cluster.harness.cluster import Cluster

_PIECE = 1 << 16


class Detour:
    """A way that is open until it is closed; `close` refuses what comes and ends what is under way, `open` ends that."""

    def __init__(self, host: str, port: int) -> None:
        self._there = host, port
        self._ways: list[socket.socket] = []
        self._closed = False
        self._guard = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._serve()

    def close(self) -> None:
        """Be an apiserver that is gone."""
        # Whoever waits in accept() is woken by a shutdown, not by a close.
        _end(self._listener)
        self._listener.close()
        with self._guard:
            self._closed = True
            for way in self._ways:
                _end(way)
            self._ways.clear()

    def open(self) -> None:
        """Be there again, at the same port."""
        self._closed = False
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._serve()

    def _serve(self) -> None:
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                here, _ = listener.accept()
                there = socket.create_connection(self._there)
                with self._guard:
                    self._ways += [here, there]
                    if self._closed:
                        _end(here)
                for one, other in ((here, there), (there, here)):
                    threading.Thread(target=_pass, args=(one, other), daemon=True).start()


def _pass(one: socket.socket, other: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := one.recv(_PIECE):
            other.sendall(piece)
    _end(other)


def _end(way: socket.socket) -> None:
    with contextlib.suppress(OSError):
        way.shutdown(socket.SHUT_RDWR)


@contextmanager
def detour(cluster: Cluster, kubeconfig: Path) -> Iterator[Detour]:
    """Yield a way to the cluster's apiserver, and write a kubeconfig that goes it."""
    config = json.loads(cluster.kube("config", "view", "--raw", "--minify", "--output", "json"))
    (place,) = config["clusters"]
    address = urlsplit(place["cluster"]["server"])
    way = Detour(str(address.hostname), address.port or 443)
    place["cluster"] |= {"server": f"https://127.0.0.1:{way.port}", "tls-server-name": address.hostname}
    kubeconfig.write_text(json.dumps(config))
    try:
        yield way
    finally:
        way.close()
