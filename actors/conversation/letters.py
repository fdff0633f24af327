"""Submissions that were only published: taken from the stream, stored, then acknowledged.

What can never be taken goes to the dead letters with its reason; an outage is waited out.
"""

from __future__ import annotations

import json

import structlog

from actors.conversation.acceptance import Acceptance
from actors.platform.bus import codec
from actors.platform.bus.identity import identify
from actors.platform.bus.transport import Delivery
from actors.platform.config import AuthSettings
from actors.platform.store import Database
from actors.platform.telemetry import Telemetry
from schemas.conversation import SubmitTurn
from schemas.errors import CopilotError, Retryable

log = structlog.get_logger(__name__)

ATTEMPTS = 5
AGAIN_SECONDS = 1.0


class LetterBox:
    def __init__(
        self, acceptance: Acceptance, database: Database, auth: AuthSettings, telemetry: Telemetry
    ) -> None:
        self._acceptance = acceptance
        self._database = database
        self._auth = auth
        self._dead = telemetry.counter("copilot_dead_letters", "Events that could not be taken.", ("reason",))

    async def take(self, delivery: Delivery) -> None:
        try:
            envelope = codec.decode(delivery.packet, SubmitTurn, delivery.identity)
            await self._acceptance.accept(envelope, identify(self._auth, envelope.authorization))
        except Retryable as error:
            log.warning("letters.waiting", error=error.detail)
            await delivery.again(AGAIN_SECONDS)
        except CopilotError as error:
            await self._bury(delivery, error.slug, error.detail)
        except Exception as error:
            # A fault of ours: it is tried again, and kept aside when it does not pass.
            log.exception("letters.failed", attempt=delivery.attempt)
            if delivery.attempt < ATTEMPTS:
                await delivery.again(AGAIN_SECONDS)
            else:
                await self._bury(delivery, "internal", repr(error))
        else:
            await delivery.acknowledge()

    async def _bury(self, delivery: Delivery, kind: str, reason: str) -> None:
        # The token would outlive its purpose in a table.
        headers = {k: v for k, v in delivery.packet.headers.items() if k.lower() != "authorization"}
        await self._database.run(
            "bury_letter",
            {
                "subject": delivery.packet.subject,
                "headers": json.dumps(headers).replace("\\u0000", "\\ufffd"),  # it stores no NUL
                "body": delivery.packet.body,
                "attempts": delivery.attempt,
                "reason": reason.replace("\0", "\ufffd"),
            },
        )
        self._dead.labels(kind).inc()
        log.warning("letters.dead", reason=reason)
        await delivery.acknowledge()
