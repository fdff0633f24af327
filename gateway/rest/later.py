"""What the contract names and a later release brings: told plainly instead of a 404."""

from __future__ import annotations

from aiohttp import web

from gateway.call import Call
from gateway.route import Handler, Route
from schemas.errors import NotThereYet

_LATER: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        "workflows are",
        (
            ("GET POST", "/api/v1/workflows"),
            ("GET", "/api/v1/workflows/{id}"),
            ("POST", "/api/v1/workflows/{id}/cancel"),
            ("POST", "/api/v1/workflows/{id}/pause"),
            ("POST", "/api/v1/workflows/{id}/resume"),
            ("GET", "/api/v1/workflows/{id}/events"),
            ("POST", "/api/v1/workflows/{id}/approvals/{step_id}"),
            ("GET", "/api/v1/approvals"),
            ("GET", "/api/v1/workflow-templates"),
        ),
    ),
    ("queries to logs are", (("POST", "/api/v1/queries/logs"),)),
    ("queries to traces are", (("POST", "/api/v1/queries/traces"),)),
    (
        "the test bench is",
        tuple(("POST", f"/api/v1/tests/{what}") for what in ("generate", "run", "coverage")),
    ),
    (
        "incidents are",
        (
            ("GET POST", "/api/v1/incidents"),
            ("GET PATCH", "/api/v1/incidents/{id}"),
            ("POST", "/api/v1/incidents/{id}/runbook"),
            ("GET", "/api/v1/incidents/{id}/postmortem"),
            ("POST", "/api/v1/webhooks/alertmanager"),
        ),
    ),
    ("memory of the caller is", (("GET DELETE", "/api/v1/memory"), ("GET", "/api/v1/memory/export"))),
    ("knowledge is", (("GET POST", "/api/v1/knowledge"), ("DELETE", "/api/v1/knowledge/{id}"))),
    ("triggers are", (("GET POST", "/api/v1/triggers"), ("DELETE", "/api/v1/triggers/{id}"))),
    (
        "API keys are",
        (
            ("GET POST", "/api/v1/api-keys"),
            ("DELETE", "/api/v1/api-keys/{id}"),
            ("POST", "/api/v1/auth/token"),
        ),
    ),
    ("the audit log is", (("GET", "/api/v1/audit"),)),
    ("the OpenAI-compatible interface is", (("POST", "/v1/chat/completions"), ("GET", "/v1/models"))),
    ("the Model Context Protocol is", (("GET POST DELETE", "/mcp"),)),
)


def _refusing(detail: str) -> Handler:
    async def refuse(call: Call) -> web.StreamResponse:
        raise NotThereYet(detail)

    return refuse


def routes() -> tuple[Route, ...]:
    return tuple(
        Route(
            method,
            path,
            _refusing(f"{what} not available in this version"),
            f"Not available yet: {what} named in the contract only",
            "later",
            permission="chat",
            status=501,
            head=False,
        )
        for what, entries in _LATER
        for methods, path in entries
        for method in methods.split()
    )
