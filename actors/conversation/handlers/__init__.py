"""One handler an intent: from what was meant to what is said, with the evidence for it."""

from actors.conversation.handlers.request import Request, Said, remembered
from actors.conversation.handlers.respond import respond

__all__ = ["Request", "Said", "remembered", "respond"]
