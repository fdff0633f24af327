"""Why a request with a condition was carried out, or was not."""

from __future__ import annotations

from typing import Literal

from actors.conversation.answers.names import listed
from actors.conversation.answers.templates import render
from schemas.plans import Operator, Threshold

WORDS: dict[Operator, str] = {
    ">": "above",
    ">=": "at or above",
    "<": "below",
    "<=": "at or below",
    "==": "equal to",
    "!=": "different from",
}
Verdict = Literal["met", "not_met", "unknown", "not_judged", "waiting"]


def condition_line(
    verdict: Verdict, request: str, *, threshold: Threshold | None, condition: str | None, value: str | None
) -> str:
    """`request` is the intent in words; `value` the figure with its unit; `condition` as the text has it."""
    return render(
        "condition",
        verdict=verdict,
        request=request,
        than=f"{WORDS[threshold.operator]} {threshold.text}" if threshold else "",
        condition=condition,
        value=value,
    )


def in_words(intent: str) -> str:
    """ "incident_create" is "open an incident"."""
    return _INTENTS.get(intent, intent.replace("_", " "))


def in_words_all(intents: tuple[str, ...]) -> str:
    return listed(tuple(in_words(intent) for intent in intents))


_INTENTS = {
    "incident_create": "open an incident",
    "incident_update": "change the incident",
    "incident_resolve": "resolve the incident",
    "postmortem_generate": "draft a postmortem",
    "runbook_execute": "run the runbook",
    "test_generate": "write tests",
    "test_execute": "run the tests",
    "test_coverage": "show the coverage",
    "workflow_start": "start the workflow",
    "workflow_control": "steer the workflow",
    "workflow_status": "show how far the workflow is",
    "approval_decide": "decide the approval",
    "deploy": "deploy",
    "scale": "scale",
    "rollback": "roll back",
    "metric_query": "show the metric",
    "log_query": "show the logs",
    "trace_query": "show the traces",
    "service_health": "show the state of the services",
    "metric_compare": "compare",
    "anomaly_detect": "look for what is unusual",
    "root_cause": "look for the cause",
    "slo_query": "show the objective",
    "capacity_forecast": "forecast",
    "dependency_query": "show the dependencies",
    "alert_query": "show the alerts",
    "cost_query": "show the costs",
    "incident_query": "show the incidents",
    "knowledge_query": "look it up",
    "remember": "remember it",
}
