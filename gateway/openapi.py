"""The OpenAPI 3.1 document, generated from the table of routes and the models."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from gateway.problems import CONTENT_TYPE
from gateway.route import Route
from schemas.conversation import SESSION_ID
from schemas.errors import TABLE, Problem, Row

REF = "#/components/schemas/{model}"
EXAMPLE_SESSION = "k3v6bq7lq2xw4zpa.01J9Z8Y7X6W5V4T3S2R1Q0PNMK"
_EVENT_STREAM = {"schema": {"type": "string", "description": "Server-sent events; see reply events."}}


def document(routes: Iterable[Route], version: str) -> dict[str, Any]:
    table = tuple(routes)
    names, schemas = _schemas(table)
    paths: dict[str, dict[str, Any]] = {}
    for route in table:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, names)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "LLM-CoPilot-Agent",
            "version": version,
            "summary": "The conversational front of an operations platform.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": {str(status): _problem_response(status) for status in sorted(_rows())},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


def _models(route: Route) -> tuple[tuple[type[BaseModel], JsonSchemaMode], ...]:
    found: list[tuple[type[BaseModel], JsonSchemaMode]] = []
    if route.asks is not None:
        found.append((route.asks, "validation"))
    found.extend((model, "serialization") for model in _answers(route))
    return tuple(found)


def _answers(route: Route) -> tuple[type[BaseModel], ...]:
    kinds = get_args(route.answers) or ((route.answers,) if route.answers is not None else ())
    return tuple(kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel))


def _schemas(table: tuple[Route, ...]) -> tuple[dict[Any, dict[str, Any]], dict[str, Any]]:
    wanted = dict.fromkeys(entry for route in table for entry in _models(route))
    references, definitions = models_json_schema([*wanted, (Problem, "serialization")], ref_template=REF)
    return dict(references), definitions["$defs"]


def _operation(route: Route, names: dict[Any, dict[str, Any]]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": _operation_id(route),
        "summary": route.summary,
        "tags": [route.tag],
        "security": [{"token": []}] if route.permission else [],
        "responses": _responses(route, names),
    }
    if route.permission:
        operation["description"] = f"Permission: `{route.permission}`."
    parameters = _parameters(route)
    if parameters:
        operation["parameters"] = parameters
    if route.asks is not None:
        schema = names[route.asks, "validation"]
        operation["requestBody"] = {
            "required": True,
            "content": {media: {"schema": schema} for media in route.asks_media},
        }
    return operation


def _operation_id(route: Route) -> str:
    words = re.findall(r"[a-z0-9]+", route.path.removeprefix("/api/v1").lower())
    return "_".join([route.method.lower(), *words])


def _parameters(route: Route) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for name in re.findall(r"\{(\w+)\}", route.path):
        of_session = route.tag in ("sessions", "messages")
        schema = {"type": "string", **({"pattern": SESSION_ID} if of_session else {})}
        example = {"example": EXAMPLE_SESSION} if of_session else {}
        found.append({"name": name, "in": "path", "required": True, "schema": schema, **example})
    for parameter in route.parameters:
        entry = {"name": parameter.name, "in": parameter.place, "description": parameter.text}
        found.append({**entry, "required": False, "schema": parameter.schema})
    if route.method == "POST" and route.permission and route.tag != "later":
        schema = {"type": "string", "pattern": "^[\\x21-\\x7e]{1,255}$"}
        text = "The same key and body within 24 hours give the same answer."
        found.append({"name": "Idempotency-Key", "in": "header", "description": text, "schema": schema})
    return found


def _responses(route: Route, names: dict[Any, dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if route.tag != "later":
        found[str(route.status)] = _success(route, names)
    if route.path == "/ready":
        found["503"] = {**_success(route, names), "description": "Not ready: the body says why"}
    for status in sorted(_statuses(route)):
        found[str(status)] = {"$ref": f"#/components/responses/{status}"}
    return found


def _success(route: Route, names: dict[Any, dict[str, Any]]) -> dict[str, Any]:
    if route.status == 204:
        return {"description": "Done"}
    content: dict[str, Any] = {}
    schemas = [names[model, "serialization"] for model in _answers(route)]
    if schemas:
        content[route.media] = {"schema": schemas[0] if len(schemas) == 1 else {"anyOf": schemas}}
    elif route.media == "text/event-stream":
        content[route.media] = _EVENT_STREAM
    else:
        is_json = route.media == "application/json"
        content[route.media] = {"schema": {"type": "object" if is_json else "string"}}
    if route.streams:
        content["text/event-stream"] = _EVENT_STREAM
    return {"description": "Success", "content": content, "headers": _HEADERS}


_HEADERS = {
    "X-Request-ID": {"schema": {"type": "string"}},
    "traceparent": {"schema": {"type": "string"}},
}


def _statuses(route: Route) -> set[int]:
    statuses = set(route.problems)
    if route.permission:
        statuses |= {400, 401, 403, 429, 500, 503}
    if route.asks is not None:
        statuses |= {400, 413, 415, 422}
    if route.idempotent:
        statuses |= {409, 422}
    if route.parameters:
        statuses |= {422}
    if route.tag == "later":
        statuses = {401, 403, 429, 501}
    return statuses


def _rows() -> dict[int, list[Row]]:
    by_status: dict[int, list[Row]] = {}
    for row in TABLE.values():
        by_status.setdefault(row.http, []).append(row)
    return by_status


def _problem_response(status: int) -> dict[str, Any]:
    rows = _rows()[status]
    examples = {
        row.error.slug: {"value": row.error(f"{row.title}.").problem(request_id="01J9Z8Y7X6").model_dump(
            mode="json", exclude_none=True
        )}
        for row in rows
    }  # fmt: skip
    schema = {"$ref": REF.format(model="Problem")}
    return {
        "description": "; ".join(row.title for row in rows),
        "content": {CONTENT_TYPE: {"schema": schema, "examples": examples}},
    }
