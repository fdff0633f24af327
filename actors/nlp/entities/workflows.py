"""Workflows, templates and runbooks: "the db-failover runbook", "kick off nightly-backup", "workflow wf-42"."""

from __future__ import annotations

import re
from collections.abc import Iterator

from actors.nlp.entities.found import Named
from actors.nlp.entities.lexicon import Tag
from actors.nlp.entities.reading import Reading, Unit, taken
from actors.nlp.entities.tables import table, words
from actors.nlp.phrases import Phrases, listed

_HEADS = words("workflows", "heads")
_VERBS: Phrases[bool] = Phrases((phrase, True) for phrase in listed(str(table("workflows")["heads"]["verbs"])))
_STRONG: Phrases[bool] = Phrases((phrase, True) for phrase in listed(str(table("workflows")["heads"]["strong"])))
_DONE = frozenset({"done", "finished", "complete", "completed", "finish", "through", "progressing"})
_NAMING = words("workflows", "heads", "naming")
_NEVER, _OTHER = words("workflows", "heads", "never"), words("workflows", "heads", "other")
_ID_PREFIXES = words("workflows", "heads", "id")
_NAME_PART = re.compile(r"[a-z][\w-]*\Z")
_ID = re.compile(r"(?:wf|run|workflow|exec|job)[-_:]?(?=[0-9a-z-]*\d)[0-9a-z][0-9a-z_-]*\Z")
_ULID = re.compile(r"(?:[0-9a-z]+\.)?[0-7][0-9abcdefghjkmnpqrstvwxyz]{25}\Z")
_PLAIN_ID = re.compile(r"#?(?=[0-9a-f-]*\d)[0-9a-f][0-9a-f-]{0,40}\Z")
_IN_QUOTES = re.compile(r"[\"'“‘`]([^\"'“”‘’`\n]{1,80})[\"'”’`]")
LONGEST_NAME = 5
"""Units."""


def find_workflows(reading: Reading) -> tuple[Named, ...]:
    every = (*_ids(reading), *_quoted(reading), *_headed(reading), *_started(reading), *_finished(reading))
    named = (found for found in every if found[2])
    return tuple(sorted(taken(reading, named), key=lambda workflow: workflow.start))


def _ids(reading: Reading) -> Iterator[tuple[int, int, str]]:
    for at, unit in enumerate(reading.units):
        if len(unit.text) > 80:
            continue
        lead = reading.word(at - 1)
        beside = lead in _HEADS or (lead in ("id", "run", "number") and reading.word(at - 2) in _HEADS)
        known = _ID.match(unit.text) or _ULID.match(unit.text)
        if known or (beside and _PLAIN_ID.match(unit.text)):
            yield unit.start, unit.end, unit.raw


def _quoted(reading: Reading) -> Iterator[tuple[int, int, str]]:
    """ "the 'restart stuck consumers' runbook" """
    if not reading.has(_HEADS):
        return
    for match in _IN_QUOTES.finditer(reading.text):
        before = reading.text[max(0, match.start() - 40) : match.start()].lower().split()
        after = reading.text[match.end() : match.end() + 20].lower().split()
        beside = {*(word.strip(":,.?!") for word in (*before[-2:], *after[:1]))}
        if beside & _HEADS:
            start, end = match.span(1)
            yield start, end, _name(match[1])


def _headed(reading: Reading) -> Iterator[tuple[int, int, str]]:
    """ "the db failover runbook", "runbook db-failover", "the workflow called nightly backup" """
    for at, unit in enumerate(reading.units):
        if unit.text not in _HEADS:
            continue
        first = at
        while first > at - LONGEST_NAME and _may_be_part(reading, first - 1, first):
            first -= 1
        first = _without_verb(reading, first, at)
        if first < at:
            start, end = reading.unit(first).start, reading.unit(at - 1).end
            yield start, end, _name(reading.text[start:end])
            continue
        yield from _after_head(reading, at)


def _may_be_part(reading: Reading, at: int, following: int) -> bool:
    unit = reading.unit(at)
    if not unit.text or unit.text in _NEVER or not _NAME_PART.match(unit.text) or unit.possessive:
        return False
    if reading.unit(following).gap.strip(" \t'\"‘“`"):
        return False
    return not unit.tag & (Tag.DETERMINER | Tag.PREPOSITION | Tag.AUXILIARY | Tag.CONJUNCTION | Tag.WH)


def _without_verb(reading: Reading, first: int, at: int) -> int:
    """The verb of an order is no part of the name: "run (db failover)"."""
    for place in range(at - 1, first - 1, -1):
        phrase = _VERBS.at(reading.s, reading.unit(place).token)
        begins = place == first and (place == 0 or reading.unit(place - 1).text in _NEVER | _POLITE)
        if phrase is not None and begins and _ends_unit(reading, place, phrase[1]):
            return min(at, place + _units_in(reading, place, phrase[1]))
    return first


_POLITE = frozenset(
    {"please", "pls", "can", "could", "you", "to", "and", "then", "just", "lets", "let's", "need", "want"}
)


def _ends_unit(reading: Reading, at: int, token: int) -> bool:
    """ "restart" is no verb in "restart-service"."""
    return reading.unit(at + _units_in(reading, at, token) - 1).after == token


def _units_in(reading: Reading, at: int, token: int) -> int:
    count = 0
    while reading.word(at + count) and reading.unit(at + count).token < token:
        count += 1
    return count


def _after_head(reading: Reading, at: int) -> Iterator[tuple[int, int, str]]:
    """A name with hyphens or in quotes after "workflow", or several words after "called"."""
    first = at + 1
    named = reading.word(first) in _NAMING
    first += named
    quoted = reading.unit(first).gap.strip() in ("'", '"', "`", "“", "‘", ":")
    running = reading.word(first) == "for" and _is_ordered(reading, at)
    first += running
    last = first
    while last < first + LONGEST_NAME and _may_be_part(reading, last, last if last > first else -1):
        if last > first and reading.unit(last).tag & (Tag.ORDINARY) and not (named or running or quoted):
            break
        last += 1
    if last == first:
        return
    unit = reading.unit(first)
    if named or quoted or running or "-" in unit.text or "_" in unit.text or not unit.tag:
        end = reading.unit(last - 1).end if named or running or quoted else unit.end
        yield unit.start, end, _name(reading.text[unit.start : end])


def _is_ordered(reading: Reading, at: int) -> bool:
    """ "run the runbook for redis failover" """
    start = at
    while start > 0 and reading.word(start - 1) in ("the", "a", "our"):
        start -= 1
    return _STRONG.before(reading.s, reading.unit(start).token, longest=2) is not None


def _started(reading: Reading) -> Iterator[tuple[int, int, str]]:
    """ "kick off nightly-backup", "start the data backfill": not a test, a query or an incident."""
    if reading.has(_HEADS):
        return
    for at, unit in enumerate(reading.units):
        phrase = _STRONG.at(reading.s, unit.token)
        if phrase is None or not _ends_unit(reading, at, phrase[1]):
            continue
        first = at + _units_in(reading, at, phrase[1])
        while reading.word(first) in ("the", "a", "our", "my", "that", "this"):
            first += 1
        last = first
        while last < first + LONGEST_NAME and _may_be_part(reading, last, last if last > first else -1):
            last += 1
        parts = reading.units[first:last]
        if parts and _is_started(parts, phrase[1] - unit.token, reading, last):
            yield parts[0].start, parts[-1].end, _name(reading.text[parts[0].start : parts[-1].end])


def _finished(reading: Reading) -> Iterator[tuple[int, int, str]]:
    """ "is the schema-migration done yet" """
    for at, unit in enumerate(reading.units):
        if "-" not in unit.text or unit.tag or not _NAME_PART.match(unit.text):
            continue
        lead = reading.word(at - 1) if reading.word(at - 1) not in ("the", "our", "my") else reading.word(at - 2)
        far = reading.word(at + 1) == "get" or reading.has(frozenset({"far"}))
        asked = lead in ("is", "has", "did", "was", "when", "if", "once", "after")
        if asked and (reading.word(at + 1) in _DONE or far):
            yield unit.start, unit.end, _name(unit.raw)


def _is_started(parts: tuple[Unit, ...], length: int, reading: Reading, after: int) -> bool:
    if any(part.text in _OTHER or (part.tag & (Tag.HEAD | Tag.STATE) and "-" not in part.text) for part in parts):
        return False
    if any(part.tag & Tag.MEASURE for part in parts) and len(parts) == 1:
        return False
    hyphenated = any("-" in part.text for part in parts)
    if hyphenated:
        return len(parts) == 1 or not reading.word(after) or bool(reading.unit(after).gap.strip())
    return len(parts) > 1 and not any(part.tag & Tag.ADJECTIVE for part in parts)


def _name(text: str) -> str:
    """In lower case with hyphens, without the three words."""
    kept = [word for word in re.split(r"[\s_]+", text.lower()) if word and word not in _HEADS]
    return "-".join(kept).strip("-'\"")
