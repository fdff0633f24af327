"""The shop's log records: one for each call handled, and those of deploys, kills and the like."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import merge

import numpy as np
from numpy.typing import NDArray

from actors.embedded.shop.canary import version_of
from actors.embedded.shop.reading import LEVELS, Selection, key_of, logged_by, rfc3339
from actors.embedded.shop.requests import CHUNK
from actors.embedded.shop.scenario import STATUSES
from actors.embedded.shop.shop import Shop
from actors.embedded.shop.spans import Spans
from actors.embedded.shop.timeline import Life

SLOW_QUERY_US = 300_000

Record = dict[str, object]

_EVENTS = {
    "deploy": ("info", "deployed version {version}"),
    "rollback": ("warning", "rolled back to version {version}"),
    "scale": ("info", "scaled to {replicas} replicas"),
    "restart": ("info", "restarted"),
    "oom_kill": ("error", "container killed: out of memory; a new process starts (restart {restarts})"),
}


def logs(shop: Shop, asked: Selection) -> list[Record]:
    """The newest records that fit, newest first, `asked.limit` at most."""
    found: list[Record] = []
    first, last = asked.start // CHUNK, asked.end // CHUNK
    for chunk in range(last, first - 1, -1):
        both = merge(
            _events(shop, asked, chunk),
            _calls(shop, asked, chunk, asked.limit - len(found)),
            key=lambda pair: pair[0],
            reverse=True,
        )
        for _, record in both:
            found.append(record)
            if len(found) == asked.limit:
                return found
    return found


def _bounds(asked: Selection, chunk: int) -> tuple[int, int]:
    return max(asked.start, chunk * CHUNK), min(asked.end, (chunk + 1) * CHUNK)


def _calls(shop: Shop, asked: Selection, chunk: int, limit: int) -> Iterator[tuple[int, Record]]:
    spans = shop.around(chunk)
    low, high = np.searchsorted(spans.end, np.array(_bounds(asked, chunk)), "right")
    spans = spans.where(slice(int(low), int(high)))
    rows = np.flatnonzero(_fits(shop, asked, spans))[-limit:]
    for row in rows[::-1].tolist():
        yield int(spans.end[row]), _call(shop, spans, row)


def _fits(shop: Shop, asked: Selection, spans: Spans) -> NDArray[np.bool_]:
    nodes = shop.generator.topology.nodes
    fits = np.ones(len(spans), np.bool_)
    if asked.service is not None:
        own = [node.number for node in nodes if logged_by(shop, node) == asked.service]
        fits &= np.isin(spans.node, own)
    if asked.level is not None:
        fits &= _levels(shop, spans) >= LEVELS.index(asked.level)
    return fits


def _levels(shop: Shop, spans: Spans) -> NDArray[np.int64]:
    """Places in LEVELS: failures are errors, what the caller did wrong and slow queries are warnings."""
    nodes = shop.generator.topology.nodes
    queries = np.array([bool(shop.scenario.services[node.service].query) for node in nodes])
    status = np.array(STATUSES)[spans.status]
    warning = (status >= 400) | (queries[spans.node] & (spans.own >= SLOW_QUERY_US))
    return np.where(status >= 500, 2, np.where(warning, 1, 0))


def _call(shop: Shop, spans: Spans, row: int) -> Record:
    node = shop.generator.topology.nodes[int(spans.node[row])]
    key = key_of(shop, spans, row)
    end = int(spans.end[row])
    service = logged_by(shop, node)
    level = LEVELS[int(_levels(shop, spans.where(slice(row, row + 1)))[0])]
    return {
        "time": rfc3339(end),
        "time_unix_us": end,
        "level": level,
        "service": service,
        "message": _message(shop, spans, row),
        "trace_id": key.trace_id,
        "span_id": key.span_id(node.number),
        "method": node.method,
        "route": node.path,
        "status": STATUSES[int(spans.status[row])],
        "duration_ms": (end - int(spans.start[row])) / 1000,
        "version": version_of(shop.life(service, int(spans.start[row])), spans, row),
    }


def _message(shop: Shop, spans: Spans, row: int) -> str:
    nodes = shop.generator.topology.nodes
    node = nodes[int(spans.node[row])]
    spec = shop.scenario.services[node.service]
    status = STATUSES[int(spans.status[row])]
    blame = int(spans.blame[row])
    if blame >= 0:
        return (
            f"call to {nodes[blame].service} failed: {nodes[blame].method} {nodes[blame].path}, answering {status}"
        )
    if status < 400 and spec.query and spans.own[row] >= SLOW_QUERY_US:
        return f"slow query, {int(spans.own[row]) // 1000} ms: {spec.query}"
    return spec.messages.get(str(status), f"answered {status}")


def _events(shop: Shop, asked: Selection, chunk: int) -> Iterator[tuple[int, Record]]:
    low, high = _bounds(asked, chunk)
    services = shop.scenario.own_services if asked.service is None else (asked.service,)
    found = [
        (life.at, service, life)
        for service in services
        for life in shop.line(service, high).between(low + 1, high + 1)
    ]
    for at, service, life in sorted(found, key=lambda each: each[0], reverse=True):
        record = _event(service, life)
        if asked.level is None or LEVELS.index(str(record["level"])) >= LEVELS.index(asked.level):
            yield at, record


def _event(service: str, life: Life) -> Record:
    level, text = _EVENTS[life.event]
    if life.event == "deploy" and life.canary is not None:
        text = f"deployed version {life.canary.version} for {life.canary.share:.3g} of the requests"
    message = text.format(version=life.version, replicas=life.replicas, restarts=life.restarts)
    return {
        "time": rfc3339(life.at),
        "time_unix_us": life.at,
        "level": level,
        "service": service,
        "message": message,
        "event": life.event,
        "by": life.by,
        "version": life.version,
    }
