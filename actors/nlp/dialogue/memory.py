"""What a conversation has in hand after a message. Pure: the memory before and what was understood give it."""

from __future__ import annotations

from schemas.context import Frame, OpenQuestion, WorkingMemory
from schemas.plans import Plan

MOST_FRAMES = 6


def after_request(
    memory: WorkingMemory,
    plan: Plan,
    frame: Frame,
    missing: tuple[str, ...],
    options: tuple[str, ...],
) -> WorkingMemory:
    """`plan` has the defaults, the plan of `frame` is as it was said. A request that answers a question takes the
    place of the one that was asked about. A list that was shown stays in sight until another takes its place."""
    asked = memory.question.frame if memory.question is not None else None
    former = tuple(one for one in memory.frames if one not in (asked, frame))
    return WorkingMemory(
        plan=plan,
        frames=(frame, *former)[:MOST_FRAMES],
        shown=None if plan.comparison is not None and plan.comparison.sides else memory.shown,
        question=OpenQuestion(frame=frame, missing=missing, options=options) if missing else None,
    )


def after_talk(memory: WorkingMemory, intent: str) -> WorkingMemory:
    """Small talk leaves everything as it is; a no drops the question, and with it the request it was for."""
    if intent != "deny" or memory.question is None:
        return memory.model_copy(update={"offer": None})
    dropped = memory.question.frame
    frames = tuple(frame for frame in memory.frames if frame != dropped)
    return WorkingMemory(plan=frames[0].plan if frames else None, frames=frames)


def after_yes(memory: WorkingMemory, plan: Plan, frame: Frame) -> WorkingMemory:
    """The offered request is the latest now."""
    return WorkingMemory(plan=plan, frames=(frame, *memory.frames)[:MOST_FRAMES], shown=memory.shown)
