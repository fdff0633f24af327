"""The floor under a turn: aiohttp → NATS → an actor → NATS → aiohttp, with pydantic at each end and nothing else.

Two processes, as in the copilot: a gateway that turns a POST into a NATS request, and an actor that answers it.

    python -m tests.load.echo gateway|actor NATS_URL [PORT_FILE]
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nats
import uvloop
from aiohttp import web
from nats.aio.msg import Msg
from pydantic import BaseModel

SUBJECT = "load.echo"
START_SECONDS = 20.0


class Said(BaseModel):
    content: str
    session_id: str | None = None
    as_of: str | None = None


class Echoed(BaseModel):
    content: str


async def actor(url: str) -> None:
    client = await nats.connect(url)

    async def answer(message: Msg) -> None:
        said = Said.model_validate_json(message.data)
        await message.respond(Echoed(content=said.content).model_dump_json().encode())

    await client.subscribe(SUBJECT, queue="echo", cb=answer)
    await asyncio.Event().wait()


async def gateway(url: str, port_file: Path) -> None:
    client = await nats.connect(url)

    async def post(request: web.Request) -> web.Response:
        said = Said.model_validate_json(await request.read())
        answered = await client.request(SUBJECT, said.model_dump_json().encode(), timeout=10)
        echoed = Echoed.model_validate_json(answered.data)
        return web.Response(body=echoed.model_dump_json().encode(), content_type="application/json")

    app = web.Application()
    app.router.add_post("/api/v1/messages", post)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    await asyncio.to_thread(port_file.write_text, str(runner.addresses[0][1]), encoding="utf-8")
    await asyncio.Event().wait()


@contextmanager
def running_echo(nats_url: str) -> Iterator[str]:
    """The base URL of an echo on this NATS server; both processes end with the block."""
    with tempfile.TemporaryDirectory() as folder:
        port_file = Path(folder) / "port"
        processes = [_start("actor", nats_url), _start("gateway", nats_url, str(port_file))]
        try:
            deadline = time.monotonic() + START_SECONDS
            while not port_file.exists() or not port_file.read_text():
                assert time.monotonic() < deadline, "the echo does not start"
                time.sleep(0.05)
            yield f"http://127.0.0.1:{port_file.read_text()}"
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait(10)


def _start(*arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "tests.load.echo", *arguments], env=dict(os.environ))


if __name__ == "__main__":
    part, server, *rest = sys.argv[1:]
    uvloop.run(actor(server) if part == "actor" else gateway(server, Path(rest[0])))
