"""What is said: pure functions from typed results to Markdown. No bus, no I/O beyond the templates beside them."""

from actors.conversation.answers.chunking import chunks
from actors.conversation.answers.health import health_answer
from actors.conversation.answers.metric import metric_answer
from actors.conversation.answers.talk import (
    backend_down_answer,
    clarification,
    denied_answer,
    help_answer,
    nothing_offered_answer,
    out_of_scope_answer,
    unknown_service_answer,
)
from actors.conversation.answers.upstream import upstream_answer

__all__ = [
    "backend_down_answer",
    "chunks",
    "clarification",
    "denied_answer",
    "health_answer",
    "help_answer",
    "metric_answer",
    "nothing_offered_answer",
    "out_of_scope_answer",
    "unknown_service_answer",
    "upstream_answer",
]
