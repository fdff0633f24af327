"""One completion of a language model, through litellm: the only place that knows it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import structlog

from actors.platform.config import LlmSettings
from schemas.adapters import Usage
from schemas.errors import BackendUnavailable

log = structlog.get_logger(__name__)

Messages = list[dict[str, str]]


@dataclass(frozen=True, slots=True)
class Completed:
    text: str
    usage: Usage


class Completion:
    """The import takes seconds and hundreds of megabytes: it happens at the first use, in a thread."""

    def __init__(self, settings: LlmSettings) -> None:
        self._settings = settings
        self._litellm: Any = None
        self._errors: tuple[type[Exception], ...] = (ValueError, LookupError, AttributeError, OSError)
        self._loading = asyncio.Lock()

    async def load(self) -> None:
        async with self._loading:
            if self._litellm is None:
                self._litellm, provider_error = await asyncio.to_thread(import_litellm)
                self._errors = (provider_error, *self._errors)

    async def ask(self, messages: Messages, schema: Mapping[str, Any], seconds: float) -> Completed:
        """A JSON text bound to `schema`, by the first of the configured models that answers in time.

        Raises BackendUnavailable with what each of them said.
        """
        names = (self._settings.model, *self._settings.fallbacks)
        problems: list[str] = []
        deadline = asyncio.get_running_loop().time() + seconds
        await self._loaded(seconds)
        for name in names:
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0:
                break
            try:
                async with asyncio.timeout(left):
                    return await self._one(self._full(name), messages, schema, left)
            except TimeoutError:
                problems.append(f"{name} did not answer within {left:.3g} s")
            except self._errors as error:
                log.warning("models.failed", model=name, error=type(error).__name__)
                problems.append(f"{name} failed: {_why(error)}")
        raise BackendUnavailable("; ".join(problems) or f"no model answered within {seconds:.3g} s")

    async def _loaded(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self.load()
        except TimeoutError as error:
            raise BackendUnavailable("the client of the models is still being loaded") from error

    def _full(self, name: str) -> str:
        """litellm's own name, with the provider before it."""
        provider = self._settings.provider
        return name if name.startswith(f"{provider}/") else f"{provider}/{name}"

    async def _one(self, model: str, messages: Messages, schema: Mapping[str, Any], seconds: float) -> Completed:
        answer = await self._litellm.acompletion(
            model=model,
            messages=messages,
            max_tokens=self._settings.max_tokens,
            temperature=0,
            timeout=seconds,
            num_retries=0,
            api_base=self._settings.api_base or None,
            api_key=self._settings.api_key or None,
            response_format={
                "type": "json_schema",
                "json_schema": {"name": "answer", "strict": True, "schema": dict(schema)},
            },
        )
        text = answer.choices[0].message.content
        if not isinstance(text, str):
            raise ValueError("the answer has no text")
        return Completed(text, self._usage(model, answer))

    def _usage(self, model: str, answer: Any) -> Usage:
        counted = getattr(answer, "usage", None)
        tokens_in = int(getattr(counted, "prompt_tokens", 0) or 0)
        tokens_out = int(getattr(counted, "completion_tokens", 0) or 0)
        price = self._price(model)
        cost = tokens_in * price.get("input_cost_per_token", 0) + tokens_out * price.get(
            "output_cost_per_token", 0
        )
        return Usage(model=model, input_tokens=tokens_in, output_tokens=tokens_out, cost_usd=float(cost))

    def _price(self, model: str) -> Mapping[str, Any]:
        """Of litellm's list; nothing for a model that has none, such as one of one's own."""
        listed: Mapping[str, Mapping[str, Any]] = self._litellm.model_cost
        return listed.get(model) or listed.get(model.partition("/")[2]) or {}


def import_litellm() -> tuple[Any, type[Exception]]:
    """litellm, and what the errors of every provider are."""
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # no price map is fetched from anywhere
    import litellm
    import openai

    library = cast("Any", litellm)
    library.telemetry = False
    library.drop_params = True
    library.suppress_debug_info = True
    return library, openai.OpenAIError


def _why(error: Exception) -> str:
    """Not the error's own text: providers put keys and addresses into it."""
    status = getattr(error, "status_code", None)
    return f"{type(error).__name__} ({status})" if status else type(error).__name__
