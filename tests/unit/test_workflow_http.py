"""core.http: what it says, what it makes of answers, and where it does not go whatever it is told."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from actors.workflow.actions.addresses import Allowed, is_open
from actors.workflow.actions.http import HttpAction
from actors.workflow.actions.port import Call
from schemas.errors import BackendUnavailable, CopilotError, DeadlineExceeded, Forbidden, InvalidInput, RateLimited
from schemas.identity import LOCAL_ADMINISTRATOR

KEY = "o.1:step::do"


class Far:
    """A server that answers as it is told and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []
        self.never = asyncio.Event()
        app = web.Application(client_max_size=1 << 20)
        app.router.add_route("*", "/{name:.*}", self.answer)
        self.server = TestServer(app)

    @property
    def port(self) -> int:
        return self.server.port or 0

    async def answer(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.asked.append((request.method, request.path_qs, headers, await request.read()))
        name = request.match_info["name"]
        if name.startswith("status/"):
            return web.Response(status=int(name[7:]), headers={"Retry-After": "7"})
        if name.startswith("to/"):
            return web.Response(status=int(request.query["status"]), headers={"Location": request.query["to"]})
        if name == "never":
            await self.never.wait()
        if name == "big":
            return web.Response(body=b"x" * 300_000)
        if name == "liar":
            return web.Response(body=b"<html>", content_type="application/json")
        if name == "headers":
            return web.Response(headers=[("X-A", "1"), ("X-A", "2")], text="é", charset="latin-1")
        return web.json_response({"ok": True})

    def url(self, path: str = "") -> str:
        return f"http://127.0.0.1:{self.port}/{path}"


@pytest.fixture
async def far() -> AsyncIterator[Far]:
    found = Far()
    await found.server.start_server()
    try:
        yield found
    finally:
        found.never.set()
        await found.server.close()


async def ask(allow: tuple[str, ...], seconds: float = 5.0, **asked: Any) -> Any:
    action = HttpAction(allow, 30.0)
    try:
        return await action.run(Call(LOCAL_ADMINISTRATOR, "o.1", "step", "", asked, KEY, 1, seconds=seconds))
    finally:
        await action.close()


async def test_json_is_sent_and_taken(far: Far) -> None:
    given = {"url": far.url("x"), "method": "POST", "query": {"a": 1, "b": True}, "json": {"n": [1]}}
    answer = await ask(("127.0.0.1",), **given)
    assert (answer["status"], answer["body"], answer["truncated"]) == (200, {"ok": True}, False)
    method, path, headers, body = far.asked[0]
    assert (method, path, body) == ("POST", "/x?a=1&b=true", b'{"n": [1]}')
    assert headers["content-type"] == "application/json"
    assert headers["idempotency-key"] == KEY


async def test_texts_headers_and_what_only_calls_itself_json(far: Far) -> None:
    answer = await ask(("127.0.0.1",), url=far.url("headers"), headers={"X-Own": "me"})
    assert (answer["body"], answer["headers"]["x-a"]) == ("é", "1, 2")
    assert far.asked[0][2]["x-own"] == "me"
    assert "idempotency-key" not in far.asked[0][2]
    assert (await ask(("127.0.0.1",), url=far.url("liar")))["body"] == "<html>"


async def test_a_large_answer_is_cut_and_said(far: Far) -> None:
    answer = await ask(("127.0.0.1",), url=far.url("big"))
    assert (len(answer["body"]), answer["truncated"]) == (256 << 10, True)


@pytest.mark.parametrize(
    ("path", "error", "after"),
    [
        ("status/404", InvalidInput, None),
        ("status/500", InvalidInput, None),
        ("status/503", BackendUnavailable, 7.0),
        ("status/429", RateLimited, 7.0),
    ],
)
async def test_statuses_that_are_failures(
    far: Far, path: str, error: type[CopilotError], after: float | None
) -> None:
    with pytest.raises(error, match=path[7:]) as found:
        await ask(("127.0.0.1",), url=far.url(path + "?token=secret"))
    assert found.value.after == after
    assert "secret" not in found.value.detail


async def test_a_status_that_is_expected_is_none(far: Far) -> None:
    assert (await ask(("127.0.0.1",), url=far.url("status/404"), expect=[404, 200]))["status"] == 404
    with pytest.raises(InvalidInput, match="answered 200"):
        await ask(("127.0.0.1",), url=far.url(), expect=[204])


async def test_no_answer_in_time_may_have_happened(far: Far) -> None:
    with pytest.raises(DeadlineExceeded, match=r"within 0\.05 s"):
        await ask(("127.0.0.1",), 0.05, url=far.url("never"), method="POST")


async def test_nobody_there_may_work_later(far: Far) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        with pytest.raises(BackendUnavailable, match="cannot be reached"):
            await ask(("127.0.0.1",), url=f"http://127.0.0.1:{free.getsockname()[1]}/")


@pytest.mark.parametrize(
    ("status", "method", "becomes"),
    [(301, "POST", "GET"), (302, "POST", "GET"), (303, "PUT", "GET"), (307, "POST", "POST"), (308, "PUT", "PUT")],
)
async def test_redirects_change_the_method_as_browsers_do(
    far: Far, status: int, method: str, becomes: str
) -> None:
    url = far.url(f"to/?status={status}&to=/end")
    answer = await ask(("127.0.0.1",), url=url, method=method, body="hello")
    assert answer["url"] == far.url("end")
    assert [(asked[0], asked[3]) for asked in far.asked] == [
        (method, b"hello"),
        (becomes, b"" if becomes == "GET" else b"hello"),
    ]


async def test_secrets_do_not_follow_to_another_origin(far: Far) -> None:
    other = Far()
    await other.server.start_server()
    try:
        there = f"http://localhost:{other.port}/end"
        await ask(
            ("127.0.0.1", "localhost"),
            url=far.url(f"to/?status=302&to={there}"),
            headers={"Authorization": "Bearer x", "Cookie": "a=b", "X-Other": "stays"},
        )
        assert far.asked[0][2]["authorization"] == "Bearer x"
        seen = other.asked[0][2]
        assert ("authorization" in seen, "cookie" in seen, seen["x-other"]) == (False, False, "stays")
    finally:
        await other.server.close()


async def test_redirects_end_and_are_not_followed_where_that_is_asked(far: Far) -> None:
    loop = far.url("to/?status=302&to=/to/%3Fstatus%3D302%26to%3D/")
    with pytest.raises(InvalidInput, match="more than 1 redirects"):
        await ask(("127.0.0.1",), url=loop, redirects=1)
    assert (await ask(("127.0.0.1",), url=loop, redirects=0, expect=[302]))["status"] == 302


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0x7f.1", "017700000001", "0", "0.0.0.0", "127.0.0.1.",
        "localhost", "LOCALHOST", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]",
        "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "169.254.169.254", "[fe80::1]", "[fd00:ec2::254]", "10.0.0.1",
        "100.100.100.200", "168.63.129.16", "224.0.0.1", "[ff02::1]", "255.255.255.255", "192.168.1.1",
    ],
)  # fmt: skip
async def test_no_way_leads_inside(far: Far, host: str) -> None:
    with pytest.raises((Forbidden, InvalidInput)):
        await ask((), url=f"http://{host}:{far.port}/")
    assert far.asked == []


async def test_a_redirect_does_not_lead_inside_either(far: Far) -> None:
    with pytest.raises(Forbidden, match=r"127\.0\.0\.2"):
        await ask(("127.0.0.1",), url=far.url(f"to/?status=302&to=http://127.0.0.2:{far.port}/secret"))
    assert len(far.asked) == 1


@pytest.mark.parametrize("target", ["file:///etc/passwd", "gopher://127.0.0.1/", "ftp://x.test/", "//[::1", "x"])
async def test_other_schemes_are_not_asked(target: str) -> None:
    with pytest.raises(InvalidInput):
        await ask((), url=target)


async def test_a_name_is_resolved_once_and_that_address_is_used(far: Far, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server of names that answers differently the second time gains nothing: there is no second time."""
    answers = ["127.0.0.1", "127.0.0.9"]
    looked_up: list[str] = []

    async def getaddrinfo(host: str, port: int, **_: Any) -> list[Any]:
        looked_up.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (answers.pop(0), port))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    answer = await ask((f"127.0.0.1:{far.port}",), url=f"http://rebind.test:{far.port}/")
    assert (answer["status"], looked_up) == (200, ["rebind.test"])
    with pytest.raises(Forbidden, match=r"rebind\.test \(127\.0\.0\.9\)"):
        await ask((f"127.0.0.1:{far.port}",), url=f"http://rebind.test:{far.port}/")


async def test_one_inner_address_among_outer_ones_refuses_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    async def getaddrinfo(host: str, port: int, **_: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in ("8.8.8.8", "10.0.0.1")]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    with pytest.raises(Forbidden, match=r"two\.test"):
        await ask((), url="http://two.test/")


@pytest.mark.parametrize(
    ("entry", "address", "port", "expected"),
    [
        ("10.1.0.0/16", "10.1.2.3", 80, True),
        ("10.1.0.0/16", "10.2.2.3", 80, False),
        ("127.0.0.1:9090", "127.0.0.1", 9090, True),
        ("127.0.0.1:9090", "127.0.0.1", 9091, False),
        ("[::1]:8080", "::1", 8080, True),
        ("fd00::/8", "fd12::1", 1, True),
        ("0.0.0.0/0", "::1", 1, False),
    ],
)
def test_what_the_configuration_lists(entry: str, address: str, port: int, expected: bool) -> None:
    assert Allowed.of((entry,)).address(ipaddress.ip_address(address), port) is expected


@pytest.mark.parametrize("entry", ["", "10.0.0.0/33", "host/8", "host:port"])
def test_an_entry_that_is_none_is_refused_at_the_start(entry: str) -> None:
    with pytest.raises(ValueError, match=r"is no|invalid literal"):
        HttpAction((entry,), 1.0)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "64:ff9b::808:808", "2002:808:808::1"]
)
def test_the_open_internet_is_open(address: str) -> None:
    assert is_open(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"url": "http://u:p@x.test/"}, "credentials belong into a header"),
        ({"headers": {"Host": "inside"}}, "not for a step to set"),
        ({"headers": {"X": "a\r\nEvil: 1"}}, "pattern"),
        ({"method": "GET", "body": "x"}, "GET has no body"),
        ({"method": "POST", "body": "x", "json": 1}, "either json or body"),
        ({"method": "TRACE"}, "Input should be"),
        ({"colour": "red"}, "Extra inputs"),
    ],
)
async def test_what_cannot_be_asked(asked: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        await ask((), **{"url": "http://x.test/", **asked})
