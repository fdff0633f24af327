"""The gateway's REST interface, for commands: plain requests and server-sent events, without an event loop."""

from __future__ import annotations

import http.client
import json
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

from pydantic import ValidationError

from gateway.cli.failure import Failed
from schemas.errors import CopilotError, Internal, Problem, from_problem

CONNECT_SECONDS = 5.0
READ_SECONDS = 75.0  # a stream sends a comment well before
EVENTS = "text/event-stream"


class Interrupted(ConnectionError):
    """The connection ended before the answer did."""


@dataclass(frozen=True, slots=True)
class Client:
    """`url` is the base URL; `token` goes into the Authorization header."""

    url: str
    token: str | None = None

    def get(self, path: str) -> tuple[int, Any]:
        """Status and JSON body, whatever the status. Raises Failed when nobody answers."""
        with closing(self._connect()) as connection:
            response = self._send(connection, "GET", path, None, "application/json")
            return response.status, _json(response)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """The JSON body. Raises Failed, or the CopilotError that the gateway named."""
        with closing(self._connect()) as connection:
            response = self._send(connection, "POST", path, body, "application/json")
            _check(response)
            return _json(response)

    def stream(self, path: str, body: dict[str, Any]) -> Generator[str]:
        """The data of each server-sent event. Raises as `post` does, and Interrupted."""
        with closing(self._connect()) as connection:
            response = self._send(connection, "POST", path, body, EVENTS)
            _check(response)
            try:
                yield from _data(response)
            except (http.client.HTTPException, OSError) as error:
                raise Interrupted(f"the connection to {self.url} was cut") from error

    def _connect(self) -> http.client.HTTPConnection:
        parts = urlsplit(self.url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise Failed(f"{self.url!r} is not an address: it looks like http://127.0.0.1:8080")
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.hostname, parts.port, timeout=CONNECT_SECONDS)
        try:
            connection.connect()
        except OSError as error:
            raise Failed(
                f"nobody answers at {self.url} ({error}): start it with `copilot up`, or name it with --url"
            ) from error
        connection.sock.settimeout(READ_SECONDS)
        return connection

    def _send(
        self, connection: http.client.HTTPConnection, method: str, path: str, body: Any, accept: str
    ) -> http.client.HTTPResponse:
        headers = {"Accept": accept, "Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        content = None if body is None else json.dumps(body).encode()
        try:
            connection.request(method, urlsplit(self.url).path.rstrip("/") + path, content, headers)
            return connection.getresponse()
        except (http.client.HTTPException, OSError) as error:
            raise Interrupted(f"{self.url} gave no answer ({error!r}): see its log") from error


def _data(lines: Iterator[bytes] | http.client.HTTPResponse) -> Generator[str]:
    """Comments and other fields are skipped: every event's data says what it is."""
    data: list[str] = []
    for line in lines:
        text = line.decode().rstrip("\r\n")
        if text.startswith("data:"):
            data.append(text[5:].removeprefix(" "))
        elif not text and data:
            yield "\n".join(data)
            data.clear()


def _json(response: http.client.HTTPResponse) -> Any:
    content = response.read()
    try:
        return json.loads(content)
    except json.JSONDecodeError as error:
        raise Failed(
            f"the answer with status {response.status} is not JSON: is this a copilot's gateway?"
        ) from error


def _check(response: http.client.HTTPResponse) -> None:
    if response.status < 400:
        return
    raise _error(response.status, _json(response))


def _error(status: int, body: Any) -> CopilotError:
    try:
        return from_problem(Problem.model_validate(body))
    except ValidationError:
        told = cast("object", body)
        return Internal(f"the gateway answered with status {status}: {told}")
