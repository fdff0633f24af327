"""Where each interface listens and one example of each, to be copied and run."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import urlsplit

from gateway.cli import show
from schemas.subjects import REPLY, SUBMIT_TURN

QUESTION = "What is the error rate for the payment service in the last hour?"
TOKEN = "copilot token create --user me --role viewer"  # noqa: S105 - how to get one

_WEBSOCKET = """\
import asyncio, aiohttp
async def main():
    async with aiohttp.ClientSession({headers}) as http, http.ws_connect({url!r}) as socket:
        await socket.send_json({frame!r})
        async for frame in socket:
            print(frame.data)
            if frame.json()["type"] in ("MessageComplete", "Error"): break
asyncio.run(main())
"""
_GRPC = """\
import grpc
from schemas import copilot_pb2 as pb, copilot_pb2_grpc as rpc
stub = rpc.CoPilotServiceStub(grpc.insecure_channel({target!r}))
print(stub.SendMessage(pb.MessageRequest(content={question!r}){metadata}).content)
"""
_NATS = """\
import asyncio, json, nats
{imports}async def main():
    bus = await nats.connect({url!r}{login})
    heard = await bus.subscribe('{replies}')
    print((await bus.request({subject!r}, {body!r}, timeout=10{headers})).data.decode())
    async for message in heard.messages:
        print(message.data.decode())
        if json.loads(message.data)["type"] in ("reply.completed", "reply.failed"): break
asyncio.run(main())
"""


def banner(addresses: Mapping[str, str | None], notes: Iterable[str], *, jwt: bool) -> Iterator[str]:
    """Lines for a person; `addresses` and `notes` as in the state file."""
    yield "The copilot is ready."
    yield ""
    yield from (f"  {line}" for line in show.table(("address", ""), addresses.items()))
    yield from (f"  note: {note}" for note in notes)
    for title, command in examples(addresses, jwt=jwt):
        yield ""
        yield f"# {title}"
        yield command


def examples(addresses: Mapping[str, str | None], *, jwt: bool) -> Iterator[tuple[str, str]]:
    """(title, shell command) of each interface."""
    http, grpc, nats = (addresses[name] or "" for name in ("http", "grpc", "nats"))
    body = shlex.quote(json.dumps({"content": QUESTION}))
    header = ' -H "Authorization: Bearer $TOKEN"' if jwt else ""
    curl = f"-H 'Content-Type: application/json'{header} -d {body}"
    if jwt:
        yield "a token first, for all that follows", f"export TOKEN=$({TOKEN})"
    yield "the command line", f"copilot ask {shlex.quote(QUESTION)}" + (' --token "$TOKEN"' if jwt else "")
    yield "REST", f"curl -s {http}/api/v1/messages {curl}"
    yield "server-sent events", f"curl -sN {http}/api/v1/messages -H 'Accept: text/event-stream' {curl}"
    yield "WebSocket", _python(_websocket(http, jwt))
    yield "gRPC", _python(_grpc(grpc, jwt))
    yield "NATS", _python(_nats(nats, jwt))


def _websocket(http: str, jwt: bool) -> str:
    headers = 'headers={"Authorization": "Bearer " + __import__("os").environ["TOKEN"]}' if jwt else ""
    url = f"{'wss' if http.startswith('https') else 'ws'}://{urlsplit(http).netloc}/ws"
    return _WEBSOCKET.format(headers=headers, url=url, frame={"type": "SendMessage", "content": QUESTION})


def _grpc(target: str, jwt: bool) -> str:
    bearer = 'metadata=[("authorization", "Bearer " + __import__("os").environ["TOKEN"])]'
    return _GRPC.format(target=target, question=QUESTION, metadata=f", {bearer}" if jwt else "")


def _nats(url: str, jwt: bool) -> str:
    bearer = '__import__("os").environ["TOKEN"]'
    inbox = f', token={bearer}, inbox_prefix="_INBOX." + owner_token("me")'
    return _NATS.format(
        url=url,
        login=inbox if jwt else "",
        replies=f"{REPLY.type}." + ("' + owner_token('me') + '.>" if jwt else ">"),
        subject=SUBMIT_TURN.subject(),
        body=json.dumps({"content": QUESTION}).encode(),
        headers=f', headers={{"authorization": "Bearer " + {bearer}}}' if jwt else "",
        imports="from schemas.identity import owner_token\n" if jwt else "",
    )


def _python(script: str) -> str:
    return f"{shlex.quote(sys.executable)} - <<'END'\n{script}END"
