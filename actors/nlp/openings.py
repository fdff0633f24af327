"""How requests begin: with a verb that asks for something to be done, or with the word of a question."""

from __future__ import annotations

import re

_POLITE = (
    r"(?:(?:and|then|also|so|now|please|pls|plz|kindly|just|next|finally|afterwards|additionally|second(?:ly)?|"
    r"first|can|could|would|will) |"
    r"(?:you|we|i) (?:can|could|please|also|then|should|must|want to|need to|have to|would) |"
    r"(?:i'd|i would) like (?:you )?to |i (?:want|need) (?:you )?to |let's |let us |go (?:ahead and |and )?|"
    r"you |help me |i want |i need |if (?:so|yes|not)[, ]+(?:then )?)*"
)
_VERBS = (
    "show|open|create|raise|file|declare|roll|rollback|revert|restart|reboot|bounce|scale|deploy|ship|release|push|"
    "tell|give|list|find|check|verify|run|start|stop|cancel|kill|notify|page|ping|assign|reassign|acknowledge|ack|"
    "resolve|close|write|generate|draft|prepare|compare|explain|investigate|analy[sz]e|approve|reject|deny|decline|"
    "remember|forget|get|pull|fetch|look|search|grep|tail|count|plot|graph|draw|chart|pause|resume|abort|execute|"
    "trigger|launch|kick|rerun|re-run|retry|escalate|lower|bump|set|update|add|mark|put|promote|undo|drain|increase|"
    "decrease|reduce|double|halve|diagnose|debug|calculate|compute|estimate|forecast|predict|project|summari[sz]e|"
    "describe|report|display|print|dump|monitor|watch|alert|post|send|see|inform|note|log|take|bring|make sure|"
    "make|let me know|let me see"
)
VERBS = _VERBS
"""Alternatives of a regular expression."""
ORDERS = frozenset(verb for verb in _VERBS.split("|") if verb.isalpha())
_ASKS = (
    "what|whats|what's|which|who|whos|who's|how|hows|how's|why|when|where|is|are|was|were|does|do|did|has|have|any"
)
_COMMAND = re.compile(rf"^{_POLITE}(?:{_VERBS})\b")
_QUESTION = re.compile(rf"^(?:and |so |then |also |please |but )*(?:{_ASKS})\b")


def commands(bare: str) -> bool:
    """ "show …", "could you please roll back …"."""
    return _COMMAND.search(bare) is not None


def requests(bare: str) -> bool:
    """Begins as a command or a question does."""
    return commands(bare) or _QUESTION.search(bare) is not None
