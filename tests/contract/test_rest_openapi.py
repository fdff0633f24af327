"""The published description against the running server: schemathesis makes the requests, good and bad."""

from __future__ import annotations

import asyncio

import aiohttp
import hypothesis
import schemathesis
from hypothesis import HealthCheck
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from tests.contract.conftest import System

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
NOTHING_TO_GET_WRONG = (Unsatisfiable,)  # an operation without parameters has no wrong request
EXAMPLES = 15  # an operation
ENDLESS = "/api/v1/sessions/{id}/events"


async def test_every_operation_keeps_what_the_description_promises(
    system: System, http: aiohttp.ClientSession
) -> None:
    async with http.get("/openapi.json") as response:
        document = await response.json()
    document["paths"].pop(ENDLESS)  # its answers have no end; test_rest_messages reads them
    schema = schemathesis.openapi.from_dict(document)
    tried: set[int] = set()
    for found in schema.get_all_operations():
        operation = found.ok()
        for mode in GenerationMode:
            # A request of schemathesis blocks its thread; the server runs in this one.
            tried.update(await asyncio.to_thread(_try, operation, mode, system))
    assert {200, 201, 400, 404, 415, 422, 501} <= tried


def _try(operation: schemathesis.APIOperation, mode: GenerationMode, system: System) -> set[int]:
    """Returns the statuses that came."""
    later = operation.tags == ["later"]
    statuses: set[int] = set()
    try:
        strategy = operation.as_strategy(generation_mode=mode)
    except NOTHING_TO_GET_WRONG:
        return statuses

    @hypothesis.given(case=strategy)
    @hypothesis.settings(
        max_examples=3 if later else EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    def keeps(case: schemathesis.Case) -> None:
        response = case.call(base_url=system.http, headers=system.headers())
        checks = [check for check in CHECKS if not (later and check is not_a_server_error)]
        statuses.add(response.status_code)
        case.validate_response(response, checks=checks)

    try:
        keeps()
    except NOTHING_TO_GET_WRONG:
        return statuses
    return statuses
