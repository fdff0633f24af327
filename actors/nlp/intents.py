"""Which of the six intents: rules over words and entities. The confidence is a fixed level for each rule,
an estimate of how often it is right, not a measured probability."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from actors.nlp.entities import Found
from actors.nlp.words import WORDS
from schemas.context import WorkingMemory
from schemas.nlp import Alternative, Intent

IntentName = Literal["metric_query", "service_health", "help", "affirm", "deny", "out_of_scope"]
CERTAIN, LIKELY, PROBABLE, GUESS = 0.97, 0.9, 0.75, 0.6

YES = WORDS["yes"]
NO = WORDS["no"]
ANSWER_FILLERS = WORDS["beside_yes_and_no"]
ASKING = frozenset({"is", "are", "can", "will", "would"})
GO_AHEAD = (("go", "ahead"), ("do", "it"), ("do", "that"), ("please", "do"), ("of", "course"), ("sounds", "good"))
LATER = (("maybe", "later"), ("not", "now"), ("never", "mind"))

_HELP = re.compile(
    r"\b(?:what (?:can|could|do) (?:you|i|we) (?:do|ask|help|offer|support|understand|know)|what are you able|"
    r"what are your (?:capabilities|features|commands)|who are you|what are you|how (?:can|do) (?:you|i) "
    r"(?:help|work|use)|help me|can you help|capabilities|what questions)\b",
    re.IGNORECASE,
)
_HEALTH = re.compile(
    r"\b(?:health|healthy|unhealthy|status|state|healthcheck|ok|okay|up|down|alive|dead|running|working|doing|fine|"
    r"degraded|available|broken|stable|trouble|problems?|issues?|wrong|outages?|overview|on fire|alright)\b",
    re.IGNORECASE,
)
_HOW_IS = re.compile(r"\bhow(?: is| are|'s|’s|s)\b", re.IGNORECASE)
_STATUS = re.compile(r"\b(?:health|status|state|healthcheck|health check|overview)\b(?! codes?\b)", re.IGNORECASE)
_EVERYTHING = re.compile(
    r"\b(?:(?:is|are) (?:we|everything|anything|all|the (?:system|platform|site|services))|"
    r"anything|everything|services|system|platform|any)\b",
    re.IGNORECASE,
)
_WHICH = re.compile(r"\b(?:which|what) (?:of the |of our )?(?:micro)?services?\b", re.IGNORECASE)
_QUESTION = re.compile(
    r"\b(?:how|what|show|any|are|is|many|number|count|give|get|display|tell|check|much|list)\b", re.IGNORECASE
)
ORDERS = WORDS["orders"]
POLITE = frozenset(
    {"please", "can", "could", "would", "you", "kindly", "now", "and", "then", "just", "i", "want", "to"}
)
ELSEWHERE = WORDS["elsewhere"]

FOLLOW_UP_WORDS = WORDS["follow_up"]
LEADS = (
    ("and",),
    ("what", "about"),
    ("how", "about"),
    ("same",),
    ("no",),
    ("then",),
    ("or",),
    ("now",),
    ("also",),
)
FOLLOW_UP_LENGTH = 16


@dataclass(frozen=True, slots=True)
class Verdict:
    name: IntentName
    confidence: float
    follow_up: bool = False
    """Goes on with the plan in memory."""

    def intent(self) -> Intent:
        rest = round((1 - self.confidence) * 0.8, 3)
        other = "metric_query" if self.name == "out_of_scope" else "out_of_scope"
        unsure = self.confidence < LIKELY
        return Intent(
            name=self.name,
            confidence=self.confidence,
            alternatives=(Alternative(name=other, confidence=rest),) if unsure else (),
        )


def classify(text: str, found: Found, memory: WorkingMemory) -> Verdict:
    if not found.words:
        return Verdict("out_of_scope", LIKELY)
    answer = _answer(found, memory)
    if answer is not None:
        return answer
    if _is_order(found.words) or _is_elsewhere(found):
        return Verdict("out_of_scope", PROBABLE)
    continued = _follow_up(text, found, memory)
    if continued is not None:
        return continued
    return _metric(text, found) or _health(text, found) or _talk(text, found)


def _answer(found: Found, memory: WorkingMemory) -> Verdict | None:
    """Yes and no. A message that names something is never one: it is a correction or an answer of its own."""
    words = found.words
    if len(words) > FOLLOW_UP_LENGTH or found.names_service or found.measures or found.times:
        return None
    if words[0] in ASKING:
        return None  # "is it ok"
    if memory.offer is not None and "investigate" in words and words[0] not in NO:
        return Verdict("affirm", LIKELY)
    if not all(word in YES or word in NO or word in ANSWER_FILLERS or word == "maybe" for word in words):
        return None
    said_no = any(word in NO for word in words) or _has(words, LATER)
    said_yes = any(word in YES for word in words) or _has(words, GO_AHEAD)
    level = CERTAIN if memory.offer is not None or len(words) <= 3 else LIKELY
    if said_no:
        return Verdict("deny", level)
    return Verdict("affirm", level) if said_yes else None


def _has(words: tuple[str, ...], phrases: tuple[tuple[str, ...], ...]) -> bool:
    return any(
        words[at : at + len(phrase)] == phrase for phrase in phrases for at in range(len(words) - len(phrase) + 1)
    )


def _is_order(words: tuple[str, ...]) -> bool:
    """Starts with a verb that changes something."""
    first = next((word for word in words if word not in POLITE), "")
    return first in ORDERS


def _is_elsewhere(found: Found) -> bool:
    strong = any(metric.strong for metric in found.metrics) or bool(found.percentiles)
    return not ELSEWHERE.isdisjoint(found.words) and not strong


def _follow_up(text: str, found: Found, memory: WorkingMemory) -> Verdict | None:
    plan = memory.plan
    if (
        plan is None
        or plan.intent not in ("metric_query", "service_health")
        or len(found.words) > FOLLOW_UP_LENGTH
    ):
        return None
    if not (found.names_service or found.measures or found.times or found.everything):
        return None
    led = any(found.words[: len(lead)] == lead for lead in LEADS)
    # A question of its own, unless the plan still lacks the metric: then it is the answer to that.
    measured = found.measures and (plan.metric is not None or found.names_service)
    own = measured or _HEALTH.search(text) is not None
    if (own and not led) or not all(word in FOLLOW_UP_WORDS for word in _left_over(text, found)):
        return None
    name: IntentName = "metric_query" if found.measures or plan.intent == "metric_query" else "service_health"
    return Verdict(name, LIKELY if led else PROBABLE, follow_up=True)


def _left_over(text: str, found: Found) -> list[str]:
    """The words outside of all entities."""
    kept: list[str] = []
    at = 0
    for start, end in sorted(found.spans):
        kept.append(text[at:start])
        at = max(at, end)
    kept.append(text[at:])
    return re.findall(r"\w+", " ".join(kept).lower())


def _metric(text: str, found: Found) -> Verdict | None:
    scoped = found.names_service or found.everything
    if _WHICH.search(text) and found.measures and not found.names_service:
        return Verdict("service_health", PROBABLE)  # a comparison of all: the overview has every service's figures
    if any(metric.strong for metric in found.metrics) or found.percentiles:
        return Verdict("metric_query", CERTAIN if scoped else LIKELY)
    if not found.metrics:
        return None
    if found.names_service:
        return Verdict("metric_query", LIKELY)
    return Verdict("metric_query", PROBABLE) if _QUESTION.search(text) else None


def _health(text: str, found: Found) -> Verdict | None:
    asked = _HEALTH.search(text) is not None or _HOW_IS.search(text) is not None
    if asked and found.names_service:
        return Verdict("service_health", CERTAIN if _STATUS.search(text) else LIKELY)
    if asked and _EVERYTHING.search(text):
        return Verdict("service_health", LIKELY)
    if _STATUS.search(text) and len(found.words) <= 6:
        return Verdict("service_health", PROBABLE)
    return None


def _talk(text: str, found: Found) -> Verdict:
    if found.words in (("help",), ("commands",), ("help", "please"), ("please", "help")) or _HELP.search(text):
        return Verdict("help", CERTAIN if len(found.words) <= 8 else PROBABLE)
    if found.services and found.times:
        return Verdict("metric_query", GUESS)
    if found.services and len(found.words) <= 4:
        return Verdict("service_health", GUESS)
    return Verdict("out_of_scope", GUESS if found.services or found.mentions else LIKELY)
