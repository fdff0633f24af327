"""Intents that users add by a file: their own answer, or a workflow of theirs."""

from __future__ import annotations

import re

from actors.conversation.handlers.request import Request, Said

_PLACE = re.compile(r"\{(\w+)\}")


async def template(request: Request) -> Said:
    """The answer as the file has it; `{service}` and the like are replaced by what was understood."""
    values = {entity.type: entity.value for entity in request.meaning.entities}
    text = request.meaning.handling.template or ""
    return Said(_PLACE.sub(lambda found: values.get(found[1], found[0]), text))
