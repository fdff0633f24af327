"""core.command: what it runs, and what holds it in."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from actors.workflow.actions import cell, sandbox
from actors.workflow.actions.command import CommandAction
from actors.workflow.actions.port import Call
from schemas.errors import DeadlineExceeded, Forbidden, InvalidInput
from schemas.identity import LOCAL_ADMINISTRATOR
from tests.support.servers import settings_for
from tests.support.waiting import eventually

MEMORY_MB = 256


@pytest.fixture
def action(tmp_path: Path) -> CommandAction:
    settings = settings_for(
        tmp_path,
        COPILOT_WORKFLOW__COMMAND_MEMORY_MB=str(MEMORY_MB),
        COPILOT_WORKFLOW__COMMAND_ENVIRONMENT='["REGION", "UNSET"]',
    )
    return CommandAction(settings.workflow, {"REGION": "eu", "SECRET": "x", "PATH": "nowhere"})


async def run(action: CommandAction, *command: str, seconds: float = 20.0, **more: Any) -> Any:
    asked = {"command": list(command), **more}
    return await action.run(
        Call(LOCAL_ADMINISTRATOR, "o.1", "step", "", asked, "o.1:step::do", 1, seconds=seconds)
    )


async def shell(action: CommandAction, script: str, **more: Any) -> Any:
    return await run(action, "sh", "-c", script, **more)


async def test_a_program_with_its_arguments(action: CommandAction) -> None:
    answer = await run(action, "printf", "%s|", "a b", "$HOME", "*", ";id")
    assert (answer["exit_code"], answer["stdout"], answer["stderr"]) == (0, "a b|$HOME|*|;id|", "")


async def test_input_files_and_variables(action: CommandAction) -> None:
    script = 'cat; cat in/a.txt; ./run.sh; echo "$REGION $MINE ${UNSET-unset} ${SECRET-hidden}"; pwd; echo $HOME'
    answer = await shell(
        action,
        script,
        stdin="in,",
        files={"in/a.txt": "file,", "run.sh": "#!/bin/sh\necho script"},
        env={"MINE": "1"},
        **{"pass": ["REGION", "UNSET"]},
    )
    said, names, where, home = answer["stdout"].splitlines()
    assert (said, names) == ("in,file,script", "eu 1 unset hidden")
    assert where == home
    assert not is_there(where)


async def test_the_environment_is_empty_but_for_what_a_program_needs(action: CommandAction) -> None:
    answer = await run(action, "env")
    assert {line.partition("=")[0] for line in answer["stdout"].splitlines()} == {"PATH", "HOME", "TMPDIR", "LANG"}


async def test_only_listed_variables_are_passed_on(action: CommandAction) -> None:
    with pytest.raises(Forbidden, match="SECRET is not listed"):
        await run(action, "true", **{"pass": ["SECRET"]})


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo why >&2; exit 3", "exit code 3: why"),
        ("kill $$", "exit code 143"),
        ("kill -9 $$", "exit code 137"),
        ("exec nosuchprogram", "exit code 127: .*not found"),
    ],
)
async def test_an_exit_code_that_is_not_expected_is_a_failure(
    action: CommandAction, script: str, said: str
) -> None:
    with pytest.raises(InvalidInput, match=said):
        await shell(action, script)
    code = int(said[10:].split(":", maxsplit=1)[0])
    assert (await shell(action, script, expect=[code]))["exit_code"] == code


async def test_a_program_that_is_not_there(action: CommandAction) -> None:
    with pytest.raises(InvalidInput, match="exit code 127: nosuch: No such file"):
        await run(action, "nosuch")


async def test_output_beyond_the_limit_is_dropped_and_said(action: CommandAction) -> None:
    answer = await shell(action, "yes | head -c 200000; echo err >&2")
    assert (len(answer["stdout"]), answer["truncated"], answer["stderr"]) == (64 << 10, True, "err\n")


async def test_a_program_that_takes_too_long_is_ended_with_all_that_it_started(action: CommandAction) -> None:
    mark = f"3600.{os.getpid()}{time.monotonic_ns()}"
    with pytest.raises(DeadlineExceeded, match=r"longer than 0\.3 s"):
        await shell(action, f"setsid sleep {mark} & sleep {mark}", seconds=0.3)
    await eventually(lambda: gone(mark))


async def test_a_cancelled_call_ends_it_too(action: CommandAction) -> None:
    mark = f"3600.{os.getpid()}{time.monotonic_ns()}"
    task = asyncio.create_task(shell(action, f"sleep {mark}"))
    await eventually(lambda: there(mark))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await eventually(lambda: gone(mark))


async def test_what_it_leaves_behind_does_not_hold_it_up(action: CommandAction) -> None:
    mark = f"3600.{os.getpid()}{time.monotonic_ns()}"
    answer = await shell(action, f"sleep {mark} & echo done")
    assert answer["stdout"] == "done\n"
    await eventually(lambda: gone(mark))


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("while :; do :; done", 137),  # CPU
        ("dd if=/dev/zero of=big bs=1M count=80 2>/dev/null", 153),  # a file
        ("dd if=/dev/zero bs=300M count=1 of=/dev/null 2>/dev/null", 1),  # memory
    ],
)
async def test_limits(action: CommandAction, script: str, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def limits(cpu: int, rlimit_as: int) -> sandbox.Limits:
        return sandbox.Limits(cpu=1, rlimit_as=rlimit_as)

    monkeypatch.setattr("actors.workflow.actions.command.Limits", limits)
    answer = await shell(action, f"exec {script}" if script.startswith("dd") else script, expect=[code])
    assert answer["exit_code"] == code


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    found = tmp_path / "secret"
    found.write_text("secret", encoding="utf-8")
    found.chmod(0o644)
    return found


async def test_a_machine_with_namespaces_and_landlock_shuts_it_in(action: CommandAction, secret: Path) -> None:
    """Held against what is reported: where this machine offers less, less is asserted, and it must say so."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        network = f"exec 3<>/dev/tcp/127.0.0.1/{server.getsockname()[1]} && echo connected"
        process = f"cat /proc/{os.getpid()}/status"
        answer = await run(action, "bash", "-c", f"cat {secret}; {network}; {process}; echo $$; exit 0")
    held = answer["isolation"]
    assert held["user"] == ("nobody" if os.geteuid() == 0 else held["user"])
    assert ("connected" not in answer["stdout"]) is held["network"]
    assert ("secret" not in answer["stdout"]) is (held["files"] or not reachable(secret.parent))
    assert ("State:" not in answer["stdout"]) is held["files"]
    assert (int(answer["stdout"].split()[-1]) == 2) is held["processes"]  # the second process of its own space


@pytest.fixture
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = Path(cell.__file__).read_text(encoding="utf-8")
    for step in ("def _own_spaces() -> None:", "def _lock_files(directory: str) -> None:"):
        assert step in source
        source = source.replace(step, f"{step}\n    raise OSError")
    bare = tmp_path / "cell.py"
    bare.write_text(source, encoding="utf-8")
    monkeypatch.setattr(cell, "__file__", str(bare))


@pytest.mark.usefixtures("bare_machine")
async def test_a_machine_without_them_says_so(action: CommandAction) -> None:
    answer = await shell(action, "kill -9 $$", expect=[137])
    held = answer["isolation"]
    assert (held["network"], held["processes"], held["files"]) == (False, False, False)


@pytest.mark.parametrize("name", ["/etc/x", "../x", "a/../b", "a//b", ".", "a b", "x\0"])
async def test_files_stay_in_their_directory(action: CommandAction, name: str) -> None:
    with pytest.raises(InvalidInput, match="no relative name"):
        await run(action, "true", files={name: ""})


def test_it_needs_a_permission_of_its_own_and_is_never_repeated_unasked(action: CommandAction) -> None:
    assert (action.permission, action.effect) == ("command.run", "unsafe")


def reachable(directory: Path) -> bool:
    """Whether somebody else could get there."""
    return all(parent.stat().st_mode & 0o001 for parent in (directory, *directory.parents))


def is_there(place: str) -> bool:
    return Path(place).exists()


def command_lines() -> list[bytes]:
    return [read(place) for place in Path("/proc").glob("[0-9]*/cmdline")]


async def there(mark: str) -> bool:
    return any(mark.encode() in line for line in command_lines())


async def gone(mark: str) -> bool:
    return not await there(mark)


def read(place: Path) -> bytes:
    try:
        return place.read_bytes()
    except OSError:
        return b""
