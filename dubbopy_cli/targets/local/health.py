"""The gRPC health service of an instance, asked without generated code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

from dubbopy_cli.targets.local.ports import LOOPBACK

_CHECK = "/grpc.health.v1.Health/Check"
# HealthCheckResponse{status: SERVING} and an empty HealthCheckRequest on the wire.
_SERVING = b"\x08\x01"
_EVERYTHING = b""
ASK_SECONDS = 1.0


def trouble(port: int, timeout: float = ASK_SECONDS) -> str:
    """Return why the server on ``port`` is not SERVING, or an empty text if it is."""
    import grpc

    # Without its own pool a later channel would inherit the back-off of an earlier refused connection.
    options = (("grpc.use_local_subchannel_pool", 1), ("grpc.enable_http_proxy", 0))
    with grpc.insecure_channel(f"{LOOPBACK}:{port}", options=options) as channel:
        try:
            answer = channel.unary_unary(_CHECK)(_EVERYTHING, timeout=timeout)
        except grpc.RpcError as error:
            if error.code() is grpc.StatusCode.UNIMPLEMENTED:
                return "it does not offer grpc.health.v1.Health"
            return f"{error.code().name}: {error.details()}"
    return "" if answer == _SERVING else "it answers that it is not SERVING"


def troubles(ports: Iterable[int], timeout: float = ASK_SECONDS) -> Mapping[int, str]:
    """Return ``trouble`` of every port, all asked at the same time."""
    ports = list(ports)
    if not ports:
        return {}
    with ThreadPoolExecutor(min(len(ports), 16)) as pool:
        return dict(zip(ports, pool.map(lambda port: trouble(port, timeout), ports), strict=True))
