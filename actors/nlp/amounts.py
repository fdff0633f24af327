"""Numbers as people write them: "30", "1,000", "1.5", "two hundred and ten", "a dozen", "two and a half"."""

from __future__ import annotations

from actors.nlp.sentence import Sentence

_SMALL = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
UNITS: dict[str, float] = {word: float(value) for value, word in enumerate(_SMALL)}
TENS: dict[str, float] = {word: 10.0 * value for value, word in enumerate(_TENS, start=2)} | {"fourty": 40.0}
SCALES: dict[str, float] = {"dozen": 12.0, "dozens": 12.0, "hundred": 100.0, "thousand": 1e3, "million": 1e6} | {
    "billion": 1e9
}
VAGUE: dict[str, float] = {"couple": 2.0, "few": 3.0, "several": 5.0}
PARTS: dict[str, float] = {"half": 0.5}
NUMBER_WORDS = frozenset({*UNITS, *TENS, *SCALES, *VAGUE, *PARTS})

_BEGINS = NUMBER_WORDS | {"a", "an", "the"}

Parsed = tuple[float, int]
"""The value, and the position after it."""


def number(s: Sentence, at: int) -> Parsed | None:
    """Written in digits or in words; "a" and "an" alone are none."""
    if s[at].kind != "number" and s.word(at) not in _BEGINS:
        return None
    found = digits(s, at) or _words(s, at) or _vague(s, at)
    if found is None:
        return None
    value, after = found
    if s.follows(after, "and", "a", "half"):
        return value + 0.5, after + 3
    if s[at].kind == "number" and s.word(after) == "½":
        return value + 0.5, after + 1
    return found


def digits(s: Sentence, at: int) -> Parsed | None:
    """ "1,000" is a thousand; a comma before other than three digits ends the number."""
    token = s[at]
    if token.kind != "number":
        return None
    text, after = token.text, at + 1
    while _is_group(s, after, len(text) <= 3 or after > at + 1) and "." not in text:
        text, after = text + s.word(after + 1), after + 2
        if len(text) > 12:
            return None
    if after == at + 1 and _is_decimal_comma(s, after):
        return float(f"{text}.{s.word(after + 1)}"), after + 2
    return float(text), after


def _is_decimal_comma(s: Sentence, at: int) -> bool:
    """ "1,5 s" as half of Europe writes it; not a list ("1,2,3")."""
    comma, rest = s[at], s[at + 1]
    whole = s.word(at - 1).isdigit() and rest.kind == "number" and rest.text.isdigit() and len(rest.text) <= 2
    return whole and comma.text == "," and comma.glued and rest.glued and s.word(at + 2) != ","


def _is_group(s: Sentence, at: int, lead: bool) -> bool:
    comma, group = s[at], s[at + 1]
    whole = group.text.partition(".")[0]
    return (
        lead and comma.text == "," and comma.glued and group.kind == "number" and group.glued and len(whole) == 3
    )


def _words(s: Sentence, at: int) -> Parsed | None:
    led = s.word(at) in ("a", "an") and s.word(at + 1) in SCALES
    if led or s.word(at) in ("dozen", "hundred", "thousand"):
        total, after = 1.0, at + 1 if led else at
    else:
        small = _below_thousand(s, at)
        if small is None:
            return None
        total, after = small
    scale = SCALES.get(s.word(after))
    if scale is None:
        return total, after
    rest = _below_thousand(s, s.skip(after + 1, "and")) if scale >= 100 else None
    if rest is None or rest[0] >= scale:
        return total * scale, s.skip(after + 1, "of") if scale == 12 else after + 1
    return total * scale + rest[0], rest[1]


def _below_thousand(s: Sentence, at: int) -> Parsed | None:
    small = _below_hundred(s, at)
    if small is None or s.word(small[1]) != "hundred":
        return small
    rest = _below_hundred(s, s.skip(small[1] + 1, "and"))
    return (small[0] * 100 + rest[0], rest[1]) if rest else (small[0] * 100, small[1] + 1)


def _below_hundred(s: Sentence, at: int) -> Parsed | None:
    word = s.word(at)
    if word in UNITS:
        return UNITS[word], at + 1
    if word not in TENS:
        return None
    after = at + 2 if s.word(at + 1) == "-" and s.word(at + 2) in UNITS else at + 1
    one = UNITS.get(s.word(after), 0.0)
    return (TENS[word] + one, after + 1) if 1 <= one <= 9 else (TENS[word], at + 1)


def _vague(s: Sentence, at: int) -> Parsed | None:
    """ "a couple of", "few", "half an" """
    if s.word(at) in ("a", "an", "the") and (s.word(at + 1) in VAGUE or s.word(at + 1) in PARTS):
        at += 1
    word = s.word(at)
    if word in VAGUE:
        return VAGUE[word], s.skip(at + 1, "of")
    if word in PARTS:
        return PARTS[word], s.skip(s.skip(at + 1, "of"), "a", "an")
    return None
