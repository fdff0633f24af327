"""NATS' auth callout: a client's token decides which subjects its connection may use.

The server asks with a signed request; the answer is a user JWT of the COPILOT account, limited to what the
token's user owns (NATS documentation: "Auth Callout", ADR-26; the JWT form is nats-io/jwt v2).
"""

from __future__ import annotations

import base64
import hashlib
import json
import time
from typing import Any

import nkeys
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg

from actors.platform.bus.identity import expiry, verify
from actors.platform.bus.nats import INBOX
from actors.platform.config import AuthSettings
from schemas.errors import Unauthenticated
from schemas.identity import Identity
from schemas.subjects import client_publish, client_subscribe

log = structlog.get_logger(__name__)

SUBJECT = "$SYS.REQ.USER.AUTH"
HEADER = {"typ": "JWT", "alg": "ed25519-nkey"}


class AuthCallout:
    """Answers on a connection of its own, as the internal user. `account` is the name of the clients' account."""

    def __init__(self, url: str, seed: bytes, account: str, settings: AuthSettings) -> None:
        self._url = url
        self._key = nkeys.from_seed(bytearray(seed))
        self._issuer = bytes(self._key.public_key).decode()
        self._account = account
        self._settings = settings
        self._client = Client()

    async def start(self) -> None:
        await self._client.connect(
            servers=[self._url], name="auth-callout", inbox_prefix=INBOX, max_reconnect_attempts=-1
        )
        await self._client.subscribe(SUBJECT, queue="auth-callout", cb=self._asked)

    async def stop(self) -> None:
        await self._client.close()

    async def _asked(self, message: Msg) -> None:
        request = claims_of(message.data)["nats"]
        answer = self.answer(request)
        await message.respond(answer.encode())

    def answer(self, request: dict[str, Any]) -> str:
        """The signed answer for one connection attempt: a user JWT, or the reason of the refusal."""
        user_key, server = request["user_nkey"], request["server_id"]["id"]
        token = request.get("connect_opts", {}).get("auth_token", "")
        body: dict[str, Any] = {"type": "authorization_response", "version": 2}
        try:
            body["jwt"] = self._user_jwt(user_key, token)
        except Unauthenticated as error:
            log.info("callout.refused", reason=error.detail)
            body["error"] = error.detail
        return self._sign({"aud": server, "sub": user_key, "nats": body})

    def _user_jwt(self, user_key: str, token: str) -> str:
        if not token:
            raise Unauthenticated("connect with your token as the connection's `token`")
        identity = verify(self._settings, token)
        return self._sign(
            {
                "aud": self._account,
                "sub": user_key,
                "name": identity.user,
                "exp": int(expiry(self._settings, token)),
                "nats": {
                    "type": "user",
                    "version": 2,
                    "subs": -1,
                    "data": -1,
                    "payload": -1,
                    **permissions(identity),
                },
            }
        )

    def _sign(self, claims: dict[str, Any]) -> str:
        claims = {"iss": self._issuer, "iat": int(time.time()), **claims}
        digest = hashlib.new("sha512_256", json.dumps(claims, sort_keys=True).encode()).digest()
        claims["jti"] = base64.b32encode(digest).decode().rstrip("=")
        signed = f"{_encode(json.dumps(HEADER).encode())}.{_encode(json.dumps(claims).encode())}"
        return f"{signed}.{_encode(self._key.sign(signed.encode()))}"


def permissions(identity: Identity) -> dict[str, Any]:
    """Its owner's subjects and its own inbox (`_INBOX.<owner>.>` or `_INBOX_<owner>.>`), nothing else. The
    library's usual inbox prefix is shared by all clients: a wildcard on it would hear other users' answers."""
    owner = None if identity.may("session.any") else identity.owner
    inboxes = [f"_INBOX.{identity.owner}.>", f"_INBOX_{identity.owner}.>"]
    return {
        "pub": {"allow": list(client_publish())},
        "sub": {"allow": [*client_subscribe(owner), *inboxes]},
    }


def claims_of(token: bytes) -> dict[str, Any]:
    """The claims of a JWT from the server itself; it reached us inside the account, so it is not verified."""
    part = token.split(b".")[1]
    return json.loads(base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4)))


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
