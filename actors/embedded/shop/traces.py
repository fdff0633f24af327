"""The shop's traces: for each request the tree of its calls, with OpenTelemetry's attributes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from actors.embedded.shop import ENVIRONMENT
from actors.embedded.shop.canary import version_of
from actors.embedded.shop.identity import RequestKey
from actors.embedded.shop.llm import MODEL, NANO, usage
from actors.embedded.shop.reading import Selection, key_of, logged_by, rfc3339
from actors.embedded.shop.requests import CHUNK
from actors.embedded.shop.scenario import STATUSES, ServiceSpec
from actors.embedded.shop.shop import Shop
from actors.embedded.shop.spans import Spans
from actors.embedded.shop.topology import Node

Trace = dict[str, object]
Span = dict[str, object]

DATABASE_NODE = 1000
"""Added to a node's number for the span of its database query."""


def traces(shop: Shop, asked: Selection) -> list[Trace]:
    """The traces that began in the selection and are complete by its end, newest first."""
    found: list[Trace] = []
    for chunk in range(asked.end // CHUNK, asked.start // CHUNK - 1, -1):
        spans = shop.arrivals(chunk)
        roots = _roots(shop, asked, spans)
        for root in roots[np.argsort(-spans.start[roots], kind="stable")].tolist():
            found.append(_trace(shop, spans, key_of(shop, spans, root)))
            if len(found) == asked.limit:
                return found
    return found


def trace(shop: Shop, trace_id: str, now: int) -> Trace | None:
    """The trace with this id, if the shop has had such a request and it is over by `now`."""
    key = RequestKey.of_trace(trace_id)
    if key is None or not shop.floor <= key.chunk * CHUNK <= now:
        return None
    spans = shop.arrivals(key.chunk)
    rows = _rows(shop, spans, key)
    if not len(rows) or int(spans.end[rows].max()) > now:
        return None
    return _trace(shop, spans, key)


def _roots(shop: Shop, asked: Selection, spans: Spans) -> NDArray[np.intp]:
    entries = [route.entry for route in shop.generator.topology.routes]
    fits = np.isin(spans.node, entries)
    fits &= (spans.start > asked.start) & (spans.end <= asked.end)
    fits &= spans.end - spans.start >= asked.least_duration
    failed = np.array(STATUSES)[spans.status] >= 500
    if asked.service is not None:
        nodes = shop.generator.topology.nodes
        own = np.isin(spans.node, [node.number for node in nodes if logged_by(shop, node) == asked.service])
        wanted = own & failed if asked.failed else own
        fits &= np.isin(_request_numbers(shop, spans), _request_numbers(shop, spans.where(wanted)))
    elif asked.failed:
        fits &= failed
    return np.flatnonzero(fits)


def _request_numbers(shop: Shop, spans: Spans) -> NDArray[np.int64]:
    """A number per request of a chunk that its spans share."""
    route = np.array([node.route for node in shop.generator.topology.nodes], np.int64)
    return spans.request * len(shop.generator.topology.routes) + route[spans.node]


def _rows(shop: Shop, spans: Spans, key: RequestKey) -> NDArray[np.intp]:
    routes = shop.generator.topology.routes
    if key.route >= len(routes):
        return np.zeros(0, np.intp)
    route = routes[key.route]
    inside = (spans.node >= route.nodes[0]) & (spans.node <= route.nodes[-1])
    return np.flatnonzero(inside & (spans.request == key.request))


def _trace(shop: Shop, spans: Spans, key: RequestKey) -> Trace:
    rows = _rows(shop, spans, key)
    own = spans.where(rows[np.argsort(spans.node[rows], kind="stable")])
    start, end = int(own.start[0]), int(own.end[0])
    return {
        "trace_id": key.trace_id,
        "start": rfc3339(start),
        "start_unix_us": start,
        "duration_ms": (end - start) / 1000,
        "status": STATUSES[int(own.status[0])],
        "spans": [span for row in range(len(own)) for span in _spans(shop, own, row, key)],
    }


def _spans(shop: Shop, spans: Spans, row: int, key: RequestKey) -> Iterator[Span]:
    node = shop.generator.topology.nodes[int(spans.node[row])]
    spec = shop.scenario.services[node.service]
    service, start = logged_by(shop, node), int(spans.start[row])
    status = STATUSES[int(spans.status[row])]
    attributes: dict[str, object] = {
        "service.version": version_of(shop.life(service, start), spans, row),
        "deployment.environment.name": ENVIRONMENT,
    }
    if node.service == MODEL:
        attributes |= _model_attributes(shop, spans.where(slice(row, row + 1)))
    else:
        attributes |= {"http.request.method": node.method, "http.route": node.path}
    attributes["http.response.status_code"] = status
    yield {
        "span_id": key.span_id(node.number),
        "parent_span_id": None if node.parent is None else key.span_id(node.parent),
        "service": service,
        "operation": _operation(shop, node),
        "kind": "client" if node.service == MODEL else "server",
        "start_unix_us": start,
        "duration_us": int(spans.end[row]) - start,
        "status": "error" if status >= 500 or (status >= 400 and node.service == MODEL) else "ok",
        "attributes": attributes,
    }
    if spec.query:
        yield _query(spec, service, key, node, start, int(spans.own[row]), status)


def _operation(shop: Shop, node: Node) -> str:
    return f"chat {shop.scenario.llm.model}" if node.service == MODEL else f"{node.method} {node.path}"


def _model_attributes(shop: Shop, call: Spans) -> dict[str, object]:
    prices = shop.scenario.llm
    used = usage(prices, call)
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": prices.provider,
        "gen_ai.request.model": prices.model,
        "gen_ai.usage.input_tokens": int(used.input_tokens[0]),
        "gen_ai.usage.output_tokens": int(used.output_tokens[0]),
        "llm.cost.total_usd": int(used.cost_nano_usd[0]) / NANO,
    }


def _query(
    spec: ServiceSpec, service: str, key: RequestKey, node: Node, start: int, own: int, status: int
) -> Span:
    """The database's part of a call: it fills the share of the time that holds a connection."""
    took = int(own * spec.pool_share)
    return {
        "span_id": key.span_id(node.number + DATABASE_NODE),
        "parent_span_id": key.span_id(node.number),
        "service": service,
        "operation": spec.query.split(" ", 1)[0],
        "kind": "client",
        "start_unix_us": start + (own - took) // 2,
        "duration_us": took,
        "status": "error" if status >= 500 else "ok",
        "attributes": {"db.system.name": "postgresql", "db.query.text": spec.query},
    }
