"""What is said: pure functions from typed results to Markdown. No bus, no I/O beyond the templates beside them."""

from actors.conversation.answers.chunking import chunks
from actors.conversation.answers.conditions import Verdict, condition_line, in_words
from actors.conversation.answers.dependencies import dependencies_answer, graph_answer
from actors.conversation.answers.health import health_answer, worst_first
from actors.conversation.answers.later import Later, later_answer
from actors.conversation.answers.measures import measured_answer
from actors.conversation.answers.metric import metric_answer
from actors.conversation.answers.questions import clarification
from actors.conversation.answers.talk import (
    backend_down_answer,
    denied_answer,
    help_answer,
    nothing_offered_answer,
    out_of_scope_answer,
    refused_answer,
    unknown_service_answer,
)
from actors.conversation.answers.units import figure_of, told_per_seconds
from actors.conversation.answers.upstream import upstream_answer

__all__ = [
    "Later",
    "Verdict",
    "backend_down_answer",
    "chunks",
    "clarification",
    "condition_line",
    "denied_answer",
    "dependencies_answer",
    "figure_of",
    "graph_answer",
    "health_answer",
    "help_answer",
    "in_words",
    "later_answer",
    "measured_answer",
    "metric_answer",
    "nothing_offered_answer",
    "out_of_scope_answer",
    "refused_answer",
    "told_per_seconds",
    "unknown_service_answer",
    "upstream_answer",
    "worst_first",
]
