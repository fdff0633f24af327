"""One question: asked, followed to its end, and taken up again when the connection is cut."""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

from actors.platform.bus.ids import new_ulid
from gateway.cli.client import Client, Interrupted
from schemas.conversation import FINAL, REPLY_EVENT, ReplyEvent

PATH = "/api/v1/messages"
TRIES = 4
PAUSE_SECONDS = 0.5


@dataclass(slots=True)
class Question:
    """`as_of` is an RFC 3339 instant, checked by the gateway. The same turn id again is the same turn."""

    content: str
    session_id: str | None = None
    as_of: str | None = None
    turn_id: str = field(default_factory=new_ulid)

    def events(self, client: Client) -> Generator[ReplyEvent]:
        """From the first to the last, none twice. Raises Failed, a CopilotError, or Interrupted in the end."""
        seen = -1
        for left in reversed(range(TRIES)):
            try:
                for data in client.stream(PATH, self._body()):
                    event = REPLY_EVENT.validate_json(data)
                    if event.sequence <= seen:
                        continue
                    seen = event.sequence
                    yield event
                    if event.type in FINAL:
                        return
            except Interrupted:
                if not left:
                    raise
            time.sleep(PAUSE_SECONDS)
        raise Interrupted("the reply ended without its last event: ask again")

    def _body(self) -> dict[str, Any]:
        body = {
            "content": self.content,
            "turn_id": self.turn_id,
            "session_id": self.session_id,
            "as_of": self.as_of,
        }
        return {name: value for name, value in body.items() if value is not None}
