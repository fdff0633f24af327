"""Messages of names alone ("p99 checkout 1h", "INC-12"): there is no verb that the classifier could go by, and the
names leave one question only."""

from __future__ import annotations

import re

from actors.nlp.dialogue.reading import LIKELY, PROBABLE, Situation, by_rule
from schemas.nlp import Intent

FIGURES = frozenset(
    {"metric_query", "metric_compare", "slo_query", "cost_query", "capacity_forecast", "anomaly_detect"}
)
"""Questions for figures: between them the words decide, not the names."""
OF_METRIC = {"error_budget": "slo_query", "burn_rate": "slo_query", "cost": "cost_query"}
_START = (
    r"^(?:(?:please|now|can you|could you|go|then|and|also) )*"
    r"(?:run|start|kick off|launch|trigger|execute|begin)\b"
)
STARTED = {
    "workflow_start": re.compile(rf"{_START}.*§ (?:workflow|template)\b|{_START}.*\b(?:workflow|template) §"),
    "runbook_execute": re.compile(rf"{_START}.*§ (?:runbook|playbook)\b|{_START}.*\b(?:runbook|playbook) §"),
}
_WHERE = frozenset({"service", "environment", "time_range"})
_VERSUS = re.compile(r"\b(?:vs|versus|compared|against)\b")


def names_alone(here: Situation) -> Intent | None:
    found = here.clause.found
    if not here.fragment:
        return _named_by_kind(here) if found.workflows else None
    if found.metrics or found.percentiles:
        return _figure(here)
    rules = (
        ("incident_query", LIKELY, found.incident_ids and here.clause.types <= {"incident_id", "time_range"}),
        ("trace_query", LIKELY, found.trace_ids),
        ("log_query", PROBABLE, found.log_levels and found.services),
        ("service_health", PROBABLE, found.services and here.clause.types <= _WHERE),
    )
    return next((by_rule(name, level, here.ranking) for name, level, holds in rules if holds), None)


def _named_by_kind(here: Situation) -> Intent | None:
    """ "Run the smoke-test workflow" runs no tests: the name says what it is the name of."""
    for name, words in STARTED.items():
        if here.ranking.name != name and words.search(here.clause.bare):
            return by_rule(name, PROBABLE, here.ranking)
    return None


def _figure(here: Situation) -> Intent:
    """Where the classifier's word is a question for figures, it chose among them for a reason of its own."""
    found, ranking = here.clause.found, here.ranking
    compared = found.comparisons or _VERSUS.search(here.clause.bare) or len(found.services) > 1
    if compared and (ranking.name == "metric_compare" or found.comparisons or _VERSUS.search(here.clause.bare)):
        return by_rule("metric_compare", LIKELY, ranking)
    if found.horizons:
        return by_rule("capacity_forecast", PROBABLE, ranking)
    own = next((OF_METRIC[part.value] for part in found.metrics if part.value in OF_METRIC), "metric_query")
    if ranking.in_scope and ranking.name in FIGURES - {"metric_compare"}:
        return by_rule(ranking.name, max(LIKELY, ranking.confidence), ranking)
    return by_rule(own, LIKELY, ranking)
