"""Who speaks, and what they may do."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from typing import Literal

from pydantic import BaseModel, ConfigDict

Role = Literal["viewer", "operator", "approver", "admin"]
Permission = Literal[
    "chat",
    "memory.own",
    "knowledge.read",
    "telemetry.read",
    "incidents.read",
    "incidents.write",
    "tests.run",
    "session.any",
    "system.scale",
    "workflow.read",
    "workflow.start",
    "workflow.any",
    "workflow.steer",
    "approval.decide",
    "command.run",
    "orchestrator.change",
]

# Each role may what the one before it may.
_VIEWER: frozenset[Permission] = frozenset(
    {"chat", "memory.own", "knowledge.read", "telemetry.read", "incidents.read", "workflow.read"}
)
_OPERATOR: frozenset[Permission] = frozenset(
    {*_VIEWER, "incidents.write", "tests.run", "workflow.start", "orchestrator.change"}
)
_APPROVER: frozenset[Permission] = frozenset({*_OPERATOR, "workflow.any", "approval.decide"})
PERMISSIONS: dict[Role, frozenset[Permission]] = {
    "viewer": _VIEWER,
    "operator": _OPERATOR,
    "approver": _APPROVER,
    "admin": frozenset(
        {*_APPROVER, "session.any", "system.scale", "workflow.steer", "command.run"},
    ),
}
"""`workflow.any`: to see runs of others, as whoever decides about them must; `workflow.steer`: to steer them."""


def owner_token(user: str) -> str:
    """The opaque token of a user: 16 characters of base32, safe in a NATS subject.

    Derived from the name alone, so that every process finds the same one; it hides nothing that
    the user's own sessions do not show anyway, and lets NATS permissions name one user's subjects.
    """
    digest = hashlib.sha256(b"copilot-owner\0" + user.encode()).digest()
    return base64.b32encode(digest[:10]).decode().lower()


class Identity(BaseModel):
    """A verified caller. Stored with what it caused."""

    model_config = ConfigDict(frozen=True)

    user: str
    roles: tuple[Role, ...]

    @property
    def owner(self) -> str:
        return owner_token(self.user)

    def may(self, permission: Permission) -> bool:
        return permission in _granted(self.roles)


@cache
def _granted(roles: tuple[Role, ...]) -> frozenset[Permission]:
    return frozenset(permission for role in roles for permission in PERMISSIONS[role])


LOCAL_ADMINISTRATOR = Identity(user="local", roles=("admin",))
