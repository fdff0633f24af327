"""Every error that crosses a border, and the one table that says what it becomes there.

CopilotError
├── Terminal                    trying the same again gives the same
│   ├── InvalidInput            400/422: what is wrong and where (`violations`)
│   │   ├── MalformedRequest    400: not HTTP, or none that can be told apart from the next request
│   │   ├── HeadTooLarge        431
│   │   ├── MalformedBody       400: not JSON at all
│   │   ├── TooLarge            413
│   │   ├── UnsupportedMedia    415
│   │   └── IdempotencyMismatch 422: the key was used with another body
│   ├── Unauthenticated         401
│   ├── Forbidden               403
│   ├── NotFound                404: also what belongs to somebody else
│   ├── MethodNotAllowed        405
│   ├── Conflict                409
│   ├── NotThereYet             501: named in the contract, not built yet
│   └── Internal                500
└── Retryable                   may work later; `after` seconds is the hint
    ├── RateLimited             429
    ├── TooSlow                 408: the request did not come in time
    ├── InProgress              409: the same request is being worked on
    ├── Unavailable             503: a part of this system
    ├── BackendUnavailable      503: a system that we ask (`backend`)
    └── DeadlineExceeded        504
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

TYPE_PREFIX = "urn:copilot:problem:"


class Violation(BaseModel):
    """One thing wrong with the input; `pointer` is a JSON pointer (RFC 6901) into the body."""

    model_config = ConfigDict(frozen=True)

    pointer: str
    detail: str


class Problem(BaseModel):
    """RFC 9457 problem details."""

    type: str
    title: str
    status: int
    detail: str
    instance: str | None = None
    request_id: str | None = None
    errors: tuple[Violation, ...] = ()
    retry_after: float | None = None
    """Seconds after which a retry makes sense; null when a retry gives the same."""


class CopilotError(Exception):
    slug: ClassVar[str] = "internal"

    def __init__(self, detail: str, *, violations: tuple[Violation, ...] = (), after: float | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.violations = violations
        self.after = after

    def __reduce__(self) -> tuple[Callable[..., CopilotError], tuple[Any, ...]]:
        # The default rebuilds from `args` alone and would lose the facts on the way through pickle.
        return _rebuild, (type(self), self.detail, self.violations, self.after)

    @property
    def retryable(self) -> bool:
        return isinstance(self, Retryable)

    def problem(self, *, instance: str | None = None, request_id: str | None = None) -> Problem:
        row = TABLE[self.slug]
        return Problem(
            type=TYPE_PREFIX + self.slug,
            title=row.title,
            status=row.http,
            detail=self.detail,
            instance=instance,
            request_id=request_id,
            errors=self.violations,
            retry_after=(self.after if self.after is not None else 1.0) if row.retryable else None,
        )


def _rebuild(
    kind: type[CopilotError], detail: str, violations: tuple[Violation, ...], after: float | None
) -> CopilotError:
    return kind(detail, violations=violations, after=after)


class Terminal(CopilotError):
    slug = "internal"


class InvalidInput(Terminal):
    slug = "invalid-input"


class MalformedRequest(InvalidInput):
    slug = "malformed-request"


class HeadTooLarge(InvalidInput):
    slug = "head-too-large"


class MalformedBody(InvalidInput):
    slug = "malformed-body"


class TooLarge(InvalidInput):
    slug = "too-large"


class UnsupportedMedia(InvalidInput):
    slug = "unsupported-media-type"


class IdempotencyMismatch(InvalidInput):
    slug = "idempotency-mismatch"


class Unauthenticated(Terminal):
    slug = "unauthenticated"


class Forbidden(Terminal):
    slug = "forbidden"


class NotFound(Terminal):
    slug = "not-found"


class MethodNotAllowed(Terminal):
    slug = "method-not-allowed"


class Conflict(Terminal):
    slug = "conflict"


class NotThereYet(Terminal):
    slug = "not-implemented"


class Internal(Terminal):
    slug = "internal"


class Retryable(CopilotError):
    slug = "unavailable"


class RateLimited(Retryable):
    slug = "rate-limited"


class TooSlow(Retryable):
    slug = "too-slow"


class InProgress(Retryable):
    slug = "in-progress"


class Unavailable(Retryable):
    slug = "unavailable"


class BackendUnavailable(Retryable):
    slug = "backend-unavailable"


class DeadlineExceeded(Retryable):
    slug = "deadline-exceeded"


@dataclass(frozen=True, slots=True)
class Row:
    error: type[CopilotError]
    title: str
    http: int
    grpc: str
    retryable: bool


TABLE: dict[str, Row] = {
    row.error.slug: row
    for row in (
        Row(InvalidInput, "The request is not valid", 422, "INVALID_ARGUMENT", False),
        Row(MalformedRequest, "The request cannot be read", 400, "INVALID_ARGUMENT", False),
        Row(HeadTooLarge, "The head of the request is too large", 431, "RESOURCE_EXHAUSTED", False),
        Row(MalformedBody, "The body cannot be read", 400, "INVALID_ARGUMENT", False),
        Row(TooLarge, "The body is too large", 413, "RESOURCE_EXHAUSTED", False),
        Row(UnsupportedMedia, "The media type is not supported", 415, "INVALID_ARGUMENT", False),
        Row(
            IdempotencyMismatch,
            "The idempotency key was used with another body",
            422,
            "INVALID_ARGUMENT",
            False,
        ),
        Row(Unauthenticated, "A valid token is needed", 401, "UNAUTHENTICATED", False),
        Row(Forbidden, "Not permitted", 403, "PERMISSION_DENIED", False),
        Row(NotFound, "Not found", 404, "NOT_FOUND", False),
        Row(MethodNotAllowed, "Method not allowed", 405, "UNIMPLEMENTED", False),
        Row(Conflict, "Conflict with the present state", 409, "FAILED_PRECONDITION", False),
        Row(NotThereYet, "Not available yet", 501, "UNIMPLEMENTED", False),
        Row(Internal, "Internal error", 500, "INTERNAL", False),
        Row(RateLimited, "Too many requests", 429, "RESOURCE_EXHAUSTED", True),
        Row(TooSlow, "The request came too slowly", 408, "DEADLINE_EXCEEDED", True),
        Row(InProgress, "The same request is being worked on", 409, "ABORTED", True),
        Row(Unavailable, "Temporarily unavailable", 503, "UNAVAILABLE", True),
        Row(BackendUnavailable, "A backend does not answer", 503, "UNAVAILABLE", True),
        Row(DeadlineExceeded, "The deadline has passed", 504, "DEADLINE_EXCEEDED", True),
    )
}


def from_problem(problem: Problem) -> CopilotError:
    """The error that a problem was made of; an unknown type becomes `Internal`."""
    row = TABLE.get(problem.type.removeprefix(TYPE_PREFIX))
    kind = row.error if row else Internal
    return kind(problem.detail, violations=problem.errors, after=problem.retry_after)
