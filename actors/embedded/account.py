"""The account a server runs as, and the prefix of a command that makes it so."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache

from actors.embedded.errors import ServerUnavailable

UNPRIVILEGED = ("postgres", "nobody")


@dataclass(frozen=True, slots=True)
class Account:
    name: str
    uid: int
    gid: int


async def unprivileged(can: Callable[[Account], Awaitable[bool]]) -> Account | None:
    """The first existing account of UNPRIVILEGED for which `can` answers yes; None when there is none."""
    for name in UNPRIVILEGED:
        account = _existing(name)
        if account is not None and account.uid != 0 and await can(account):
            return account
    return None


def bound_to_parent(
    argv: tuple[str, ...], death: signal.Signals, account: Account | None = None
) -> tuple[str, ...]:
    """`argv`, to be run as `account`, which gets the signal `death` when the thread that started it ends.

    The signal must be set after the change of user, which clears it: util-linux's setpriv does it in that order.
    Raises ServerUnavailable where there is no setpriv.
    """
    change = () if account is None else _change_of_user(account)
    return (_setpriv(), "--pdeathsig", death.name.removeprefix("SIG"), *change, "--", *argv)


def _change_of_user(account: Account) -> tuple[str, ...]:
    if account.uid == os.geteuid():
        return ()
    return ("--reuid", str(account.uid), "--regid", str(account.gid), "--clear-groups")


def _existing(name: str) -> Account | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return Account(name, entry.pw_uid, entry.pw_gid)


@cache
def _setpriv() -> str:
    found = shutil.which("setpriv")
    if found is None:
        raise ServerUnavailable("setpriv", "embedded servers need `setpriv` of util-linux on the PATH: install it")
    return found
