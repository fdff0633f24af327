"""Which words of a text could name a service: one to three units, with or without a word for "service"."""

from __future__ import annotations

import re
from dataclasses import dataclass

from actors.nlp.entities.lexicon import AFTER_SERVICE, AROUND, STRIPPED, Tag, tag_of
from actors.nlp.entities.reading import Board, Reading, Unit
from actors.nlp.entities.services import is_verb

MOST_WORDS = 3
LONGEST_NAME = 63
"""Characters, as in labels of Kubernetes."""
NAMING = Tag.TYPICAL | Tag.WEAK | Tag.KEPT_HEAD

_SHAPE = re.compile(r"[^\W\d_][\w]*(?:[-_.][\w]+)*\Z")
_CAMEL_SERVICE = re.compile(r"[A-Z]\w+(?:Service|Svc|Api|API)\Z")
_ALERT = re.compile(r"(?:[A-Z][a-z0-9]*){3,}\Z")
"""Alerts are named so: "KafkaConsumerLagHigh"."""
_REGION = re.compile(r"(?:us|eu|ap|ca|sa|me|af|asia|europe)-(?:gov-)?[a-z]+-?\d?[a-z]?\Z")
_NO_JOINT = ("", " ")


@dataclass(frozen=True, slots=True)
class Candidate:
    """Units `first` up to `after`; `head` says that a word for "service" is among them, outside the name.
    `ordinary`: an ordinary word, which only its place makes a name ("latency of photos")."""

    first: int
    after: int
    head: bool = False
    plural: bool = False
    ordinary: bool = False


class Candidates:
    """`marked` is what can be asked of a service, metrics, levels, codes …; `measured` the metrics among it."""

    def __init__(self, reading: Reading, marked: Board, measured: Board) -> None:
        self._reading = reading
        self._marked = marked
        self._measured = measured

    def at(self, at: int) -> Candidate | None:
        """The longest that begins with unit `at`."""
        led = self._after_head(at)
        if led is not None:
            return led
        if self.nameable(at):
            after = self._joined(at)
            if self.is_head(after) and not self._breaks(after):
                head = self._reading.word(after)
                return Candidate(at, after + 1, head=True, plural=head.endswith("s") and head != "apis")
            if self._stands_alone(at):
                return Candidate(at, after)
        return Candidate(at, at + 1, ordinary=True) if self._is_measured(at) else None

    def is_head(self, at: int) -> bool:
        unit = self._reading.unit(at)
        return bool(unit.tag & Tag.HEAD) and self._reading.board.free(unit.start, unit.end)

    def is_measure(self, unit: Unit) -> bool:
        return bool(unit.tag & Tag.MEASURE) or not self._marked.free(unit.start, unit.end)

    def is_asked(self, at: int) -> bool:
        """What is asked of a service stands here, right after it."""
        unit = self._reading.unit(at)
        return bool(unit.text) and self.is_measure(unit) and not unit.gap.strip(" \t'’s")

    # --- words beside each other ---------------------------------------------------------------------

    def _after_head(self, at: int) -> Candidate | None:
        """ "service checkout" """
        head = self._reading.word(at)
        if not self.is_head(at) or head in ("apps", "models") or self._reading.word(at + 1) in AFTER_SERVICE:
            return None
        if self._breaks(at + 1) or not self.nameable(at + 1):
            return None
        strong = head in AROUND["plain_heads"] and not self._reading.unit(at + 1).tag & Tag.WEAK
        return Candidate(at if strong else at + 1, self._joined(at + 1), head=strong)

    def _joined(self, at: int) -> int:
        """ "user profile", "payment gateway": the unit after the last word of the same name."""
        after = at + 1
        while after < at + MOST_WORDS and not self._breaks(after) and self.nameable(after):
            if not self._reading.unit(after).tag & (Tag.TYPICAL | Tag.KEPT_HEAD):
                bounded = self.is_head(after + 1) or self.is_asked(after + 1)
                if not bounded or self._reading.unit(at).tag & Tag.ORDINARY:
                    break
            after += 1
        return after

    def _breaks(self, at: int) -> bool:
        unit, before = self._reading.unit(at), self._reading.unit(at - 1)
        return unit.gap not in _NO_JOINT or before.possessive or not unit.text

    # --- one word ------------------------------------------------------------------------------------

    def nameable(self, at: int) -> bool:
        unit = self._reading.unit(at)
        if not 2 <= len(unit.text) <= LONGEST_NAME or not self._reading.board.free(unit.start, unit.end):
            return False
        if unit.tag & (Tag.COMPOUND | Tag.NUMBER) or not _SHAPE.match(unit.text) or _REGION.match(unit.text):
            return False
        if unit.tag & NAMING:
            return not is_verb(unit.text, self._reading.word(at - 1), self._reading.word(at + 1))
        if unit.tag & Tag.ORDINARY:
            return self._is_headed(at, unit)
        return self._is_own_word(unit)

    def _is_own_word(self, unit: Unit) -> bool:
        """Listed nowhere."""
        if _ALERT.match(unit.raw) and not is_camel_service(unit):
            return False
        return unit.plain or is_compound(unit) or any(mark.isdigit() for mark in unit.text)

    def _is_headed(self, at: int, unit: Unit) -> bool:
        """ "the metrics service": an ordinary word that "service" makes a name."""
        if not unit.tag & (Tag.NOUN | Tag.MEASURE) or unit.tag & (Tag.CLOSED | Tag.ADJECTIVE | Tag.HEAD):
            return False
        lead = self._reading.unit(at - 1)
        led = lead.tag & (Tag.DETERMINER | Tag.PREPOSITION | Tag.ACT) and not lead.tag & Tag.WH
        heads = AROUND["plain_heads"] if unit.text in AROUND["platform"] else AROUND["heads"]
        chosen = lead.text not in ("which", "what", "any", "no")
        return bool(led) and chosen and self._reading.word(at + 1) in heads and not self._breaks(at + 1)

    def _stands_alone(self, at: int) -> bool:
        tag = self._reading.unit(at).tag
        return not tag & Tag.ORDINARY or bool(tag & NAMING)

    def _is_measured(self, at: int) -> bool:
        """ "latency of photos": an ordinary noun without an article, right after a metric and "of"."""
        reading, unit = self._reading, self._reading.unit(at)
        if not unit.tag & Tag.NOUN or unit.tag & _NEVER_MEASURED or unit.text in AROUND["generic"]:
            return False
        metric = reading.unit(at - 2)
        led = reading.word(at - 1) in ("of", "for", "on") and not reading.unit(at - 1).gap.strip()
        if not led or unit.gap != " " or self._measured.free(metric.start, metric.end):
            return False
        following = reading.unit(at + 1)
        ends = not following.text or following.gap.strip() or following.tag & (Tag.PREPOSITION | Tag.CONJUNCTION)
        taken = not reading.board.free(following.start, following.end)
        return bool(ends) or (taken and reading.board.free(unit.start, unit.end))


_NEVER_MEASURED = Tag.MEASURE | Tag.CLOSED | Tag.ADJECTIVE | Tag.PERSON | Tag.NUMBER | Tag.HEAD


# --- forms of names ------------------------------------------------------------------------------------


def is_camel_service(unit: Unit) -> bool:
    """ "PaymentService" """
    return _CAMEL_SERVICE.match(unit.raw) is not None


def is_compound(unit: Unit) -> bool:
    """ "rate-limiter", "control-plane"; not "well-known" or "third-party"."""
    parts = _parts(unit)
    if len(parts) < 2:
        return False
    if has_name_part(unit):
        return True
    last, first = tag_of(parts[-1]), tag_of(parts[0])
    described = first & (Tag.ADJECTIVE | Tag.NUMBER | Tag.CLOSED)
    return not described and bool(last & (Tag.NOUN | Tag.MEASURE))


def has_name_part(unit: Unit) -> bool:
    """ "rate-limiter" has one, and "tickets-api" says itself what it is."""
    parts = _parts(unit)
    return parts[-1] in STRIPPED or any(not part.isdigit() and _is_name_part(part) for part in parts)


def _parts(unit: Unit) -> list[str]:
    return [part for part in re.split(r"[-_.]", unit.text) if part]


def _is_name_part(part: str) -> bool:
    tag = tag_of(part)
    return not tag & Tag.ORDINARY or bool(tag & NAMING)
