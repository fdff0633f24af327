"""Names whose written form tells what they are: paths, files, addresses, pods, hosts, traces, incidents, metrics.

Every pattern here is matched against one unit, or consumes without overlap: time grows with the text, not faster.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TypedDict

from actors.nlp.entities.found import FoundMetric, Named
from actors.nlp.entities.lexicon import Tag
from actors.nlp.entities.reading import Reading, Unit
from actors.nlp.entities.tables import words

SOURCE, OTHER = words("names", "files", "source"), words("names", "files", "other")
SYSTEM, ROOTS = words("names", "files", "system"), words("names", "files", "roots")
TEST_WORDS, TEST_HEADS = words("names", "tests"), words("names", "tests", "heads")
SUFFIXES, PREFIXES = words("names", "metrics", "suffixes"), words("names", "metrics", "prefixes")
DOTTED = words("names", "metrics", "dotted")
INCIDENT_PREFIXES, NEVER_INCIDENTS = words("names", "incidents", "prefixes"), words("names", "incidents", "never")
INCIDENT_LEAD = words("names", "incidents", "lead")
HOST_LEAD, HOST_PREFIXES = words("names", "hosts", "lead"), words("names", "hosts", "prefixes")
DOMAINS = words("names", "hosts", "domains")

_PATH = re.compile(r"(?<![\w/.)\]}<>-])/(?:[\w.~%:@*+/-]|\{\w*\}|<\w+>)+")
_URL = re.compile(r"\b(?:https?|grpc|wss?)://([\w.-]{1,253}(?::\d{1,5})?)((?:/[\w.~%:@*+{}-]*)*)")
_RPC = re.compile(r"(?:\w+\.)*[A-Z]\w*/[A-Z]\w*\Z")
_FILE = re.compile(r"[\w./@-]*[\w-]\.([a-zA-Z]{1,8})(?:::[\w:\[\]-]+|:\d+)?\Z")
_NODE_ID = re.compile(r"[\w./-]+::[\w:\[\].-]+\Z")
_TREE = re.compile(r"(?:\./|\.\./)?[\w.-]+(?:/[\w.*-]+)*/?\Z")
_HEX = re.compile(r"(?:[0-9a-f]{32}|[0-9a-f]{16})\Z")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z")
_SHORT_ID = re.compile(r"(?=[0-9a-z_-]*[0-9])[0-9a-z][0-9a-z_-]{4,63}\Z")
_INCIDENT = re.compile(r"#?([a-z]{1,10})-?_?((?:\d{2,4}-)?\d{1,10})\Z")
_HASHED = re.compile(r"#\d{1,8}\Z")
_POD = re.compile(r"[a-z][a-z0-9-]*-(?=[a-z0-9]*\d)[a-z0-9]{6,10}-(?=[a-z0-9]*)[a-z0-9]{5}\Z")
_SET_POD = re.compile(r"[a-z][a-z0-9-]*-\d{1,3}\Z")
_IP = re.compile(r"(?:\d{1,3}\.){3}\d{1,3}(?::\d{1,5})?\Z")
_IP_NAME = re.compile(r"ip(?:-\d{1,3}){4}\Z")
_DOMAIN = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+(?::\d{1,5})?\Z")
_NUMBERED = re.compile(r"([a-z]+)-?(?:[a-z]+-)*\d{1,4}[a-z]?\Z")
_SNAKE = re.compile(r"[a-z][a-z0-9]*(?:[_:][a-z0-9]+)+\Z")
_DOTTED_NAME = re.compile(r"[a-z_][\w]*(?:\.[a-z_][\w]*)+\Z", re.IGNORECASE)
_CAMEL = re.compile(r"(?:[A-Z][a-z0-9]+){2,}[A-Z]?\Z|[a-z]+(?:[A-Z][a-z0-9]+)+\Z")

LONGEST_NAME = 253
"""Characters, as in the names of hosts; what is longer is no name."""


class LiteralKinds(TypedDict):
    endpoints: tuple[Named, ...]
    hosts: tuple[Named, ...]
    pods: tuple[Named, ...]
    namespaces: tuple[Named, ...]
    incident_ids: tuple[Named, ...]
    trace_ids: tuple[Named, ...]
    test_targets: tuple[Named, ...]


class Literals:
    """Everything of one text that is told by its form, by kind. Each takes its place on the board."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.testing = reading.has(TEST_WORDS)
        self.tracing = reading.has(frozenset({"trace", "traces", "traceid", "span", "spans"}))
        self.incidental = reading.has(INCIDENT_LEAD)
        self.endpoints: list[Named] = []
        self.hosts: list[Named] = []
        self.pods: list[Named] = []
        self.namespaces: list[Named] = []
        self.incident_ids: list[Named] = []
        self.trace_ids: list[Named] = []
        self.test_targets: list[Named] = []
        self.metrics: list[FoundMetric] = []
        self._urls()
        self._paths()
        for at, unit in enumerate(reading.units):
            if unit.end - unit.start <= LONGEST_NAME and reading.board.free(unit.start, unit.end):
                self._unit(at, unit)

    def found(self) -> LiteralKinds:
        return {
            "endpoints": tuple(self.endpoints),
            "hosts": tuple(self.hosts),
            "pods": tuple(self.pods),
            "namespaces": tuple(self.namespaces),
            "incident_ids": tuple(self.incident_ids),
            "trace_ids": tuple(self.trace_ids),
            "test_targets": tuple(self.test_targets),
        }

    # --- whole text ----------------------------------------------------------------------------------

    def _urls(self) -> None:
        if "://" not in self.reading.text:
            return
        for match in _URL.finditer(self.reading.text):
            host = match.start(1), match.end(1)
            self._add(self.hosts, *host, match[1])
            path = match[2].rstrip(".,:/")
            if path:
                self._add(self.endpoints, match.start(2), match.start(2) + len(path), path)
            self.reading.board.take(*match.span())

    def _paths(self) -> None:
        """ "/api/v1/orders/{id}"; files and directories of the system are no endpoints."""
        if "/" not in self.reading.text:
            return
        for match in _PATH.finditer(self.reading.text):
            path = match[0].rstrip(".,:") if len(match[0]) > 1 else match[0]
            start, end = match.start(), match.start() + len(path)
            if len(path) < 2 or not self.reading.board.free(start, end):
                continue
            extension = path.rpartition("/")[2].rpartition(".")[2].lower()
            if "." in path and extension in SOURCE:
                self._add(self.test_targets, start, end, path)
            elif path.split("/")[1].lower() in SYSTEM or ("." in path and extension in OTHER):
                self.reading.board.take(start, end)
            else:
                self._add(self.endpoints, start, end, path)

    # --- one unit ------------------------------------------------------------------------------------

    def _unit(self, at: int, unit: Unit) -> None:
        if unit.plain and not self.reading.text.startswith("()", unit.end):
            self._plain(at, unit)
            return
        for rule in self._rules():
            if rule(at, unit):
                return

    def _rules(self) -> Iterator[Callable[[int, Unit], bool]]:
        yield self._call
        yield self._incident
        yield self._hex
        yield self._ip
        yield self._file
        yield self._lead_named
        yield self._pod
        yield self._metric
        yield self._target
        yield self._host

    def _add(self, kind: list[Named], start: int, end: int, value: str) -> bool:
        self.reading.board.take(start, end)
        kind.append(Named(start, end, value))
        return True

    def _plain(self, at: int, unit: Unit) -> None:
        """Words: "namespace payments", "the payments namespace", a class beside "tests"."""
        if self._namespace(at, unit):
            return
        heads = {self.reading.word(at + 1)} & _CODE_HEADS
        named = heads and not unit.tag & (Tag.CLOSED | Tag.ADJECTIVE | Tag.NUMBER | Tag.MEASURE)
        if self.testing and (_CAMEL.match(unit.raw) or (named and unit.text not in _NO_CODE)):
            self._add(self.test_targets, unit.start, unit.end, unit.raw)

    def _before(self, at: int, *skipped: str) -> str:
        at -= 1
        while self.reading.word(at) in skipped:
            at -= 1
        return self.reading.word(at)

    def _namespace(self, at: int, unit: Unit) -> bool:
        reading = self.reading
        lead = self._before(at, "the", "called", "named", ":")
        led = lead in ("namespace", "ns") or (
            lead == "n" and reading.text[unit.start - 3 : unit.start - 1] == "-n"
        )
        headed = reading.word(at + 1) in ("namespace", "ns")
        if not (led or headed) or not re.fullmatch(r"[a-z0-9][a-z0-9-]*", unit.text):
            return False
        if unit.text in _NO_NAMESPACE or unit.tag & Tag.CLOSED:
            return False
        return self._add(self.namespaces, unit.start, unit.end, unit.raw)

    def _call(self, at: int, unit: Unit) -> bool:
        if not self.reading.text.startswith("()", unit.end) or not re.fullmatch(r"[\w.:]+", unit.raw):
            return False
        return self._add(self.test_targets, unit.start, unit.end, unit.raw)

    def _incident(self, at: int, unit: Unit) -> bool:
        lead = self._before(at, "number", "no", "id", "nr", "the")
        if _HASHED.match(unit.text):
            return self._add(self.incident_ids, unit.start, unit.end, unit.raw)
        if unit.text.isdigit() and lead in INCIDENT_LEAD and self.reading.word(at - 1) not in ("last", "the"):
            return self._add(self.incident_ids, unit.start, unit.end, unit.raw)
        match = _INCIDENT.match(unit.text)
        if match is None or match[1] in NEVER_INCIDENTS:
            return False
        known = match[1] in INCIDENT_PREFIXES
        shouted = unit.raw.isupper() and "-" in unit.raw
        if known or (shouted and (self.incidental or len(match[1]) > 2)):
            return self._add(self.incident_ids, unit.start, unit.end, unit.raw)
        return False

    def _hex(self, at: int, unit: Unit) -> bool:
        mixed = any(mark.isdigit() for mark in unit.text)
        if mixed and _HEX.match(unit.text):
            return self._add(self.trace_ids, unit.start, unit.end, unit.raw)
        lead = self._before(at, "id", ":", "the", "with", "#", "called")
        if lead in ("trace", "traceid", "trace_id", "trace-id") and _SHORT_ID.match(unit.text):
            return self._add(self.trace_ids, unit.start, unit.end, unit.raw)
        if _UUID.match(unit.text) and self.tracing:
            return self._add(self.trace_ids, unit.start, unit.end, unit.raw)
        return False

    def _ip(self, at: int, unit: Unit) -> bool:
        if not _IP.match(unit.text) or any(int(part) > 255 for part in unit.text.partition(":")[0].split(".")):
            return False
        return self._add(self.hosts, unit.start, unit.end, unit.raw)

    def _file(self, at: int, unit: Unit) -> bool:
        text = unit.text
        if _RPC.match(unit.raw) and "/" in text:
            return self._add(self.endpoints, unit.start, unit.end, unit.raw)
        if _NODE_ID.match(unit.raw):
            return self._add(self.test_targets, unit.start, unit.end, unit.raw)
        match = _FILE.match(unit.raw)
        if match is not None and match[1].lower() in SOURCE:
            return self._add(self.test_targets, unit.start, unit.end, unit.raw)
        if match is not None and match[1].lower() in OTHER and not text[0].isdigit():
            self.reading.board.take(unit.start, unit.end)
            return True
        deep = self.testing and text.count("/") > 1
        rooted = deep or (
            "/" in text and (text.partition("/")[0] in ROOTS or text.startswith((".", "..")) or text.endswith("/"))
        )
        if rooted and _TREE.match(text):
            return self._add(self.test_targets, unit.start, unit.end, unit.raw)
        return False

    def _lead_named(self, at: int, unit: Unit) -> bool:
        """After "pod", "host", "namespace" a name is what they say."""
        if self._namespace(at, unit):
            return True
        lead, following = self._before(at, "the", "called", "named", ":"), self.reading.word(at + 1)
        named = re.fullmatch(r"[a-z][a-z0-9.-]*[a-z0-9]", unit.text) is not None
        if named and (lead in ("pod", "pods") or (following == "pod" and _SET_POD.match(unit.text))):
            return self._add(self.pods, unit.start, unit.end, unit.raw)
        marked = any(mark.isdigit() for mark in unit.text) or "." in unit.text or "-" in unit.text
        if named and marked and (lead in HOST_LEAD or following in ("host", "node", "machine", "box", "vm")):
            return self._add(self.hosts, unit.start, unit.end, unit.raw)
        return False

    def _pod(self, at: int, unit: Unit) -> bool:
        return bool(_POD.match(unit.text)) and self._add(self.pods, unit.start, unit.end, unit.raw)

    def _host(self, at: int, unit: Unit) -> bool:
        text = unit.text
        if _IP_NAME.match(text):
            return self._add(self.hosts, unit.start, unit.end, unit.raw)
        match = _NUMBERED.match(text)
        if match is not None and match[1] in HOST_PREFIXES and text not in ("k8s", "ec2"):
            return self._add(self.hosts, unit.start, unit.end, unit.raw)
        if _DOMAIN.match(text) and text.partition(":")[0].rpartition(".")[2] in DOMAINS:
            return self._add(self.hosts, unit.start, unit.end, unit.raw)
        return False

    def _metric(self, at: int, unit: Unit) -> bool:
        """A metric by its own name: "http_requests_total", "http.server.request.duration"."""
        text = unit.text
        own = False
        if _SNAKE.match(text):
            parts = re.split("[_:]", text)
            beside = "metric" in (self.reading.word(at - 1), self.reading.word(at + 1))
            own = parts[-1] in SUFFIXES or (parts[0] in PREFIXES and len(parts) > 2) or beside
        elif _DOTTED_NAME.match(text):
            own = text.partition(".")[0] in DOTTED and text.count(".") > 1
        if not own or (self.testing and text.partition("_")[0] not in PREFIXES):
            return False
        self.reading.board.take(unit.start, unit.end)
        self.metrics.append(FoundMetric(unit.start, unit.end, unit.raw, strong=True))
        return True

    def _target(self, at: int, unit: Unit) -> bool:
        """Names of code where tests are spoken of: snake_case, CamelCase, dotted modules."""
        if not self.testing:
            return False
        headed = TEST_HEADS & {self.reading.word(at - 1), self.reading.word(at + 1)}
        code = _CAMEL.match(unit.raw) or ("_" in unit.text and _SNAKE.match(unit.text.lstrip("_")))
        module = _DOTTED_NAME.match(unit.raw) and not unit.text[0].isdigit()
        if code or module or (headed and "_" in unit.text):
            return self._add(self.test_targets, unit.start, unit.end, unit.raw)
        return False


_CODE_HEADS = frozenset({"module", "class", "function", "method", "package"})
_NO_CODE = frozenset({"python", "java", "typescript", "javascript", "go", "this", "test", "unit"})
_NO_NAMESPACE = frozenset(
    {
        "same",
        "whole",
        "entire",
        "kubernetes",
        "k8s",
        "per",
        "single",
        "other",
        "new",
        "different",
        "namespace",
        "is",
    }
)
