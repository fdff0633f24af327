"""A scripted server that speaks the OpenAI interface on loopback."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass
class LanguageModel:
    """`says` is the text of every answer; a number is an HTTP status to fail with; None never answers. `by_model`
    goes before it."""

    says: str | int | None = '{"intent": "metric_query"}'
    by_model: dict[str, str | int | None] = field(default_factory=dict[str, str | int | None])
    asked: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    keys: list[str] = field(default_factory=list[str])
    url: str = ""

    async def complete(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.asked.append(body)
        self.keys.append(request.headers.get("Authorization", ""))
        says = self.by_model.get(body["model"], self.says)
        if says is None:
            await asyncio.Event().wait()
        if isinstance(says, int):
            return web.json_response({"error": {"message": "scripted", "type": "server_error"}}, status=says)
        return web.json_response(
            {
                "id": f"chatcmpl-{len(self.asked)}",
                "object": "chat.completion",
                "created": 1,
                "model": body["model"],
                "choices": [
                    {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": says}}
                ],
                "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110},
            }
        )

    def shown(self) -> str:
        """All that the last question showed to the model."""
        return json.dumps(self.asked[-1]["messages"], ensure_ascii=False)


@asynccontextmanager
async def language_model() -> AsyncGenerator[LanguageModel]:
    model = LanguageModel()
    app = web.Application()
    app.router.add_post("/v1/chat/completions", model.complete)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    model.url = f"http://127.0.0.1:{port}/v1"
    yield model
    await runner.cleanup()
