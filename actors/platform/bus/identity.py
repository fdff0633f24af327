"""Tokens: who is speaking, over HTTP, gRPC, WebSocket and NATS alike.

The gateway verifies to refuse early and passes the caller's `authorization` on; the pool that accepts
verifies again, because a NATS client reaches it without the gateway.
"""

from __future__ import annotations

import time
from typing import Any, cast

import jwt

from actors.platform.config import AuthSettings
from schemas.errors import InvalidInput, Unauthenticated
from schemas.identity import LOCAL_ADMINISTRATOR, PERMISSIONS, Identity, Role

ALGORITHM = "HS256"
REQUIRED = ["exp", "aud", "iss", "sub"]
MAX_TTL_SECONDS = 366 * 86_400


def identify(settings: AuthSettings, authorization: str | None) -> Identity:
    """The caller behind an `Authorization` header. Raises Unauthenticated.

    In local mode nobody needs a token: who reaches the loopback interface is the administrator.
    """
    if settings.mode == "local":
        return LOCAL_ADMINISTRATOR
    if not authorization:
        raise Unauthenticated("a token is needed: send 'Authorization: Bearer <token>'")
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("the Authorization header must be 'Bearer <token>'")
    return verify(settings, token.strip())


def verify(settings: AuthSettings, token: str) -> Identity:
    """Raises Unauthenticated with the reason, never with the token."""
    try:
        claims = jwt.decode(
            token,
            settings.jwt_secret,
            algorithms=[ALGORITHM],
            audience=settings.audience,
            issuer=settings.issuer,
            options={"require": REQUIRED},
        )
    except jwt.ExpiredSignatureError as error:
        raise Unauthenticated("the token has expired: create a new one") from error
    except jwt.InvalidTokenError as error:
        raise Unauthenticated(f"the token is not valid: {error}") from error
    return Identity(user=_user(claims), roles=_roles(claims))


def create_token(settings: AuthSettings, user: str, roles: tuple[Role, ...], ttl_seconds: int) -> str:
    """Raises InvalidInput when there is no secret, no user, or the time to live is out of bounds."""
    if len(settings.jwt_secret.encode()) < 32:
        raise InvalidInput("auth.jwt_secret must be set (32 bytes or more): COPILOT_AUTH__JWT_SECRET")
    if not user.strip() or not roles:
        raise InvalidInput("a token names a user and at least one role")
    if not 0 < ttl_seconds <= MAX_TTL_SECONDS:
        raise InvalidInput(f"the time to live must be between 1 s and {MAX_TTL_SECONDS} s")
    issued = int(time.time())
    claims = {
        "sub": user,
        "roles": list(roles),
        "iss": settings.issuer,
        "aud": settings.audience,
        "iat": issued,
        "exp": issued + ttl_seconds,
    }
    return jwt.encode(claims, settings.jwt_secret, algorithm=ALGORITHM)


def expiry(settings: AuthSettings, token: str) -> float:
    """Unix seconds of a token's end; a long-lived connection must not outlive it."""
    claims = jwt.decode(
        token,
        settings.jwt_secret,
        algorithms=[ALGORITHM],
        audience=settings.audience,
        issuer=settings.issuer,
    )
    return float(claims["exp"])


def _user(claims: dict[str, Any]) -> str:
    user = claims["sub"]
    if not isinstance(user, str) or not user.strip() or len(user) > 255:
        raise Unauthenticated("the token's subject must be a name of 1 to 255 characters")
    return user


def _roles(claims: dict[str, Any]) -> tuple[Role, ...]:
    """`roles` is a list; a single `role` is accepted too, as other issuers write it."""
    given = claims.get("roles", claims.get("role"))
    names = [given] if isinstance(given, str) else given
    if not isinstance(names, list):
        raise Unauthenticated("the token names no role")
    wanted = frozenset(str(name) for name in cast("list[object]", names))
    known: tuple[Role, ...] = tuple(role for role in PERMISSIONS if role in wanted)
    if not known:
        raise Unauthenticated(f"the token names no known role ({', '.join(PERMISSIONS)})")
    return known
