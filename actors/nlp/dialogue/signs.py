"""The small words that tie a message to those before it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from actors.nlp.clause import Clause
from actors.nlp.cues import without_cues
from actors.nlp.dialogue.words import NOUNS, WORDS

LONGEST = 24
"""Words beside the names: a longer message is no fragment of another one."""

_WORD = re.compile(r"[^\W_]+")
_LEADS = re.compile(
    r"^(?:and|also|what about|how about|what of|how's about|what if|(?:the )?same|plus|or|then|now|but|ditto|"
    r"likewise|as for|as to|vs|versus|compared|only|just|not|no|instead|rather)\b"
)
_TRAILS = re.compile(r"\b(?:too|as well|instead|also|again|likewise)\W*$")
_NOUN = "|".join(sorted(NOUNS, key=len, reverse=True))
_PRONOUNS = re.compile(
    r"\b(?:it|its|itself|they|them|their|theirs|same|this|those|these)\b|"
    r"\b(?<!is )(?<!are )(?<!was )(?<!were )(?<!s )there\b(?! (?:is|are|was|were|been|any|s)\b)|"
    rf"\b(?:that|the) (?:same |very |last |latest |previous |other )?(?:{_NOUN}|one)\b(?! §)|"
    r"\bthat(?= (?:is|was|s|be|too|again|now)\b|\W*$)|"
    r"\b(?:is|are|was|were|does|did|has|do|can|why|how) that\b(?! §)|"
    r"\b(?:of|for|about|on|with|from|behind|in|cause[sd]?) that\b"
)
_EXPLETIVE = re.compile(
    r"\b(?:is it (?:possible|ok|okay|true|safe)|it (?:seems|looks like|is possible)|"
    r"how long (?:does|will|would|did) it take|make it so|how is it going)\b"
)
_CORRECTS = re.compile(
    r"^(?:no|nope|nah|not|sorry|oops|ups|whoops|wait|actually|hold on|rather|wrong|correction|scratch that|"
    r"my bad|my mistake|typo|make (?:it|that)|that should|should (?:be|have been))\b|"
    r"\bi (?:mean|meant|said|wanted|was asking)\b|\binstead\b|\brather\b|\bnot §(?:\W+§)?\W*$"
)
_RETURNS = re.compile(
    r"\b(?:(?:go |going |coming |come |get |getting )?back (?:to|on)|return(?:ing)? to|switch back)\b"
)
_REPEATS = re.compile(
    r"^(?:and |now |then |please |can you |could you |do )*(?:again|once more|once again|same again|"
    r"(?:repeat|refresh|re-?run)(?: (?:that|it))?|try again|one more time|"
    r"(?:do|run|check|show|ask|try) (?:it |that |them |me )?(?:again|once more)|"
    r"same (?:question|query|thing)(?: again)?)(?: please)?\W*$"
)
_NOW = re.compile(
    r"\b(?:right now|now|currently|at the moment|at present|atm)\W*$|\bis (?:it|that|there) (?:\w+ )?now\b"
)
_WHY = re.compile(r"^(?:and |but |so )?(?:why|how come|what for|what happened|what went wrong|how so)\b")


@dataclass(frozen=True, slots=True)
class Signs:
    leads: bool
    """ "and …", "what about …", "… too"."""
    refers: bool
    """ "it", "that service", "there"."""
    corrects: bool
    """ "no, I meant …", "not … but …"."""
    returns: bool
    """ "back to …"."""
    repeats: bool
    """ "again"."""
    now: bool
    """Asks for the present, whatever was spoken of."""
    why: bool
    nouns: frozenset[str]
    """What kinds of things it refers to by name of the kind: "that service"."""
    glued: bool
    """There is nothing but names and the words that hold sentences together."""


def signs(clause: Clause) -> Signs:
    bare, words = clause.bare, clause.words
    return Signs(
        leads=bool(_LEADS.search(bare) or _TRAILS.search(bare)),
        refers=bool(_PRONOUNS.search(_EXPLETIVE.sub(" ", bare))),
        corrects=_CORRECTS.search(bare) is not None,
        returns=_RETURNS.search(bare) is not None,
        repeats=_REPEATS.search(bare) is not None,
        now=_NOW.search(bare) is not None,
        why=_WHY.search(bare) is not None,
        nouns=frozenset(NOUNS[word] for word in words if word in NOUNS),
        glued=len(words) <= LONGEST and not left_over(clause),
    )


def left_over(clause: Clause) -> tuple[str, ...]:
    """The words that are neither names nor glue, nor say of what form the answer should be."""
    words = _WORD.findall(without_cues(clause.bare))
    return tuple(word for word in words if word not in WORDS["glue"])


_NEGATES = re.compile(
    r"(?:\bnot|\binstead of|\brather than|\bisn't|\bwasn't|\bno longer)(?: in| on| for| from| of| at)?"
    r"(?: the| my| our)?\s*$",
    re.IGNORECASE,
)


def negated(message: str, start: int) -> bool:
    """Whether what begins at `start` is named to be left out: "not checkout"."""
    return _NEGATES.search(message[max(0, start - 40) : start].replace("’", "'")) is not None
