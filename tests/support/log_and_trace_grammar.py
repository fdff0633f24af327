"""Strict readers of the parts of LogQL and TraceQL that are generated: anything else is an error.

Strings follow the rules of Go's double-quoted literals, which Loki and Tempo unquote them by.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_TOKEN = re.compile(
    r'\s*(?:(?P<string>"(?:[^"\\\n]|\\.)*")|(?P<duration>[0-9]+(?:us|ms|s)\b)|(?P<number>[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?)'
    r"|(?P<name>[a-zA-Z_][a-zA-Z0-9_.:]*)|(?P<sign>&&|\|=|=~|!~|!=|>=|<=|==|[{}()\[\],|=<>*]))"
)
_ESCAPES = {"n": "\n", "\\": "\\", '"': '"'}
COMPARISONS = ("==", "!=", ">", ">=", "<", "<=")


class NotGrammatical(ValueError):
    """The text is not of the generated part of the language."""


@dataclass
class Tokens:
    """`(kind, text)` in order."""

    found: list[tuple[str, str]]
    at: int = 0

    @classmethod
    def of(cls, text: str) -> Tokens:
        found: list[tuple[str, str]] = []
        place = 0
        while place < len(text):
            match = _TOKEN.match(text, place)
            if match is None or match.lastgroup is None:
                raise NotGrammatical(f"at {place}: {text[place : place + 20]!r}")
            found.append((match.lastgroup, match[match.lastgroup]))
            place = match.end()
        return cls(found)

    @property
    def next(self) -> tuple[str, str]:
        return self.found[self.at] if self.at < len(self.found) else ("end", "")

    def take(self, *texts: str, kind: str | None = None) -> str:
        """The next token, which must be one of the texts, or of the kind."""
        found, text = self.next
        if (texts and text not in texts) or (kind is not None and found != kind):
            raise NotGrammatical(f"{text!r} where {texts or kind} must be")
        self.at += 1
        return text

    def string(self) -> str:
        return unquoted(self.take(kind="string"))

    def end(self) -> None:
        self.take(kind="end") if self.at < len(self.found) else None


def unquoted(literal: str) -> str:
    """Raises NotGrammatical for an escape that Go does not know, a bare newline, NUL or byte order mark."""
    text, place = "", 1
    while place < len(literal) - 1:
        character = literal[place]
        if character in "\n\0\ufeff":
            raise NotGrammatical(f"{character!r} within a string")
        if character != "\\":
            text, place = text + character, place + 1
            continue
        escape = literal[place + 1]
        if escape == "u":
            text, place = text + chr(int(literal[place + 2 : place + 6], 16)), place + 6
        elif escape in _ESCAPES:
            text, place = text + _ESCAPES[escape], place + 2
        else:
            raise NotGrammatical(f"the escape \\{escape}")
    return text


# --- LogQL -----------------------------------------------------------------------------------------


@dataclass
class LogQuery:
    """`function` is empty for a query of lines."""

    streams: list[tuple[str, str, str]] = field(default_factory=list)
    contains: list[str] = field(default_factory=list)
    json: bool = False
    fields: list[tuple[str, str, str]] = field(default_factory=list)
    function: str = ""
    seconds: int = 0
    by: list[str] = field(default_factory=list)
    factor: float = 1.0
    comparison: tuple[str, float] | None = None
    rank: tuple[str, int] | None = None


def logql(text: str) -> LogQuery:
    tokens, query = Tokens.of(text), LogQuery()
    if tokens.next[1] == "{":
        _lines(tokens, query)
    elif tokens.next[1] in ("topk", "bottomk"):
        rank = tokens.take("topk", "bottomk")
        tokens.take("(")
        query.rank = (rank, int(tokens.take(kind="number")))
        tokens.take(",")
        _counted(tokens, query)
        tokens.take(")")
    else:
        _counted(tokens, query)
    tokens.end()
    return query


def _counted(tokens: Tokens, query: LogQuery) -> None:
    if tokens.next[0] == "number":
        query.factor = float(tokens.take())
        tokens.take("*")
    tokens.take("sum")
    if tokens.next[1] == "by":
        tokens.take("by")
        query.by = _names(tokens)
    tokens.take("(")
    query.function = tokens.take("count_over_time", "rate")
    tokens.take("(")
    _lines(tokens, query)
    tokens.take("[")
    query.seconds = int(tokens.take(kind="duration").removesuffix("s"))
    for sign in ("]", ")", ")"):
        tokens.take(sign)
    if tokens.next[1] in COMPARISONS:
        query.comparison = (tokens.take(), float(tokens.take(kind="number")))


def _names(tokens: Tokens) -> list[str]:
    tokens.take("(")
    names = [tokens.take(kind="name")]
    while tokens.next[1] == ",":
        tokens.take(",")
        names.append(tokens.take(kind="name"))
    tokens.take(")")
    return names


def _lines(tokens: Tokens, query: LogQuery) -> None:
    tokens.take("{")
    query.streams.append(_matcher(tokens))
    while tokens.next[1] == ",":
        tokens.take(",")
        query.streams.append(_matcher(tokens))
    tokens.take("}")
    while tokens.next[1] in ("|=", "|"):
        if tokens.take("|=", "|") == "|=":
            query.contains.append(tokens.string())
        elif tokens.next[1] == "json":
            tokens.take("json")
            query.json = True
        else:
            query.fields.append(_matcher(tokens))


def _matcher(tokens: Tokens) -> tuple[str, str, str]:
    return tokens.take(kind="name"), tokens.take("=", "!=", "=~", "!~"), tokens.string()


# --- TraceQL ---------------------------------------------------------------------------------------


@dataclass
class TraceQuery:
    """Values of conditions: text, number or duration as they are written, strings unquoted."""

    conditions: list[tuple[str, str, str]] = field(default_factory=list)
    function: str = ""
    arguments: list[str] = field(default_factory=list)
    by: list[str] = field(default_factory=list)


def traceql(text: str) -> TraceQuery:
    tokens, query = Tokens.of(text), TraceQuery()
    tokens.take("{")
    while tokens.next[1] != "}":
        name, operator = tokens.take(kind="name"), tokens.take("=", "!=", "=~", ">", ">=", "<", "<=")
        value = tokens.string() if tokens.next[0] == "string" else tokens.take()
        query.conditions.append((name, operator, value))
        if tokens.next[1] == "&&":
            tokens.take("&&")
    tokens.take("}")
    if tokens.next[1] == "|":
        tokens.take("|")
        query.function = tokens.take(kind="name")
        tokens.take("(")
        while tokens.next[1] != ")":
            query.arguments.append(tokens.take())
            if tokens.next[1] == ",":
                tokens.take(",")
        tokens.take(")")
        if tokens.next[1] == "by":
            tokens.take("by")
            query.by = _names(tokens)
    tokens.end()
    return query
