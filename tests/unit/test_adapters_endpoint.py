"""What becomes of a backend's bad days: each failure is named, in time, without credentials."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from actors.adapters.deadline import ends_in
from actors.adapters.meter import Meter
from actors.adapters.observatory.prometheus import PrometheusBackend
from actors.adapters.observatory.promql import Matcher, Query, Selector
from actors.adapters.port import Wiring
from actors.embedded.ports import free
from actors.platform.telemetry import Telemetry
from schemas.errors import BackendUnavailable, InvalidInput
from schemas.plans import TimeRange
from tests.support.servers import settings_for

END = datetime(2026, 3, 1, tzinfo=UTC)
UP = Query("up")
Answering = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Backend(PrometheusBackend):
    """With its metrics at hand."""

    telemetry: Telemetry

    def counted(self, outcome: str) -> float | None:
        labels = {"backend": "prometheus", "outcome": outcome}
        return self.telemetry.registry.get_sample_value("copilot_backend_requests_total", labels)


@asynccontextmanager
async def reaching(directory: Path, url: str, seconds: float = 5.0) -> AsyncGenerator[Backend]:
    settings = settings_for(
        directory,
        COPILOT_OBSERVATORY__PROMETHEUS_URL=url,
        COPILOT_OBSERVATORY__TIMEOUT_SECONDS=str(seconds),
    )
    telemetry = Telemetry.silent("test")
    async with aiohttp.ClientSession() as http:
        backend = Backend(Wiring(settings, http, Meter(telemetry)))
        backend.telemetry = telemetry
        yield backend


@asynccontextmanager
async def serving(answer: Answering) -> AsyncGenerator[TestServer]:
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    server = TestServer(application, host="127.0.0.1")
    await server.start_server()
    try:
        yield server
    finally:
        await server.close()


@asynccontextmanager
async def answering(directory: Path, answer: Answering, seconds: float = 5.0) -> AsyncGenerator[Backend]:
    async with serving(answer) as server, reaching(directory, str(server.make_url("/")), seconds) as backend:
        yield backend


def saying(status: int, body: object, **headers: str) -> Answering:
    text = body if isinstance(body, str) else json.dumps(body)

    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=status, text=text, headers=headers)

    return answer


def failing(kind: str, message: str) -> dict[str, str]:
    return {"status": "error", "errorType": kind, "error": message}


@pytest.mark.parametrize(
    ("status", "body", "words", "outcome"),
    [
        (500, failing("internal", "disk full"), "status 500: internal: disk full", "failed"),
        (503, failing("timeout", "query timed out"), "status 503: timeout: query timed out", "failed"),
        (502, "<html>bad gateway</html>", "answers with status 502$", "failed"),
        (429, "slow down", "answers with status 429$", "refused"),
        (400, "<html>a proxy's own page</html>", "answers with status 400$", "refused"),
        (401, "", "does not accept the credentials", "refused"),
        (404, "404 page not found", "no query API there", "refused"),
        (302, "", "redirects elsewhere", "failed"),
        (200, "<html>hello</html>", "not Prometheus' API", "ok"),
        (200, {"status": "success", "data": {"resultType": "vector", "result": [{"metric": 5}]}}, "metric", "ok"),
        (200, {"status": "success", "data": {"resultType": "tea", "result": []}}, "data", "ok"),
        (200, '{"status":"success","data":{"resultType":"vec', "not Prometheus' API", "ok"),
    ],
)
async def test_a_backend_that_fails_is_named(
    tmp_path: Path, status: int, body: object, words: str, outcome: str
) -> None:
    headers = {"Location": "http://127.0.0.1:1/"} if status == 302 else {}
    async with answering(tmp_path, saying(status, body, **headers)) as backend:
        with pytest.raises(BackendUnavailable, match=words) as failed:
            await backend.instant(UP, END)
    assert failed.value.detail.startswith("Prometheus at http://127.0.0.1:")
    assert backend.counted(outcome) == 1


@pytest.mark.parametrize("status", [400, 422])
async def test_a_refused_query_keeps_prometheus_words(tmp_path: Path, status: int) -> None:
    body = failing("bad_data", "invalid parameter: why not")
    async with answering(tmp_path, saying(status, body)) as backend:
        with pytest.raises(InvalidInput, match="bad_data: invalid parameter: why not"):
            await backend.instant(UP, END)


async def test_nobody_listens_there(tmp_path: Path) -> None:
    port = free(0)
    async with reaching(tmp_path, f"http://127.0.0.1:{port}") as backend:
        with pytest.raises(BackendUnavailable, match=f"Prometheus at http://127.0.0.1:{port}.*connection refused"):
            await backend.instant(UP, END)
        state = await backend.state()
    assert (state.status, state.latency_ms) == ("down", None)
    assert backend.counted("unreachable") == 2


async def _never(request: web.Request) -> web.Response:
    await asyncio.Event().wait()
    raise AssertionError


async def test_a_slow_backend_is_given_up_after_the_configured_time(tmp_path: Path) -> None:
    async with answering(tmp_path, _never, seconds=0.2) as backend:
        started = time.perf_counter()
        with pytest.raises(BackendUnavailable, match=r"did not answer within 0\.2 s"):
            await backend.instant(UP, END)
        assert time.perf_counter() - started < 1
        assert backend.counted("timeout") == 1


async def test_a_slow_backend_is_named_before_the_action_s_deadline(tmp_path: Path) -> None:
    async with answering(tmp_path, _never) as backend:
        with ends_in(0.3):
            async with asyncio.timeout(0.3):
                with pytest.raises(BackendUnavailable, match="did not answer"):
                    await backend.instant(UP, END)


async def test_an_answer_that_stops_halfway(tmp_path: Path) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b'{"status":')
        assert request.transport is not None
        request.transport.close()
        return response

    async with answering(tmp_path, answer) as backend:
        with pytest.raises(BackendUnavailable, match="closed the connection before its answer was complete"):
            await backend.instant(UP, END)


async def test_an_endless_answer_is_cut_at_the_limit(tmp_path: Path) -> None:
    written = 0

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal written
        response = web.StreamResponse()
        await response.prepare(request)
        while written < 1 << 30:
            await response.write(b"x" * (1 << 20))
            written += 1 << 20
        return response

    async with answering(tmp_path, answer) as backend:
        with pytest.raises(InvalidInput, match="larger than 16 MB"):
            await backend.instant(UP, END)
    assert written < 64 << 20


async def test_credentials_go_into_the_header_and_into_no_message(tmp_path: Path) -> None:
    seen: list[str | None] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(request.headers.get("Authorization"))
        return web.Response(status=500)

    async with serving(answer) as server:
        plain = str(server.make_url("/prefix"))
        url = plain.replace("://", "://reader:s3cret@")
        async with reaching(tmp_path, url) as backend:
            with pytest.raises(BackendUnavailable) as failed:
                await backend.instant(UP, END)
            state = await backend.state()
    assert seen[0] == "Basic " + base64.b64encode(b"reader:s3cret").decode()
    for text in (failed.value.detail, state.message):
        assert plain in text
        assert "s3cret" not in text
        assert "reader" not in text


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "127.0.0.1:9090", "http://", "http://[::1"])
async def test_an_address_that_is_none(tmp_path: Path, url: str) -> None:
    async with reaching(tmp_path, url) as backend:
        with pytest.raises(BackendUnavailable, match="PROMETHEUS_URL is not an http"):
            await backend.instant(UP, END)
        assert (await backend.state()).status == "down"


async def test_no_address_says_how_to_give_one(tmp_path: Path) -> None:
    async with reaching(tmp_path, "") as backend:
        with pytest.raises(BackendUnavailable, match="set COPILOT_OBSERVATORY__PROMETHEUS_URL"):
            await backend.instant(UP, END)
        assert (await backend.state()).status == "not_configured"


async def test_long_queries_go_into_a_form_and_all_parameters_arrive(tmp_path: Path) -> None:
    seen: list[tuple[str, str, dict[str, str]]] = []

    async def answer(request: web.Request) -> web.Response:
        form = {str(key): str(value) for key, value in (await request.post()).items()}
        seen.append((request.method, request.path, {**request.query, **form}))
        return web.json_response({"status": "success", "data": {"resultType": "matrix", "result": []}})

    over = TimeRange(start=END - timedelta(hours=1), end=END)
    short = str(Selector("up", (Matcher("service", "=", 'a+b &c=%"'),)))
    long = str(Selector("up", (Matcher("service", "=", "x" * 5_000),)))
    async with answering(tmp_path, answer) as backend:
        await backend.range(Query(short), over, 15)
        await backend.range(Query(long), over, 15)
    assert [(method, path) for method, path, _ in seen] == [
        ("GET", "/api/v1/query_range"),
        ("POST", "/api/v1/query_range"),
    ]
    assert [parameters["query"] for *_, parameters in seen] == [short, long]
    assert seen[0][2]["start"] == f"{over.start.timestamp():.3f}"
    assert (seen[0][2]["step"], seen[0][2]["timeout"]) == ("15.000", "5s")


async def test_native_histograms_are_left_out_and_said(tmp_path: Path) -> None:
    result = [
        {"metric": {"a": "1"}, "value": [1.0, "2"]},
        {"metric": {"a": "2"}, "histogram": [1.0, {"count": "3", "sum": "4"}]},
    ]
    body = {"status": "success", "warnings": ["partial"], "data": {"resultType": "vector", "result": result}}
    async with answering(tmp_path, saying(200, body)) as backend:
        reading = await backend.instant(UP, END)
    assert [sample.value for sample in reading.samples] == [2.0]
    assert reading.warnings == ("partial", "1 native histograms are left out")


async def test_behind_a_prefix_without_a_ready_page_the_api_answers_for_it(tmp_path: Path) -> None:
    async def answer(request: web.Request) -> web.Response:
        if request.path.endswith("/-/ready"):
            return web.Response(status=404)
        return web.json_response({"status": "success", "data": {"resultType": "scalar", "result": [1, "1"]}})

    async with answering(tmp_path, answer) as backend:
        assert (await backend.state()).status == "up"
    async with answering(tmp_path, saying(503, "Service Unavailable")) as backend:
        state = await backend.state()
    assert state.status == "down"
    assert "not ready" in state.message
