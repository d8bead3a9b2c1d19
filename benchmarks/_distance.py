"""A proxy that answers later: puts a database on this machine as far away as one in a cloud's network is."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy.engine import make_url

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

_CHUNK = 65_536


@contextmanager
def distant(url: str, round_trip_ms: float) -> Iterator[str]:
    """Give a URL of the same PostgreSQL whose every answer takes so much longer; 0: the URL as it is."""
    if not round_trip_ms:
        yield url
        return
    address = make_url(url)
    host = address.query.get("host") or address.host or "localhost"
    here, there = multiprocessing.Pipe()
    context = multiprocessing.get_context("spawn")
    proxy = context.Process(
        target=_serve, args=(there, str(host), address.port or 5432, round_trip_ms / 2000), daemon=True
    )
    proxy.start()
    port = here.recv()
    try:
        near = address.set(host="127.0.0.1", port=port, query={"sslmode": "disable"})
        yield near.render_as_string(hide_password=False)
    finally:
        proxy.terminate()
        proxy.join()


def _serve(parent: Connection, host: str, port: int, delay: float) -> None:
    asyncio.run(_run(parent, host, port, delay))


async def _run(parent: Connection, host: str, port: int, delay: float) -> None:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if host.startswith("/"):
            far_reader, far_writer = await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        else:
            far_reader, far_writer = await asyncio.open_connection(host, port)
        await asyncio.gather(_carry(reader, far_writer, delay), _carry(far_reader, writer, delay))

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    parent.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float) -> None:
    """Carry bytes one way, each as much later, in their order."""
    loop = asyncio.get_running_loop()
    while chunk := await reader.read(_CHUNK):
        loop.call_later(delay, writer.write, chunk)
    loop.call_later(delay, writer.close)
