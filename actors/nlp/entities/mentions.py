"""Words that must mean a service although the catalogue has none of that name: "the foo service", "errors in foo",
"is foo ok?", "deploy foo to staging".

Each word that could be a name is weighed: its own form, what stands before it, what follows. The weights are rough
shares of evidence; a name needs `ENOUGH`, which one strong sign or two ordinary ones give.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from actors.nlp.entities.found import FoundService
from actors.nlp.entities.lexicon import AFTER_SERVICE, LEADING_PHRASES, STRIPPED, Tag, tag_of
from actors.nlp.entities.quantities import SCALING_VERBS
from actors.nlp.entities.reading import Board, Reading, Unit
from actors.nlp.entities.services import ServiceIndex, base_name, is_verb, singular

ENOUGH = 3.0
MOST_WORDS = 3
FURTHEST_MEASURE = 8
"""Units back to what is asked of a service: "(errors) we saw yesterday in billing"."""

_SHAPE = re.compile(r"[^\W\d_](?:[\w]*)(?:[-_.][\w]+)*\Z")
_CAMEL_SERVICE = re.compile(r"[A-Z]\w+(?:Service|Svc|Api|API)\Z")
_ALERT = re.compile(r"(?:[A-Z][a-z0-9]*){3,}\Z")
"""Alerts are named so: "KafkaConsumerLagHigh"."""
_REGION = re.compile(r"(?:us|eu|ap|ca|sa|me|af|asia|europe)-(?:gov-)?[a-z]+-?\d?[a-z]?\Z")
_ASKS_OF = frozenset(
    {"of", "for", "on", "in", "from", "at", "by", "across", "with", "through", "behind", "to", "into", "between"}
)
_SURE_HEADS = frozenset({"service", "svc", "microservice", "api", "cluster", "pipeline"})
_MAKES_NAME = {
    word: frozenset({"service", "svc", "microservice"})
    for word in (
        "build",
        "builds",
        "release",
        "deployment",
        "deploy",
        "ci",
        "cd",
        "test",
        "kubernetes",
        "k8s",
        "cloud",
    )
}
"""Ordinary words that fewer heads make the name of a service: "the release pipeline" is none."""
_CALLS = frozenset(
    {"call", "calls", "calling", "called", "use", "uses", "using", "query", "queries", "hit", "reach"}
)
_FOLLOW_UPS = frozenset(
    {"and", "or", "no", "not", "same", "only", "just", "actually", "sorry", "also", "now", "then", "but"}
)
_OPENERS = frozenset(
    {"if", "when", "because", "while", "that", "once", "unless", "whenever", "until", "since", "why", "how"}
)
_ABOUT = frozenset({"about", "via", "against", "around", "inside", "within"})
_QUOTES = " \t'\"‘’“”`()"
_NO_JOINT = frozenset({"", " "})
_SIDES = frozenset({"vs", "versus", "vs.", "and", "or", "&"})
_LOOKING = frozenset({"show", "see", "get", "give", "list", "display", "tell", "need", "want", "pull", "fetch"})


@dataclass(frozen=True, slots=True)
class _Run:
    """Units `first` up to `after`; `head` says that a word for "service" is among them, outside the name."""

    first: int
    after: int
    head: bool
    plural: bool


def find_mentions(
    reading: Reading,
    index: ServiceIndex,
    marked: Iterable[tuple[int, int]],
    named: Iterable[tuple[int, int]],
    *,
    scaling: bool,
) -> tuple[FoundService, ...]:
    """`marked` are the spans of what can be asked of a service (metrics, levels, codes …), `named` those of
    services that are found already. `scaling`: the text says how many replicas there should be."""
    board = Board(len(reading.text))
    for start, end in marked:
        board.take(start, end)
    return _Search(reading, index, board, frozenset(named), scaling=scaling).run()


class _Search:
    def __init__(
        self,
        reading: Reading,
        index: ServiceIndex,
        marked: Board,
        named: frozenset[tuple[int, int]],
        *,
        scaling: bool,
    ) -> None:
        self._reading = reading
        self._index = index
        self._marked = marked
        self._scaling = scaling
        self._service_ends = {end for _, end in named}
        self._service_starts = {start for start, _ in named}
        self._measures = [at for at, unit in enumerate(reading.units) if self._is_measure(unit)]

    def run(self) -> tuple[FoundService, ...]:
        found: list[FoundService] = []
        at = 0
        while at < len(self._reading.units):
            run = self._run_at(at)
            if run is None or self._weight(run) < ENOUGH:
                at += 1
                continue
            found.append(self._taken(run))
            at = run.after
        return tuple(found)

    def _taken(self, run: _Run) -> FoundService:
        units = self._reading.units
        start, end = units[run.first].start, units[run.after - 1].end
        self._reading.board.take(start, end)
        self._service_ends.add(end)
        self._service_starts.add(start)
        written = self._reading.text[start:end]
        value = base_name(written)
        return FoundService(start, end, value, (), value)

    # --- which words ---------------------------------------------------------------------------------

    def _run_at(self, at: int) -> _Run | None:
        """The name that could begin here, with the word "service" before or after it."""
        units = self._reading.units
        led = self._is_head(at) and not self._breaks(at + 1) and self._nameable(at + 1)
        if led and self._reading.word(at + 1) not in AFTER_SERVICE and units[at].text not in ("apps", "models"):
            after = self._joined(at + 1)
            plain = units[at].text in ("service", "svc", "microservice")
            strong = plain and not units[at + 1].tag & Tag.WEAK
            return _Run(at if strong else at + 1, after, head=strong, plural=False)
        if not self._nameable(at) or (self._is_head(at + 1) is False and not self._nameable_alone(at)):
            return None
        after = self._joined(at)
        if self._is_head(after) and not self._breaks(after):
            head = units[after].text
            return _Run(at, after + 1, head=True, plural=head.endswith("s") and head != "apis")
        return _Run(at, after, head=False, plural=False)

    def _joined(self, at: int) -> int:
        """ "user profile", "payment gateway": further words of the same name."""
        after = at + 1
        while after < at + MOST_WORDS and not self._breaks(after) and self._nameable(after):
            unit = self._reading.unit(after)
            if not unit.tag & (Tag.TYPICAL | Tag.KEPT_HEAD):
                bounded = self._is_head(after + 1) or self._is_asked(after + 1)
                if not bounded or self._reading.unit(at).tag & Tag.ORDINARY:
                    break
            after += 1
        return after

    def _breaks(self, at: int) -> bool:
        unit, before = self._reading.unit(at), self._reading.unit(at - 1)
        return unit.gap not in _NO_JOINT or before.possessive or not unit.text

    def _is_head(self, at: int) -> bool:
        unit = self._reading.unit(at)
        return bool(unit.tag & Tag.HEAD) and self._reading.board.free(unit.start, unit.end) and bool(unit.text)

    def _nameable(self, at: int) -> bool:
        unit = self._reading.unit(at)
        if len(unit.text) < 2 or not self._reading.board.free(unit.start, unit.end) or len(unit.text) > 63:
            return False
        if not _SHAPE.match(unit.text) or _REGION.match(unit.text) or unit.tag & (Tag.COMPOUND | Tag.NUMBER):
            return False
        if unit.tag & (Tag.TYPICAL | Tag.WEAK | Tag.KEPT_HEAD):
            return not is_verb(unit.text, self._reading.word(at - 1), self._reading.word(at + 1))
        if unit.tag & Tag.ORDINARY:
            return self._is_ordinary_name(at, unit)
        if _ALERT.match(unit.raw) and not _CAMEL_SERVICE.match(unit.raw):
            return False
        return unit.plain or self._is_compound(unit) or any(mark.isdigit() for mark in unit.text)

    def _is_ordinary_name(self, at: int, unit: Unit) -> bool:
        """ "the metrics service": an ordinary word that "service" makes a name."""
        if not unit.tag & (Tag.NOUN | Tag.MEASURE) or unit.tag & (Tag.CLOSED | Tag.ADJECTIVE | Tag.HEAD):
            return False
        lead = self._reading.unit(at - 1)
        led = lead.tag & (Tag.DETERMINER | Tag.PREPOSITION | Tag.ACT) and lead.text not in (
            "which",
            "what",
            "any",
            "no",
        )
        headed = self._reading.word(at + 1) in _MAKES_NAME.get(unit.text, _SURE_HEADS)
        return bool(headed and led and not self._breaks(at + 1))

    def _nameable_alone(self, at: int) -> bool:
        return not self._reading.unit(at).tag & Tag.ORDINARY or bool(
            self._reading.unit(at).tag & (Tag.TYPICAL | Tag.WEAK | Tag.KEPT_HEAD)
        )

    def _is_compound(self, unit: Unit) -> bool:
        """ "rate-limiter", "control-plane"; not "well-known" or "third-party"."""
        parts = _parts(unit)
        if len(parts) < 2:
            return False
        last, first = tag_of(parts[-1]), tag_of(parts[0])
        nouns = last & (Tag.NOUN | Tag.MEASURE) and not first & (Tag.ADJECTIVE | Tag.NUMBER | Tag.CLOSED)
        return self._has_name_part(unit) or bool(nouns)

    def _has_name_part(self, unit: Unit) -> bool:
        return any(not part.isdigit() and _is_name_part(part) for part in _parts(unit))

    # --- what it weighs ------------------------------------------------------------------------------

    def _weight(self, run: _Run) -> float:
        return self._own(run) + self._left(run) + self._right(run)

    def _own(self, run: _Run) -> float:
        units = self._reading.units[run.first : run.after]
        named = [unit for unit in units if unit.text not in STRIPPED]
        form = max((self._form(unit) for unit in named), default=0.0)
        if len(named) == 1 and not run.head and named[0].tag & Tag.WEAK and not named[0].tag & Tag.TYPICAL:
            form = -0.5  # "why are users …", "errors for customers"
        if run.head:
            form += 1.5 if run.plural else 3.0
        return form + (0.25 if len(named) > 1 else 0.0)

    def _form(self, unit: Unit) -> float:
        if _CAMEL_SERVICE.match(unit.raw):
            return 3.0
        if unit.tag & Tag.TYPICAL:
            return 1.5
        if unit.tag & Tag.WEAK:
            return 0.25
        if unit.tag & (Tag.KEPT_HEAD | Tag.ORDINARY):
            return 0.0
        if not unit.plain and self._is_compound(unit):
            return 2.5 if self._has_name_part(unit) else 1.0
        return 1.25 if singular(unit.text) in self._index.parts else 1.0

    def _left(self, run: _Run) -> float:
        reading = self._reading
        if self._continues(run.first):
            return 2.5
        at, gap = run.first - 1, reading.unit(run.first).gap
        while at >= 0 and (reading.unit(at).tag & Tag.DETERMINER or self._is_head(at)) and not gap.strip():
            gap = reading.unit(at).gap
            at -= 1
        if at < 0 or gap.strip(_QUOTES):
            return 1.0
        return next((weight for holds, weight in self._signs_before(at) if holds), 0.0)

    def _signs_before(self, at: int) -> Iterator[tuple[object, float]]:
        """The strongest first."""
        reading = self._reading
        unit, before = reading.unit(at), reading.word(at - 1)
        yield LEADING_PHRASES.before(reading.s, unit.after), 2.0
        yield unit.tag & Tag.ACT and not self._is_asked_noun(at), 2.0
        yield unit.text in _CALLS and self._follows_service(at), 2.0
        yield self._scaling and unit.text in SCALING_VERBS, 2.0
        yield at == 0 and unit.text in _FOLLOW_UPS, 1.5
        yield unit.text in _ASKS_OF | _ABOUT and self._measured_before(at), 2.0
        yield unit.text in _ASKS_OF, 1.0
        yield unit.text in _ABOUT, 0.75
        asks = at == 0 or before in ("why", "how", "when") or before in _OPENERS
        yield unit.tag & Tag.AUXILIARY and asks, 1.5
        yield unit.tag & Tag.AUXILIARY and before not in ("what", "who"), 1.0
        yield unit.tag & Tag.AUXILIARY, 0.0
        yield unit.text in _OPENERS or unit.text in ("how's", "what's"), 1.0
        yield self._is_measure(unit), 1.0
        yield unit.text in _LOOKING, 0.75
        yield not reading.board.free(unit.start, unit.end) or unit.tag & Tag.VERB, 0.5

    def _follows_service(self, at: int) -> bool:
        """ "does titan call (raven)" """
        return any(self._reading.unit(place).end in self._service_ends for place in (at - 1, at - 2))

    def _continues(self, at: int) -> bool:
        """ "payments, billing and zephyr": goes on with a service before it."""
        reading = self._reading
        unit, before = reading.unit(at), reading.unit(at - 1)
        if before.end in self._service_ends:
            return unit.gap.strip() in (",", "/", "&", "+", "->", "→")
        if before.text in _SIDES and reading.unit(at - 2).end in self._service_ends:
            return True
        determined = before.tag & Tag.DETERMINER and reading.word(at - 2) in _SIDES
        return bool(determined) and reading.unit(at - 3).end in self._service_ends

    def _measured_before(self, at: int) -> bool:
        """Something that is asked of services stands before the preposition, in the same clause."""
        for place in range(at - 1, max(-1, at - 1 - FURTHEST_MEASURE), -1):
            unit = self._reading.unit(place)
            if self._is_measure(unit) or unit.tag & (Tag.STATE | Tag.ACT):
                return True
            if self._reading.unit(place + 1).gap.strip() in (".", "!", "?", ";"):
                return False
        return False

    def _right(self, run: _Run) -> float:
        return next((weight for holds, weight in self._signs_after(run) if holds), 0.0)

    def _signs_after(self, run: _Run) -> Iterator[tuple[object, float]]:
        """The strongest first."""
        reading = self._reading
        last, following = reading.unit(run.after - 1), reading.unit(run.after)
        asked = self._is_asked(run.after)
        yield last.possessive, 2.0 if asked else 1.0
        yield not following.text or following.gap.strip(_QUOTES), 0.5
        yield asked, 2.0
        yield following.start in self._service_starts, 0.0
        yield following.tag & Tag.AUXILIARY, 1.5 if reading.unit(run.after + 1).tag & Tag.STATE else 1.0
        yield following.tag & Tag.STATE or following.text in ("vs", "versus", "vs."), 1.5
        yield not reading.board.free(following.start, following.end), 0.75
        yield following.tag & Tag.VERB and following.text.endswith(("s", "ed", "t", "ke", "ve", "ew")), 1.0
        yield following.tag & (Tag.CLOSED | Tag.VERB), 0.5

    # --- what is asked -------------------------------------------------------------------------------

    def _is_measure(self, unit: Unit) -> bool:
        return bool(unit.tag & Tag.MEASURE) or not self._marked.free(unit.start, unit.end)

    def _is_asked(self, at: int) -> bool:
        unit = self._reading.unit(at)
        return bool(unit.text) and self._is_measure(unit) and not unit.gap.strip(" \t'’s")

    def _is_asked_noun(self, at: int) -> bool:
        """ "deploy" in "the last deploy" is a noun."""
        return bool(self._reading.unit(at - 1).tag & (Tag.DETERMINER | Tag.ADJECTIVE | Tag.NUMBER))


def _parts(unit: Unit) -> list[str]:
    return [part for part in re.split(r"[-_.]", unit.text) if part]


def _is_name_part(part: str) -> bool:
    tag = tag_of(part)
    return not tag & Tag.ORDINARY or bool(tag & (Tag.TYPICAL | Tag.WEAK | Tag.KEPT_HEAD))
