"""What `core.http` asks and answers."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

LARGEST_BODY_BYTES = 256 << 10
"""Sent or taken in: the largest output that a step may have."""

OWN_HEADERS = frozenset(
    {"host", "connection", "content-length", "transfer-encoding", "upgrade", "te", "trailer", "accept-encoding"}
)
"""They belong to the connection, and are not for a step to set."""

Method = Literal["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"]
READING: frozenset[Method] = frozenset({"GET", "HEAD", "OPTIONS"})
HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$")]
HeaderValue = Annotated[str, Field(pattern=r"^[\t\x20-\x7e]*$", max_length=8_192)]
Status = Annotated[int, Field(ge=100, le=599)]


class HttpAsks(BaseModel):
    """One exchange over HTTP. `json` or `body`, not both. `expect`: the statuses that are no failure; empty: 200
    to 299. What is no GET, HEAD or OPTIONS carries the step's key as `Idempotency-Key`: a repeat after a crash is
    harmless where the server honours it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = Field(min_length=1, max_length=4_096)
    method: Method = "GET"
    query: dict[str, str | int | float | bool] = Field(default_factory=dict, max_length=100)
    headers: dict[HeaderName, HeaderValue] = Field(default_factory=dict, max_length=50)
    json_: Any = Field(default=None, alias="json")
    body: str | None = Field(default=None, max_length=LARGEST_BODY_BYTES)
    expect: tuple[Status, ...] = Field(default=(), max_length=50)
    redirects: int = Field(default=5, ge=0, le=10)

    @field_validator("headers")
    @classmethod
    def _not_ours(cls, headers: dict[str, str]) -> dict[str, str]:
        for name in headers:
            if name.lower() in OWN_HEADERS or name.lower().startswith("proxy-"):
                raise ValueError(f"the header {name} is not for a step to set")
        return headers

    @model_validator(mode="after")
    def _one_body(self) -> HttpAsks:
        if self.json_ is not None and self.body is not None:
            raise ValueError("give either json or body")
        if self.method in READING and (self.json_ is not None or self.body is not None):
            raise ValueError(f"{self.method} has no body")
        return self


class HttpAnswer(BaseModel):
    """`body`: what the JSON says where the answer is JSON, else the text, cut after 256 KB (`truncated`). Header
    names are in small letters, several values of one joined by commas. `url`: where it ended up."""

    status: int
    headers: dict[str, str]
    body: Any
    truncated: bool = False
    url: str
