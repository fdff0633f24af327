"""Shuts a command in, then becomes it. Run as a program of its own: `python -I cell.py DESCRIPTOR`,
with the specification to be read from the descriptor.

Imports the standard library only, only what is small, and nothing late: once it is somebody else it may not read
the library any more. What holds the command in is reported, as JSON on the descriptor `report`, before it starts.
"""

from __future__ import annotations

import ctypes
import json
import os
import pwd
import resource
import signal
import struct
import sys
from collections.abc import Callable
from typing import Any

UNPRIVILEGED = "nobody"
STARTED_NOTHING = 127
"""The exit code where the program cannot be started, as a shell has it."""

READABLE = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc", "/opt")
"""Programs, libraries, and what they are configured with."""
DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")

# From linux/sched.h, linux/prctl.h, linux/landlock.h; the system calls have these numbers on every architecture.
NEW_UTS, NEW_IPC, NEW_USER, NEW_PID, NEW_NET = 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000
SET_DEATH_SIGNAL, SET_DUMPABLE, SET_NO_NEW_PRIVILEGES = 1, 4, 38
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
RULE_PATH_BENEATH, VERSION = 1, 1
EXECUTE, WRITE_FILE, READ_FILE, READ_DIRECTORY = 1, 2, 4, 8
FIRST_RIGHTS = (1 << 13) - 1
RIGHTS_SINCE = {2: 1 << 13, 3: 1 << 14}
"""Renaming across directories, truncating: by the version of the interface."""

_libc = ctypes.CDLL(None, use_errno=True)


def main(specification: int) -> None:
    with open(specification, "rb") as file:
        asked: dict[str, Any] = json.load(file)
    _die_with(os.getppid())
    user = _drop_privileges()
    ids = os.geteuid(), os.getegid()
    spaces = _works(_own_spaces)
    if spaces:
        _stay_oneself(*ids)
        _fork_into_them()
    _limit(asked["limits"], of_own_user=spaces)
    _libc.prctl(SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    os.chdir(asked["directory"])
    files = _works(lambda: _lock_files(asked["directory"]))
    report = {"network": spaces, "processes": spaces, "files": files, "user": user}
    os.write(asked["report"], json.dumps(report).encode())
    os.close(asked["report"])
    _become(asked["command"], asked["environment"])


def _works(step: Callable[[], None]) -> bool:
    try:
        step()
    except OSError:
        return False
    return True


def _die_with(parent: int) -> None:
    """Whoever started this may be killed: nothing of it is to stay behind."""
    _libc.prctl(SET_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(STARTED_NOTHING)


def _drop_privileges() -> str:
    """Root becomes nobody; anybody else stays who they are."""
    if os.geteuid() == 0:
        nobody = pwd.getpwnam(UNPRIVILEGED)
        os.setgroups([])
        os.setresgid(nobody.pw_gid, nobody.pw_gid, nobody.pw_gid)
        os.setresuid(nobody.pw_uid, nobody.pw_uid, nobody.pw_uid)
        _libc.prctl(SET_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)  # changing the user has switched it off
        return UNPRIVILEGED
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def _own_spaces() -> None:
    """A network without interfaces, no sight of other processes. Raises OSError where that is not permitted."""
    _checked(_libc.unshare(NEW_USER | NEW_NET | NEW_PID | NEW_IPC | NEW_UTS))


def _stay_oneself(user: int, group: int) -> None:
    """In the new space of users one is nobody at all, who can create no file, until told."""
    _libc.prctl(SET_DUMPABLE, 1, 0, 0, 0)  # changing the user has made these files root's
    written = {"setgroups": "deny", "uid_map": f"{user} {user} 1", "gid_map": f"{group} {group} 1"}
    for name, text in written.items():
        place = os.open(f"/proc/self/{name}", os.O_WRONLY)
        os.write(place, text.encode())
        os.close(place)


def _fork_into_them() -> None:
    """The first process forked is the new space's first, to which orphans come; with it the kernel ends all
    others. The command is the second: a first one would be deaf to most signals."""
    for _ in range(2):
        child = os.fork()
        if child:
            os._exit(_outcome_of(child))
        _libc.prctl(SET_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)


def _outcome_of(child: int) -> int:
    """Its exit code, or 128 and the signal's number, as a shell has it."""
    while True:
        ended, status = os.wait()
        if ended == child:
            return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def _limit(limits: dict[str, int], *, of_own_user: bool) -> None:
    """The number of processes is counted by user: without a space of its own the user's others would count."""
    for name, value in limits.items():
        kind = getattr(resource, f"RLIMIT_{name.upper()}")
        if kind != resource.RLIMIT_NPROC or of_own_user:
            hard = resource.getrlimit(kind)[1]
            limit = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(kind, (limit, limit))


def _lock_files(directory: str) -> None:
    """Landlock (Linux 5.13 and later): what is not listed cannot be opened. Raises OSError where there is none."""
    version = _checked(_libc.syscall(CREATE_RULESET, None, ctypes.c_size_t(0), VERSION))
    rights = FIRST_RIGHTS | sum(bit for since, bit in RIGHTS_SINCE.items() if version >= since)
    handled = struct.pack("=Q", rights)
    rules = _checked(_libc.syscall(CREATE_RULESET, handled, ctypes.c_size_t(len(handled)), 0))
    for path in READABLE:
        _permit(rules, path, EXECUTE | READ_FILE | READ_DIRECTORY)
    for path in DEVICES:
        _permit(rules, path, READ_FILE | WRITE_FILE)
    _permit(rules, directory, rights)
    _checked(_libc.syscall(RESTRICT_SELF, rules, 0))
    os.close(rules)


def _permit(rules: int, path: str, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # not on this machine
    beneath = struct.pack("=Qi", rights, place)
    _checked(_libc.syscall(ADD_RULE, rules, RULE_PATH_BENEATH, beneath, 0))
    os.close(place)


def _checked(result: int) -> int:
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result


def _become(command: list[str], environment: dict[str, str]) -> None:
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)  # Python ignores them, and what is ignored stays so
    try:
        os.execvpe(command[0], command, environment)  # noqa: S606 - without a shell is the point
    except OSError as error:
        os.write(2, f"{command[0]}: {error.strerror}\n".encode())
        os._exit(STARTED_NOTHING)


if __name__ == "__main__":
    main(int(sys.argv[1]))
