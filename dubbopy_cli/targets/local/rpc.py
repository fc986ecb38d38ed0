"""supervisord's XML-RPC interface over its Unix socket."""

from __future__ import annotations

import http.client
import socket
import xmlrpc.client
from pathlib import Path
from typing import Any

from dubbopy_cli.errors import DubbopyError

TIMEOUT_SECONDS = 10.0


class RpcError(DubbopyError):
    """Report that supervisord does not answer."""

    def __init__(self, text: str) -> None:
        super().__init__("mesh-failed", text, hint="dubbopy-cli local start")


class FaultError(DubbopyError):
    """Report that supervisord refused a call; ``fault`` is one of supervisor.xmlrpc.Faults."""

    def __init__(self, method: str, fault: int, text: str) -> None:
        super().__init__("mesh-failed", f"supervisord refused {method}: {text}", hint="dubbopy-cli doctor")
        self.fault = fault


class Client:
    """Call ``supervisor.*`` methods of the supervisord behind ``path``."""

    def __init__(self, path: Path, timeout: float = TIMEOUT_SECONDS) -> None:
        self._path = path
        self._timeout = timeout

    def call(self, method: str, *arguments: object) -> Any:  # noqa: ANN401 - what the method answers
        """Return the answer of ``supervisor.METHOD``; RpcError when nobody answers, FaultError when it refuses."""
        transport = _Transport(self._path, self._timeout)
        proxy = xmlrpc.client.ServerProxy("http://localhost", transport=transport)
        try:
            return getattr(proxy.supervisor, method)(*arguments)
        except xmlrpc.client.Fault as fault:
            raise FaultError(method, fault.faultCode, fault.faultString) from fault
        except (OSError, http.client.HTTPException, xmlrpc.client.Error) as error:
            raise RpcError(f"supervisord does not answer on {self._path}: {error}") from error
        finally:
            transport.close()


class _Transport(xmlrpc.client.Transport):
    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__()
        self._path = path
        self._timeout = timeout

    def make_connection(self, host: object) -> http.client.HTTPConnection:
        del host
        return _Connection(self._path, self._timeout)


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        try:
            self.sock.connect(str(self._path))
        except OSError:
            self.sock.close()
            raise
