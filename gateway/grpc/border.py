"""What happens to every gRPC call before and after its method: who calls, from which trace, until when;
errors as a status with the problem beside it."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

import grpc
import grpc.aio

from actors.platform.bus import deadline_scope
from gateway.auth import Caller
from gateway.gateway import Gateway
from gateway.middleware import request_id_of
from gateway.problems import as_error
from schemas.errors import TABLE, CopilotError

PROBLEM_METADATA = "copilot-problem-bin"
SERVICE = "/copilot.v1.CoPilotService/"
Context = grpc.aio.ServicerContext[Any, Any]


@dataclass(frozen=True, slots=True)
class GrpcCall:
    caller: Caller
    idempotency_key: str | None


class Border:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    @asynccontextmanager
    async def crossing(self, method: str, context: Context) -> AsyncGenerator[GrpcCall]:
        """Identifies, limits, sets the client's deadline; turns every error into the call's status."""
        started = time.perf_counter()
        metadata = _metadata(context)
        request_id = request_id_of(metadata.get("x-request-id"))
        status = "CANCELLED"
        try:
            with (
                self._gateway.telemetry.border_span(method, metadata) as span,
                deadline_scope(_deadline(context)),
            ):
                headers = {"x-request-id": request_id, **span.headers()}
                await context.send_initial_metadata(tuple(headers.items()))
                caller = self._gateway.doorkeeper.identify(metadata.get("authorization"))
                await self._gateway.admit(caller)
                caller.need("chat")
                yield GrpcCall(caller, metadata.get("idempotency-key"))
                status = "OK"
        except Exception as error:
            if isinstance(error, grpc.RpcError | grpc.aio.AbortError):
                raise
            found = as_error(error)
            status = TABLE[found.slug].grpc
            await _abort(context, found, method, request_id)
        finally:
            self._gateway.traffic.answered(SERVICE + method, "gRPC", status, time.perf_counter() - started)


def _deadline(context: Context) -> float | None:
    """Of the monotonic clock; None where the client set none (which the published types do not admit)."""
    left = cast("float | None", context.time_remaining())
    return None if left is None else time.monotonic() + left


async def _abort(context: Context, error: CopilotError, method: str, request_id: str) -> None:
    problem = error.problem(instance=method, request_id=request_id)
    trailing = ((PROBLEM_METADATA, problem.model_dump_json(exclude_none=True).encode()),)
    await context.abort(grpc.StatusCode[TABLE[error.slug].grpc], error.detail, trailing)


def _metadata(context: Context) -> dict[str, str]:
    given = context.invocation_metadata() or ()
    return {str(key): value for key, value in given if isinstance(value, str)}
