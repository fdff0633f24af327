"""What every metrics backend promises, run against the real server of each kind.

A further kind is one entry in `KINDS`: how to start its server with the shop's history, and how to reach it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import cast

import aiohttp
import pytest

from actors.adapters.meter import Meter
from actors.adapters.observatory.port import MetricsBackend, MetricsCapability
from actors.adapters.observatory.prometheus import PrometheusBackend
from actors.adapters.observatory.promql import Matcher, Query, Selector
from actors.adapters.observatory.registry import METRICS_BACKENDS
from actors.adapters.port import Wiring, require
from actors.platform.telemetry import Telemetry
from schemas.errors import InvalidInput, NotThereYet
from tests.support.prometheus import MeasuredPrometheus, WrittenSeries, measured_prometheus
from tests.support.servers import settings_for
from tests.support.shop_history import HISTORY, ODD_NAME

pytestmark = pytest.mark.integration


@dataclass(frozen=True)
class Kind:
    make: Callable[[Wiring], MetricsBackend]
    server: Callable[[list[WrittenSeries]], AbstractContextManager[MeasuredPrometheus]]
    setting: str


KINDS = {"prometheus": Kind(PrometheusBackend, measured_prometheus, "COPILOT_OBSERVATORY__PROMETHEUS_URL")}


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    return KINDS[cast("str", request.param)]


@pytest.fixture(scope="module")
def server(kind: Kind) -> Iterator[MeasuredPrometheus]:
    with kind.server(HISTORY) as running:
        yield running


@pytest.fixture
async def backend(kind: Kind, server: MeasuredPrometheus, tmp_path: Path) -> AsyncIterator[MetricsBackend]:
    settings = settings_for(tmp_path, **{kind.setting: server.url})
    async with aiohttp.ClientSession() as http:
        yield kind.make(Wiring(settings, http, Meter(Telemetry.silent("contract"))))


def test_every_registered_backend_is_held_to_this_contract() -> None:
    assert {kind.make for kind in KINDS.values()} == set(METRICS_BACKENDS)


async def test_it_is_up_and_says_how_long_that_took(backend: MetricsBackend) -> None:
    state = await backend.state()
    assert (state.name, state.status) == (backend.name, "up")
    assert state.latency_ms is not None
    assert state.latency_ms > 0


async def test_an_instant_query_gives_the_value_at_that_instant(
    backend: MetricsBackend, server: MeasuredPrometheus
) -> None:
    query = Query('sum(http_requests_total{service="orders"})')
    now = await backend.instant(query, server.end)
    before = await backend.instant(query, server.end - timedelta(seconds=600))
    assert now.samples[0].value == pytest.approx(5.0 * 7_200)
    assert before.samples[0].value == pytest.approx(5.0 * 6_600)


async def test_a_range_query_includes_both_ends(backend: MetricsBackend, server: MeasuredPrometheus) -> None:
    reading = await backend.range(Query('http_requests_total{service="orders"}'), server.last(600), 60.0)
    (series,) = reading.series
    assert reading.kind == "matrix"
    assert series.labels["service"] == "orders"
    assert [moment for moment, _ in series.points] == [
        server.end.timestamp() - seconds for seconds in range(600, -1, -60)
    ]
    assert series.points[-1][1] == pytest.approx(5.0 * 7_200)


async def test_nothing_found_is_no_sample_and_no_error(
    backend: MetricsBackend, server: MeasuredPrometheus
) -> None:
    assert (await backend.instant(Query("no_such_metric_total"), server.end)).samples == ()
    assert (await backend.range(Query("no_such_metric_total"), server.last(60), 15)).series == ()
    assert await backend.label_names(server.last(60), Selector("no_such_metric_total")) == ()


@pytest.mark.parametrize("expression", ["0 / 0", "1 / 0", "vector(-1 / 0)"])
async def test_what_json_cannot_carry_is_none_and_counted(
    backend: MetricsBackend, server: MeasuredPrometheus, expression: str
) -> None:
    reading = await backend.instant(Query(expression), server.end)
    assert [sample.value for sample in reading.samples] == [None]
    assert reading.not_finite == 1


async def test_label_names_and_values(backend: MetricsBackend, server: MeasuredPrometheus) -> None:
    over = server.last(3_600)
    assert {"service", "status", "le", "environment"} <= set(await backend.label_names(over))
    assert set(await backend.label_names(over, Selector("http_requests_total"))) == {
        "__name__",
        "service",
        "status",
    }
    assert set(await backend.label_values("service", over)) == {
        "payment", "orders", "inventory", "idle", "ghost", "checkout", ODD_NAME,
    }  # fmt: skip
    assert set(await backend.label_values("service", over, Selector("http_client_requests_total"))) == {
        "checkout", "orders", "inventory",
    }  # fmt: skip


async def test_series_are_label_sets(backend: MetricsBackend, server: MeasuredPrometheus) -> None:
    found = await backend.series(
        Selector("http_requests_total", (Matcher("service", "=", "inventory"),)), server.last(3_600)
    )
    assert sorted(labels["status"] for labels in found) == ["200", "500"]


async def test_types_are_those_of_scraped_metrics(backend: MetricsBackend) -> None:
    """A history that was written has none: then the names must tell."""
    assert await backend.metric_types() == {}


async def test_a_value_full_of_syntax_is_found_literally(
    backend: MetricsBackend, server: MeasuredPrometheus
) -> None:
    selector = Selector("http_requests_total", (Matcher("service", "=", ODD_NAME),))
    reading = await backend.instant(Query(str(selector)), server.end)
    assert {sample.labels["service"] for sample in reading.samples} == {ODD_NAME}


@pytest.mark.parametrize(
    "character", [*"\"\\'`{}#\n\r\t\0\x7f\x85\u2028\ufeff\ufffd\U0001f600"], ids=lambda one: f"U+{ord(one):04X}"
)
async def test_any_character_may_stand_in_a_value(
    backend: MetricsBackend, server: MeasuredPrometheus, character: str
) -> None:
    selector = Selector("up", (Matcher("service", "!=", f"a{character}{character}b"),))
    assert (await backend.instant(Query(f"count({selector})"), server.end)).samples[0].value == 9


async def test_what_only_the_backend_can_refuse_comes_back_in_its_words(
    backend: MetricsBackend, server: MeasuredPrometheus
) -> None:
    # Parses, but joins many to many: known only when it runs.
    query = Query("http_requests_total / on() http_requests_total")
    with pytest.raises(InvalidInput, match="many-to-many matching not allowed"):
        await backend.instant(query, server.end)


async def test_more_points_than_the_limit_are_refused_unasked(
    backend: MetricsBackend, server: MeasuredPrometheus
) -> None:
    with pytest.raises(InvalidInput, match="11,000 are the most"):
        await backend.range(Query("up"), server.last(7_200), 0.5)


def test_an_undeclared_capability_gets_a_clear_answer(kind: Kind, tmp_path: Path) -> None:
    class Lesser:
        name = "lesser"
        capabilities: frozenset[MetricsCapability] = frozenset({"instant"})

    with pytest.raises(NotThereYet, match="'range'; it offers instant"):
        require(cast("MetricsBackend", Lesser()), "range")
