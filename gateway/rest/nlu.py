"""How a text is understood: shown, not acted upon."""

from __future__ import annotations

from aiohttp import web

from gateway.call import Call, json_answer
from schemas.adapters import TRANSLATE, Command, Translation
from schemas.context import SessionMemory, SessionRef, WorkingMemory
from schemas.conversation import parts_of
from schemas.envelope import now
from schemas.errors import BackendUnavailable, InvalidInput, NotThereYet, Unavailable
from schemas.nlp import Understanding, Utterance
from schemas.rest import Parsed, ParseText
from schemas.subjects import ACT, SESSION_MEMORY, UNDERSTAND


async def parse(call: Call) -> web.StreamResponse:
    asked = await call.body(ParseText)
    session = await _session(call, asked.session_id)
    utterance = Utterance(
        text=asked.text,
        as_of=asked.as_of or now(),
        timezone=asked.timezone or session.timezone,
        memory=session.memory,
    )
    meaning = await call.gateway.pools.ask(UNDERSTAND, utterance, authorization=call.caller.authorization)
    return json_answer(
        Parsed(
            intent=meaning.intent,
            entities=meaning.entities,
            missing=meaning.missing,
            plan=meaning.plan,
            query=await _query(call, meaning),
            parts=parts_of(meaning),
        )
    )


async def _session(call: Call, session_id: str | None) -> SessionMemory:
    """What the session has in hand, read and left as it is. Raises NotFound for one that is not the caller's."""
    if session_id is None:
        return SessionMemory(memory=WorkingMemory(), timezone="UTC")
    call.caller.check_session(session_id)
    ref = SessionRef(id=session_id, identity=call.caller.identity)
    return await call.gateway.pools.ask(SESSION_MEMORY, ref, authorization=call.caller.authorization)


async def _query(call: Call, meaning: Understanding) -> Translation | None:
    """None where the plan is not complete, has no query, or nobody is there to translate it."""
    caller, plan = call.caller, meaning.plan
    reads = meaning.handling.permission == TRANSLATE.permission and caller.identity.may(TRANSLATE.permission)
    if plan is None or meaning.missing or not reads:
        return None
    command = Command(identity=caller.identity, input=plan.model_dump(mode="json"))
    try:
        outcome = await call.gateway.pools.ask(
            ACT,
            command,
            authorization=caller.authorization,
            seconds=TRANSLATE.deadline_seconds,
            module=TRANSLATE.module,
            action=TRANSLATE.name,
        )
    except (InvalidInput, NotThereYet, BackendUnavailable, Unavailable):
        return None
    return Translation.model_validate(outcome.output)
