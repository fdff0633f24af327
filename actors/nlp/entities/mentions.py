"""Words that must mean a service although the catalogue has none of that name: "the foo service", "errors in foo",
"is foo ok?", "deploy foo to staging".

Each word that could be a name is weighed: its own form, what stands before it, what follows. The weights are rough
shares of evidence; a name needs `ENOUGH`, which one strong sign or two ordinary ones give.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from actors.nlp.entities.candidates import Candidate, Candidates, has_name_part, is_camel_service, is_compound
from actors.nlp.entities.found import FoundService
from actors.nlp.entities.lexicon import AROUND, LEADING_PHRASES, STRIPPED, Tag
from actors.nlp.entities.quantities import SCALING_VERBS
from actors.nlp.entities.reading import Board, Reading, Unit
from actors.nlp.entities.services import ServiceIndex, base_name, singular

ENOUGH = 3.0
FURTHEST_MEASURE = 8
"""Units back to what is asked of a service: "(errors) we saw yesterday in billing"."""
PAST_FORMS = ("s", "ed", "t", "ke", "ve", "ew")
"""Endings of verbs that have a subject: "ingest spikes", "titan lost", "cart broke"."""
_CHANGES = SCALING_VERBS | AROUND["changes"]
_ASKING = AROUND["asks_of"] | AROUND["about"]
_QUOTES = " \t'\"‘’“”`()"


def find_mentions(
    reading: Reading,
    index: ServiceIndex,
    measured: Iterable[tuple[int, int]],
    marked: Iterable[tuple[int, int]],
    named: Iterable[tuple[int, int]],
    *,
    changing: bool,
) -> tuple[FoundService, ...]:
    """`measured` are the spans of metrics, `marked` those of all that can be asked of a service, `named` those of
    services that are found already. `changing`: the text has a version or a number of replicas to set."""
    size = len(reading.text)
    candidates = Candidates(reading, Board(size, marked), Board(size, measured))
    return _Weighing(reading, index, candidates, tuple(named), changing=changing).run()


class _Weighing:
    def __init__(
        self,
        reading: Reading,
        index: ServiceIndex,
        candidates: Candidates,
        named: tuple[tuple[int, int], ...],
        *,
        changing: bool,
    ) -> None:
        self._reading = reading
        self._index = index
        self._candidates = candidates
        self._changing = changing
        self._service_ends = {end for _, end in named}
        self._service_starts = {start for start, _ in named}

    def run(self) -> tuple[FoundService, ...]:
        found: list[FoundService] = []
        at = 0
        while at < len(self._reading.units):
            candidate = self._candidates.at(at)
            if candidate is None or self._weight(candidate) < ENOUGH:
                at += 1
                continue
            found.append(self._taken(candidate))
            at = candidate.after
        return tuple(found)

    def _taken(self, candidate: Candidate) -> FoundService:
        start, end = self._reading.unit(candidate.first).start, self._reading.unit(candidate.after - 1).end
        self._reading.board.take(start, end)
        self._service_ends.add(end)
        self._service_starts.add(start)
        value = base_name(self._reading.text[start:end])
        return FoundService(start, end, value, (), value)

    def _weight(self, candidate: Candidate) -> float:
        return self._own(candidate) + self._left(candidate) + self._right(candidate)

    # --- its own form --------------------------------------------------------------------------------

    def _own(self, candidate: Candidate) -> float:
        if candidate.ordinary:
            return 0.75
        units = self._reading.units[candidate.first : candidate.after]
        named = [unit for unit in units if unit.text not in STRIPPED]
        form = max((self._form(unit) for unit in named), default=0.0)
        if len(named) == 1 and not candidate.head and named[0].tag & Tag.WEAK and not named[0].tag & Tag.TYPICAL:
            form = -0.5  # "why are users …", "errors for customers"
        if candidate.head:
            form += 1.5 if candidate.plural else 3.0
        return form + (0.25 if len(named) > 1 else 0.0)

    def _form(self, unit: Unit) -> float:
        if is_camel_service(unit):
            return 3.0
        if unit.tag & Tag.TYPICAL:
            return 1.5
        if unit.tag & (Tag.WEAK | Tag.KEPT_HEAD | Tag.ORDINARY):
            return 0.25 if unit.tag & Tag.WEAK else 0.0
        if not unit.plain and is_compound(unit):
            return 2.5 if has_name_part(unit) else 1.0
        return 1.25 if singular(unit.text) in self._index.parts else 1.0

    # --- what stands before --------------------------------------------------------------------------

    def _left(self, candidate: Candidate) -> float:
        reading = self._reading
        if self._continues(candidate.first):
            return 2.5
        at, gap = candidate.first - 1, reading.unit(candidate.first).gap
        while (
            at >= 0 and (reading.unit(at).tag & Tag.DETERMINER or self._candidates.is_head(at)) and not gap.strip()
        ):
            gap = reading.unit(at).gap
            at -= 1
        if at == 0 and reading.word(0) in AROUND["follow_ups"] and gap.strip(_QUOTES) in ("", ","):
            return 1.5
        if at < 0 or gap.strip(_QUOTES):
            return 1.0
        return next((weight for holds, weight in self._signs_before(at, candidate.after) if holds), 0.0)

    def _signs_before(self, at: int, after: int) -> Iterator[tuple[object, float]]:
        """The strongest first; `after` is the unit that follows the name."""
        reading = self._reading
        unit, before = reading.unit(at), reading.word(at - 1)
        yield unit.tag & Tag.NUMBER, -1.0  # "how many transactions"
        yield LEADING_PHRASES.before(reading.s, unit.after), 2.0
        yield unit.tag & Tag.ACT and not self._is_thing(at), 2.0
        yield unit.text in AROUND["calls"] and self._follows_service(at), 2.0
        yield self._changing and unit.text in _CHANGES, 2.0
        yield unit.text in _ASKING and self._measured_before(at), 2.0
        yield unit.text in AROUND["asks_of"], 1.0
        yield unit.text in AROUND["about"], 0.75
        yield unit.tag & Tag.AUXILIARY and self._asks(at, after), 1.5
        yield unit.tag & Tag.AUXILIARY, 0.0 if before in ("what", "who") else 1.0
        yield unit.text in AROUND["openers"] or unit.text in ("how's", "what's"), 1.0
        yield self._candidates.is_measure(unit), 1.0
        yield unit.text in AROUND["looking"], 0.75
        yield not reading.board.free(unit.start, unit.end) or unit.tag & Tag.VERB, 0.5

    def _asks(self, at: int, after: int) -> bool:
        """ "is (foo) …", "why is (foo) …", "how expensive is (foo)", "what is (foo) complaining about" """
        following = self._reading.unit(after)
        busy = following.tag & (Tag.STATE | Tag.VERB) and following.text.endswith("ing")
        asked = self._reading.word(at - 1) in AROUND["openers"] or self._reading.word(at - 2) == "how"
        return at == 0 or asked or bool(busy)

    def _is_thing(self, at: int) -> bool:
        """ "deploy" in "the last deploy" is a noun."""
        return bool(self._reading.unit(at - 1).tag & (Tag.DETERMINER | Tag.ADJECTIVE | Tag.NUMBER))

    def _follows_service(self, at: int) -> bool:
        """ "does titan call (raven)" """
        return any(self._reading.unit(place).end in self._service_ends for place in (at - 1, at - 2))

    def _continues(self, at: int) -> bool:
        """ "payments, billing and zephyr": goes on with a service before it."""
        reading = self._reading
        unit, before = reading.unit(at), reading.unit(at - 1)
        if before.end in self._service_ends:
            return unit.gap.strip() in (",", "/", "&", "+", "->", "→")
        if before.text in AROUND["sides"] and reading.unit(at - 2).end in self._service_ends:
            return True
        determined = before.tag & Tag.DETERMINER and reading.word(at - 2) in AROUND["sides"]
        return bool(determined) and reading.unit(at - 3).end in self._service_ends

    def _measured_before(self, at: int) -> bool:
        """Something that is asked of services stands before the preposition, in the same clause."""
        for place in range(at - 1, max(-1, at - 1 - FURTHEST_MEASURE), -1):
            unit = self._reading.unit(place)
            if (
                self._candidates.is_measure(unit)
                or unit.tag & (Tag.STATE | Tag.ACT)
                or unit.text in AROUND["open"]
            ):
                return True
            if self._reading.unit(place + 1).gap.strip() in (".", "!", "?", ";"):
                return False
        return False

    # --- what follows --------------------------------------------------------------------------------

    def _right(self, candidate: Candidate) -> float:
        return next((weight for holds, weight in self._signs_after(candidate.after) if holds), 0.0)

    def _signs_after(self, after: int) -> Iterator[tuple[object, float]]:
        """The strongest first."""
        reading = self._reading
        following = reading.unit(after)
        asked = self._candidates.is_asked(after)
        yield reading.unit(after - 1).possessive, 2.0 if asked else 1.0
        yield not following.text or following.gap.strip(_QUOTES), 0.5
        yield asked, 2.0
        yield following.start in self._service_starts, -2.0  # "graphql gateway" names the gateway
        yield following.text in AROUND["pages"], -1.0
        yield following.tag & Tag.AUXILIARY, 1.5 if reading.unit(after + 1).tag & Tag.STATE else 1.0
        yield following.tag & Tag.STATE or following.text in ("vs", "versus", "vs."), 1.5
        yield not reading.board.free(following.start, following.end), 0.75
        yield following.tag & Tag.VERB and following.text.endswith(PAST_FORMS), 1.0
        yield following.tag & (Tag.CLOSED | Tag.VERB), 0.5
