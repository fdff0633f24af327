"""Measured plans in words: a module a shape of answer."""

from actors.conversation.answers.measures.measured import measured_answer

__all__ = ["measured_answer"]
