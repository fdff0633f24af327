"""The shop's series under their Prometheus names, as text for a scrape and as OpenMetrics for a back-fill."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from actors.embedded.shop.cells import Cells, Counts, bounds_of, bucket_cell, edge_cell, request_cell
from actors.embedded.shop.gauges import Gauges
from actors.embedded.shop.llm import MODEL, NANO
from actors.embedded.shop.scenario import SECOND, Scenario
from actors.embedded.shop.topology import Node, Topology

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Values = Sequence[int] | Sequence[float] | Sequence[int | None] | Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Sample:
    """One series: the name's suffix, its labels, one value per time (None where it does not exist)."""

    labels: Mapping[str, str]
    values: Values
    suffix: str = ""


@dataclass(frozen=True, slots=True)
class Family:
    name: str
    kind: str
    text: str
    samples: Sequence[Sample]


class Catalogue:
    """Which series a service has and where their values come from."""

    def __init__(self, scenario: Scenario, topology: Topology, cells: Cells) -> None:
        self._scenario = scenario
        self._topology = topology
        self._cells = cells

    def families(self, service: str, counts: Counts, levels: Gauges) -> list[Family]:
        """Every series of `service`; rows of `counts` and elements of `levels` are times."""
        column = _Columns(self._cells, counts)
        found = [
            self._requests(service, column),
            _histogram("http_request_duration_seconds", "Time to answer a request.", service, {}, column),
            self._edges(service, column),
            *_process(levels, column.of(f"{service} cpu")),
            *(self._pool(levels) if self._scenario.services[service].pool else ()),
        ]
        if MODEL in self._topology.callees(service):
            found += self._model(column)
        return [family for family in found if family.samples]

    def _requests(self, service: str, column: _Columns) -> Family:
        operations = {node.operation: node for node in self._topology.nodes if node.service == service}
        samples = [
            Sample(
                {"method": node.method, "route": node.path, "status": str(status)},
                column.of(request_cell(node, status)),
            )
            for node in operations.values()
            for status in node.statuses
        ]
        return Family("http_requests_total", "counter", "Requests answered.", samples)

    def _edges(self, service: str, column: _Columns) -> Family:
        found: dict[tuple[str, int], Sample] = {}
        for node in self._called_by(service):
            for status in node.statuses:
                cell = edge_cell(service, node.service, status)
                labels = {"target": node.service, "status": str(status)}
                found.setdefault((node.service, status), Sample(labels, column.of(cell)))
        text = "Calls made to other services, by what they answered."
        return Family("http_client_requests_total", "counter", text, list(found.values()))

    def _called_by(self, service: str) -> Iterator[Node]:
        nodes = self._topology.nodes
        return (nodes[child] for node in nodes if node.service == service for child in node.children)

    def _pool(self, levels: Gauges) -> list[Family]:
        return [
            _single("db_pool_connections_in_use", "gauge", "Database connections held.", levels.pool_in_use),
            _single("db_pool_connections_max", "gauge", "Database connections there may be.", levels.pool_max),
        ]

    def _model(self, column: _Columns) -> list[Family]:
        prices = self._scenario.llm
        labels = {"provider": prices.provider, "model": prices.model}
        node = next(node for node in self._topology.nodes if node.service == MODEL)
        requests = [
            Sample({**labels, "status": str(status)}, column.of(request_cell(node, status)))
            for status in node.statuses
        ]
        tokens = [
            Sample({**labels, "token_type": kind}, column.of(f"{MODEL} {cell}"))
            for kind, cell in (("prompt", "input"), ("completion", "output"))
        ]
        cost = Sample(labels, column.of(f"{MODEL} cost", NANO))
        return [
            Family("llm_requests_total", "counter", "Calls to the language model.", requests),
            Family("llm_tokens_total", "counter", "Tokens sent to and received from the model.", tokens),
            Family("llm_cost_usd_total", "counter", "What the calls have cost, in US dollars.", [cost]),
            _histogram("llm_duration_seconds", "Time for the model to answer.", MODEL, labels, column),
        ]


class _Columns:
    def __init__(self, cells: Cells, counts: Counts) -> None:
        self._cells = cells
        self._counts = counts

    def of(self, cell: str, unit: int = 1) -> list[int] | list[float]:
        """The values of a cell at each time, divided by `unit` where it is not 1."""
        column = self._counts[:, self._cells.place[cell]]
        return column.tolist() if unit == 1 else (column / unit).tolist()

    def buckets(self, service: str, count: int) -> list[list[int]]:
        """For each bound the values of those not above it."""
        first = self._cells.place[bucket_cell(service, 0)]
        return self._counts[:, first : first + count].cumsum(axis=1).T.tolist()


def _histogram(name: str, text: str, service: str, labels: Mapping[str, str], column: _Columns) -> Family:
    bounds = [*map(str, bounds_of(service)), "+Inf"]
    buckets = column.buckets(service, len(bounds))
    samples = [
        Sample({**labels, "le": bound}, values, "_bucket") for bound, values in zip(bounds, buckets, strict=True)
    ]
    samples.append(Sample(labels, column.of(f"{service} duration", SECOND), "_sum"))
    samples.append(Sample(labels, buckets[-1], "_count"))
    return Family(name, "histogram", text, samples)


def _process(levels: Gauges, busy_us: Sequence[float]) -> list[Family]:
    cpu = [(busy + idle) / SECOND for busy, idle in zip(busy_us, levels.idle_cpu_us, strict=True)]
    known = dict.fromkeys(version for shares in levels.versions for version in shares)
    running = [
        Sample({"version": version}, [1 if version in each else None for each in levels.versions])
        for version in known
    ]
    shares = [Sample({"version": version}, [each.get(version) for each in levels.versions]) for version in known]
    return [
        _single("process_cpu_seconds_total", "counter", "Processor time of all replicas.", cpu),
        _single("process_resident_memory_bytes", "gauge", "Memory of the fullest replica.", levels.memory_bytes),
        _single("process_start_time_seconds", "gauge", "When the processes started.", levels.started_at),
        _single(
            "container_spec_memory_limit_bytes", "gauge", "Memory a replica may use.", levels.memory_limit_bytes
        ),
        _single(
            "container_cpu_limit_cores", "gauge", "Processors that all replicas may use.", levels.cpu_limit_cores
        ),
        _single("http_request_queue_depth", "gauge", "Requests waiting for a worker or a pool.", levels.queued),
        _single("service_replicas", "gauge", "Replicas that run.", levels.replicas),
        _single("service_restarts_total", "counter", "Restarts of processes, kills included.", levels.restarts),
        _single("service_deploy_timestamp_seconds", "gauge", "Last deploy or rollback.", levels.deployed_at),
        Family("service_build_info", "gauge", "1, with the version that runs.", running),
        Family("service_traffic_ratio", "gauge", "Share of the requests that a version gets.", shares),
    ]


def _single(name: str, kind: str, text: str, values: Values) -> Family:
    return Family(name, kind, text, [Sample({}, values)])


def scrape_text(families: Sequence[Family]) -> str:
    """Prometheus' text format; families must hold one time."""
    lines: list[str] = []
    for family in families:
        lines += [f"# HELP {family.name} {family.text}", f"# TYPE {family.name} {family.kind}"]
        for sample in family.samples:
            lines.append(f"{family.name}{sample.suffix}{_braces(sample.labels)} {sample.values[0]}")
    return "\n".join(lines) + "\n"


def history_text(families: Sequence[Family], labels: Mapping[str, str], times: Sequence[str]) -> Iterator[str]:
    """OpenMetrics lines with a time each, `labels` (those of the scrape) added to every series."""
    for family in families:
        for sample in family.samples:
            series = f"{family.name}{sample.suffix}{_braces({**sample.labels, **labels})}"
            yield "".join(
                f"{series} {value} {time}\n"
                for value, time in zip(sample.values, times, strict=True)
                if value is not None
            )


def _braces(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
