"""Listen on a port of loopback in a cluster's network, and connect to the same port of this network's loopback.

``python -m tests.cluster.harness.relay PID PORT``: PID is a process in the cluster's network.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import socket
import sys

CLONE_NEWNET = 0x40000000


def main(pid: int, port: int) -> None:
    """Relay until killed."""
    libc = ctypes.CDLL(None, use_errno=True)

    def enter(network: int) -> None:
        if libc.setns(network, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")

    # A socket stays in the network it was made in, wherever its process goes.
    here = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    enter(os.open(f"/proc/{pid}/ns/net", os.O_RDONLY))
    listener = socket.create_server(("127.0.0.1", port))
    enter(here)
    asyncio.run(_serve(listener, port))


async def _serve(listener: socket.socket, port: int) -> None:
    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            other_reader, other_writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:  # nobody listens: as there, the connection ends
            writer.transport.abort()
            return
        await asyncio.gather(_pump(reader, other_writer), _pump(other_reader, writer))

    server = await asyncio.start_server(accept, sock=listener)
    await server.serve_forever()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:  # one side went away: so does the other
        pass
    finally:
        writer.close()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
