"""A classifier that goes by keywords, for tests of what is made of its word: quick, and the same everywhere."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from actors.nlp.classifier import OUT_OF_SCOPE, Candidate, Ranking
from actors.nlp.registry import Registry, shipped

KEYWORDS = (
    ("knowledge_query", r"^how do i\b"),
    ("help", r"\bhelp\b|what can you do"),
    ("postmortem_generate", r"post ?mortem"),
    ("remember", r"\bremember\b|from now on"),
    ("test_coverage", r"coverage"),
    ("test_execute", r"\brun\b.*\btests?\b|did .* fail|why did it fail"),
    ("test_generate", r"\b(?:write|generate)\b.*\btests?\b"),
    ("approval_decide", r"^(?:approve|reject)\b"),
    ("incident_resolve", r"\b(?:resolve|close)\b"),
    ("incident_create", r"\b(?:open|create|file) (?:an?|a sev\d) (?:sev\d )?incident"),
    ("incident_update", r"\b(?:acknowledge|assign|raise)\b"),
    ("incident_query", r"\bincidents?\b|who is (?:working )?on"),
    ("runbook_execute", r"\brunbook\b"),
    ("workflow_control", r"^(?:pause|cancel|resume)\b"),
    ("workflow_status", r"workflows? .*running|how far|finished|approvals are waiting"),
    ("workflow_start", r"\b(?:start|run) .*workflow"),
    ("deploy", r"\bdeploy\b"),
    ("rollback", r"\broll\b.*\bback\b|\broll back\b"),
    ("scale", r"\bscale\b"),
    ("cost_query", r"\bcosts?\b"),
    ("slo_query", r"error budget|burn rate|\bslo\b"),
    ("capacity_forecast", r"run out|forecast"),
    ("metric_compare", r"\bcompare"),
    ("root_cause", r"\bwhy\b|what is wrong"),
    ("anomaly_detect", r"unusual|weird|anomal"),
    ("dependency_query", r"depend|who calls|calling|what (?:does|do) .* call"),
    ("alert_query", r"\balerts?\b"),
    ("log_query", r"\blogs?\b|logged"),
    ("trace_query", r"\btraces?\b"),
    (
        "metric_query",
        r"error rate|latency|\bp\d\d\b|percentile|request rate|throughput|cpu|memory|\berrors\b|502s",
    ),
    ("service_health", r"healthy|\bhealth\b|status|\bok\b|\bup\b|\bdown\b|degraded|doing|alive"),
    ("affirm", r"^(?:yes|sure|go ahead)\b"),
    ("deny", r"^(?:no|nope)\b"),
)


def rank(texts: Sequence[str]) -> list[Ranking]:
    """The first keyword that a text has decides; without one it is refused."""
    return [_ranked(text.lower()) for text in texts]


def _ranked(text: str) -> Ranking:
    found = [name for name, pattern in KEYWORDS if re.search(pattern, text)]
    if not found:
        return Ranking(OUT_OF_SCOPE, 0.9, (Candidate("metric_query", 0.05),), in_scope=False)
    others = tuple(Candidate(name, 0.04) for name in dict.fromkeys(found[1:]) if name != found[0])
    return Ranking(found[0], 0.9, others[:3], in_scope=True)


@dataclass
class KeywordRanker:
    """In the place of the actor's own."""

    registry: Registry = field(default_factory=shipped)
    confidence: float = 0.9

    async def start(self) -> None:
        """Nothing to fit."""

    async def stop(self) -> None:
        """Nothing is held."""

    async def rank(self, text: str) -> Ranking:
        found = rank([text])[0]
        return Ranking(found.name, self.confidence, found.alternatives, found.in_scope)
