"""What the logs and traces have in common: which part of the shop's requests somebody asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from actors.embedded.shop.identity import RequestKey
from actors.embedded.shop.llm import MODEL
from actors.embedded.shop.scenario import SECOND
from actors.embedded.shop.shop import Shop
from actors.embedded.shop.spans import Spans
from actors.embedded.shop.topology import Node

LEVELS = ("info", "warning", "error")
LARGEST_LIMIT = 5000


class InvalidReading(ValueError):
    """The question cannot be answered as it is put; the text says why."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What to read: times in (start, end], microseconds since the Unix epoch, the newest `limit` first."""

    start: int
    end: int
    limit: int
    service: str | None = None
    level: str | None = None
    """The least level of a log record."""
    failed: bool = False
    """Traces: only those in which the service (without one: the entry) failed."""
    least_duration: int = 0
    """Traces: microseconds that the whole took at least."""


def selection(query: Mapping[str, str], shop: Shop, now: int) -> Selection:
    """The selection that a query string asks for; what is not over yet at `now` is left out.

    Raises InvalidReading.
    """
    end = min(_time(query, "end", now), now)
    start = max(_time(query, "start", end - 3600 * SECOND), shop.floor)
    service = query.get("service")
    if service is not None and service not in shop.scenario.own_services:
        raise InvalidReading(f"no service {service!r}; there are {', '.join(shop.scenario.own_services)}")
    level = query.get("level")
    if level is not None and level not in LEVELS:
        raise InvalidReading(f"no level {level!r}; there are {', '.join(LEVELS)}")
    status = query.get("status")
    if status not in {None, "error"}:
        raise InvalidReading("status can only be 'error'")
    least = round(_number(query, "min_duration_ms", 0.0) * 1000)
    return Selection(start, end, _limit(query), service, level, status == "error", least)


def _limit(query: Mapping[str, str]) -> int:
    text = query.get("limit", "100")
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= LARGEST_LIMIT:
        raise InvalidReading(f"limit must be a whole number from 1 to {LARGEST_LIMIT}")
    return int(text)


def _time(query: Mapping[str, str], name: str, default: int) -> int:
    if name not in query:
        return default
    seconds = _number(query, name, 0.0)
    if not 0 <= seconds < 1e11:
        raise InvalidReading(f"{name} must be a time in seconds since the Unix epoch")
    return round(seconds * SECOND)


def _number(query: Mapping[str, str], name: str, default: float) -> float:
    try:
        number = float(query.get(name, default))
    except ValueError:
        raise InvalidReading(f"{name} must be a number") from None
    if not abs(number) < 1e15:  # neither infinite nor "not a number"
        raise InvalidReading(f"{name} must be a number")
    return number


def logged_by(shop: Shop, node: Node) -> str:
    """The service that tells of a call: a call to the model is told of by the one that makes it."""
    if node.service != MODEL or node.parent is None:
        return node.service
    return shop.generator.topology.nodes[node.parent].service


def key_of(shop: Shop, spans: Spans, row: int) -> RequestKey:
    node = shop.generator.topology.nodes[int(spans.node[row])]
    return RequestKey(int(spans.chunk[row]), node.route, int(spans.request[row]))


def rfc3339(time: int) -> str:
    """UTC with microseconds."""
    seconds, micros = divmod(time, SECOND)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{micros:06}Z"
