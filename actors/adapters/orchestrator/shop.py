"""The demo shop as an orchestrator: its own HTTP interface, which remembers the key of every change."""

from __future__ import annotations

import json
import time
from typing import Any, Final, cast

from pydantic import ValidationError

from actors.adapters.endpoint import Endpoint, Named, Reply
from actors.adapters.orchestrator.port import Capability
from actors.adapters.port import Wiring
from schemas.adapters import BackendState
from schemas.errors import BackendUnavailable, Conflict, CopilotError, InvalidInput
from schemas.orchestrator import (
    Change,
    Changed,
    ChangeName,
    Deploy,
    Restart,
    Rollback,
    Scale,
    ServiceState,
    StatusQuestion,
)

SHOP = Named("shop", "the demo shop", "COPILOT_ORCHESTRATOR__URL")
PROBE_SECONDS = 0.9
CAPABILITIES: frozenset[Capability] = frozenset({"deploy", "canary", "scale", "rollback", "restart", "status"})


class ShopOrchestrator:
    """An `Orchestrator`."""

    def __init__(self, wiring: Wiring) -> None:
        self.name: Final = SHOP.key
        self.capabilities: Final = CAPABILITIES
        settings = wiring.settings.orchestrator
        self._endpoint = Endpoint(SHOP, settings.url, wiring, settings.timeout_seconds)

    async def deploy(self, asked: Deploy, key: str) -> Changed:
        return await self._change("deploy", asked, key, version=asked.version, share=asked.share)

    async def scale(self, asked: Scale, key: str) -> Changed:
        return await self._change("scale", asked, key, replicas=asked.replicas)

    async def rollback(self, asked: Rollback, key: str) -> Changed:
        return await self._change("rollback", asked, key, version=asked.version)

    async def restart(self, asked: Restart, key: str) -> Changed:
        return await self._change("restart", asked, key)

    async def status(self, asked: StatusQuestion) -> tuple[ServiceState, ...]:
        parameters = {"environment": asked.environment} if asked.environment else {}
        body = self._body(await self._endpoint.get("state", parameters))
        environment, services = str(body["environment"]), cast("dict[str, Any]", body["services"])
        if asked.service is None:
            return tuple(self._service(name, environment, services[name]) for name in sorted(services))
        if asked.service not in services:
            raise InvalidInput(f"no service {asked.service!r}; there are {', '.join(sorted(services))}")
        return (self._service(asked.service, environment, services[asked.service]),)

    async def state(self) -> BackendState:
        if not self._endpoint.configured:
            return BackendState(name=self.name, status="not_configured", message=f"{SHOP.setting} is empty")
        started = time.perf_counter()
        try:
            self._body(await self._endpoint.get("health", seconds=PROBE_SECONDS))
        except CopilotError as error:
            return BackendState(name=self.name, status="down", message=error.detail)
        latency = (time.perf_counter() - started) * 1_000
        return BackendState(name=self.name, status="up", latency_ms=latency, message=self._endpoint.shown)

    async def _change(self, change: ChangeName, asked: Change, key: str, **details: Any) -> Changed:
        request = {"action": change, "service": asked.service, "key": key, **details}
        if asked.environment is not None:
            request["environment"] = asked.environment
        body = self._body(await self._endpoint.post("actions", request))
        state = self._service(asked.service, str(body["environment"]), body["state"])
        return Changed(change=change, at=body["at"], state=state)

    def _service(self, name: str, environment: str, body: Any) -> ServiceState:
        try:
            return ServiceState.model_validate({**body, "service": name, "environment": environment})
        except ValidationError as error:
            raise BackendUnavailable(f"{self._endpoint.shown} answers with something else") from error

    def _body(self, reply: Reply) -> dict[str, Any]:
        try:
            body = cast("dict[str, Any]", json.loads(reply.body))
            said = str(body.get("error", ""))
        except (ValueError, AttributeError) as error:
            raise BackendUnavailable(f"{self._endpoint.shown} does not answer in JSON") from error
        if reply.status == 200:
            return body
        if reply.status == 409:
            raise Conflict(said)
        if 400 <= reply.status < 500:
            raise InvalidInput(said)
        raise BackendUnavailable(f"{self._endpoint.shown} answers with status {reply.status}")
