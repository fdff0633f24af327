"""How many: "5 replicas", "top 10", "last 3 deploys", "by 2", "+3", "double"."""

from __future__ import annotations

from actors.nlp.entities.found import FoundQuantity
from actors.nlp.entities.lexicon import Tag, plural, tag_of
from actors.nlp.entities.measures import measure, scaled
from actors.nlp.entities.reading import Reading
from actors.nlp.entities.tables import table, words

_COUNTED = {form: noun for noun in words("measures", "counted") for form in (noun, plural(noun))} | {
    "people": "person"
}
_WANTED, _BETWEEN = words("measures", "wanted"), words("measures", "wanted", "between")
SCALING_VERBS, _THINGS = words("measures", "scaling", "verbs"), words("measures", "scaling", "things")
_UP, _DOWN = words("measures", "scaling", "up"), words("measures", "scaling", "down")
_FACTORS = {
    name: float(value)
    for name, _, value in (entry.partition("=") for entry in str(table("measures")["scaling"]["factors"]).split())
}
_MORE = frozenset({"more", "extra", "additional", "further", "another"})
_FEWER = frozenset({"fewer", "less"})
_SCALING = frozenset(
    {"scale", "scaled", "scaling", "scales", "replicas", "replica", "autoscale", "upscale", "downscale"}
)
_RATES = frozenset({"rps", "qps", "tps", "rpm", "req/s", "reqs/s", "requests/s", "requests per second"})
_LEADS = frozenset({"to", "at", "=", ":", "with", "out", "up", "down", "exactly", "of", "→", ">"})
MOST_BETWEEN = 3
NEAR = 8
"""Tokens back to the verb that a number belongs to."""


def find_quantities(reading: Reading) -> tuple[FoundQuantity, ...]:
    """Of the numbers that nothing else has taken; each takes its place on the board."""
    found: list[FoundQuantity] = []
    at = 0
    while at < len(reading.s):
        here = _factor(reading, at) or _signed(reading, at) or _single(reading, at) or _number(reading, at)
        if here is None:
            at += 1
            continue
        quantity, at = here
        reading.board.take(quantity.start, quantity.end)
        found.append(quantity)
    return tuple(found)


Parsed = tuple[FoundQuantity, int]


def _number(reading: Reading, at: int) -> Parsed | None:
    s = reading.s
    found = scaled(s, at)
    if found is None or s.word(at - 1) == "per" or _in_a_name(reading, at, found[1]):
        return None  # "cost per 1000 requests"
    if not reading.board.free(*reading.span(at, found[1])):
        return None
    value, after = found
    if s.word(after) == "x" and s[after].glued:
        return _made(reading, at, after + 1, value, factor=True), after + 1
    between = after
    while between < after + MOST_BETWEEN and _describes(s.word(between)):
        between += 1
    of = _COUNTED.get(s.word(between), "")
    if of:
        return _counted(reading, at, after, value, of, {s.word(place) for place in range(after, between)})
    if s.word(after) in _MORE | _FEWER and _is_scaling(reading, at):
        return _relative(reading, at, after, value if s.word(after) in _MORE else -value), after
    return _wanted(reading, at, after, value) or _scaled_to(reading, at, after, value) or _load(reading, at, after)


def _describes(word: str) -> bool:
    """ "(10) slowest (traces)" """
    return word not in _COUNTED and (word in _BETWEEN or bool(tag_of(word) & Tag.ADJECTIVE) or word.endswith("ed"))


def _counted(reading: Reading, at: int, after: int, value: float, of: str, between: set[str]) -> Parsed | None:
    if value != int(value) and of not in ("core", "cpu", "gpu"):
        return None
    direction = _direction(reading, at) if of in _THINGS else 0
    if between & _MORE and (direction > 0 or of in _THINGS):
        return _relative(reading, at, after, value, of), after
    if between & _FEWER:
        return _relative(reading, at, after, -value, of), after
    adds = reading.s.word(at - 1) in ("by", "take") or any(
        reading.s.word(place) in ("add", "added", "remove", "removed", "kill", "drop", "cut")
        for place in range(max(0, at - 2), at)
    )
    if direction and adds:
        return _relative(reading, at, after, direction * value, of), after
    return _made(reading, at, after, value, of=of), after


def _wanted(reading: Reading, at: int, after: int, value: float) -> Parsed | None:
    """ "top 5", "bottom three", "limit 20" """
    lead = reading.s.word(at - 1)
    if lead not in _WANTED or reading.s.word(at) == "one" or value != int(value) or not 0 < value <= 100_000:
        return None
    following = reading.s[after]
    if following.glued and following.text in ("%", ".", ":", "-", "/"):
        return None
    return _made(reading, at, after, value), after


def _scaled_to(reading: Reading, at: int, after: int, value: float) -> Parsed | None:
    """ "scale checkout to 5", "by 2", "replicas=4" """
    s = reading.s
    lead, following = s.word(at - 1), s[after]
    if value != int(value) or following.text in ("%", "percent") or not _is_scaling(reading, at):
        return None
    if lead == "by":
        return _relative(reading, at, after, (_direction(reading, at) or 1) * value), after
    led = lead in _LEADS or s.word(at - 2) == "to"
    if led or following.text in ("", ".", "?", "!", ",", "in", "on"):
        return _made(reading, at, after, value), after
    return None


def _load(reading: Reading, at: int, after: int) -> Parsed | None:
    """ "enough for 5000 rps": so much to carry."""
    here = measure(reading, at)
    if here is None or here.after <= after or here.unit not in _RATES:
        return None
    number = scaled(reading.s, at)
    return (_made(reading, at, after, number[0]), after) if number else None


def _signed(reading: Reading, at: int) -> Parsed | None:
    """ "+3", "-1" """
    s = reading.s
    sign = s[at]
    if sign.text not in ("+", "-") or sign.glued or not s[at + 1].glued or s[at + 1].kind != "number":
        return None
    found = scaled(s, at + 1)
    if found is None or found[0] != int(found[0]) or not _is_scaling(reading, at):
        return None
    if not reading.board.free(*reading.span(at, found[1])) or (s[found[1]].glued and s[found[1]].kind == "word"):
        return None
    value = -found[0] if sign.text == "-" else found[0]
    return _relative(reading, at, found[1], value), found[1]


def _single(reading: Reading, at: int) -> Parsed | None:
    """ "add a replica", "one more pod", "remove another instance" """
    s = reading.s
    if s.word(at) not in ("a", "an", "another"):
        return None
    thing = at + 1
    while s.word(thing) in ("single", "more", "extra", "additional", "new") and thing < at + 3:
        thing += 1
    of = _COUNTED.get(s.word(thing), "")
    direction = _direction(reading, at)
    if of not in _THINGS or not direction or not reading.board.free(*reading.span(at, at + 1)):
        return None
    if s.word(at - 1) not in _UP | _DOWN and s.word(at) != "another" and s.word(at - 2) not in _UP | _DOWN:
        return None
    return _relative(reading, at, at + 1, float(direction), of), at + 1


def _factor(reading: Reading, at: int) -> Parsed | None:
    """ "double the replicas", "triple checkout" """
    factor = _FACTORS.get(reading.s.word(at))
    first = reading.words[:1] == (reading.s.word(at),)
    if factor is None or not (first or _is_scaling(reading, at, ahead=True)):
        return None
    return _made(reading, at, at + 1, factor, factor=True), at + 1


def _is_scaling(reading: Reading, at: int, *, ahead: bool = False) -> bool:
    s = reading.s
    if any(s.word(place) in _SCALING for place in range(max(0, at - NEAR), at + NEAR)):
        return True
    near = range(max(0, at - NEAR), at + (NEAR if ahead else 0))
    return any(s.word(place) in SCALING_VERBS for place in near) and any(
        s.word(place) in _THINGS for place in range(max(0, at - NEAR), at + NEAR)
    )


def _direction(reading: Reading, at: int) -> int:
    """1 up, -1 down, 0 where no word near before the number says."""
    for place in range(at - 1, max(-1, at - NEAR), -1):
        word = reading.s.word(place)
        if word in _UP:
            return 1
        if word in _DOWN:
            return -1
    if any(reading.s.word(place) == "away" for place in range(at, at + 4)):
        return -1
    return 1 if reading.s.word(at) == "another" else 0


def _in_a_name(reading: Reading, first: int, after: int) -> bool:
    """ "p95", "v2", "web-01", "3.2.1" are no numbers."""
    before, following = reading.s[first], reading.s[after]
    if before.glued and reading.s.word(first - 1) not in ("(", "=", ":", ",", "~", "<", ">", "/", "$", '"', "'"):
        return True
    return (
        following.glued
        and (following.kind == "word" or following.text in ("-", "_", "/", "%", ":", "@"))
        and following.text not in ("x", "k")
    )


def _relative(reading: Reading, first: int, after: int, value: float, of: str = "") -> FoundQuantity:
    start, end = reading.span(first, after)
    return FoundQuantity(start, end, f"{int(value):+d}", value, relative=True, of=of)


def _made(
    reading: Reading, first: int, after: int, value: float, *, of: str = "", factor: bool = False
) -> FoundQuantity:
    start, end = reading.span(first, after)
    text = f"{value:g}x" if factor else str(int(value)) if value == int(value) else f"{value:g}"
    return FoundQuantity(start, end, text, value, factor=factor, of=of)
