"""`copilot workflow validate`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import IO, Any

import click


@click.command()
@click.argument("files", metavar="FILE…", type=click.File("rb"), nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON, one object a file.")
def validate(files: tuple[IO[bytes], ...], as_json: bool) -> None:
    """Check definitions of workflows, in YAML or JSON, without a running system.

    Everything that is wrong is said with its file, line, column and JSON pointer; the exit code is 1 then. `-`
    reads standard input. Which actions there are and what they ask is what this version knows.

    \b
    Example:
      copilot workflow validate deploy.yaml
      copilot workflow validate --json workflows/*.yaml
    """
    results = [_checked(file) for file in files]
    for result in results:
        if as_json:
            click.echo(json.dumps(result))
        elif result["valid"]:
            count = f"{result['steps']} step{'' if result['steps'] == 1 else 's'}"
            click.echo(f"{result['file']}: ok: {result['name']}, {count}, {result['sha256'][:12]}")
        else:
            for line in _complaints(result):
                click.echo(line, err=True)
    if not all(result["valid"] for result in results):
        raise click.exceptions.Exit(1)


def _checked(file: IO[bytes]) -> dict[str, Any]:
    # Here, not above: `--help` need not wait for a compiler of expressions.
    from actors.workflow.actions.catalogue import ASKS
    from actors.workflow.definition.load import examined
    from actors.workflow.definition.plan import Plan
    from schemas.errors import CopilotError

    name = getattr(file, "name", "<stdin>")
    try:
        found = examined(file.read(), ASKS)
    except CopilotError as error:  # neither YAML nor JSON: the text itself says where
        wrong = {"pointer": "", "line": None, "column": None, "detail": error.detail}
        return {"file": name, "valid": False, "errors": [wrong]}
    if isinstance(found, Plan):
        about = {"name": found.definition.name, "steps": len(found.steps), "sha256": found.sha256}
        return {"file": name, "valid": True, **about, "errors": []}
    errors = [
        {"pointer": one.pointer, "line": one.place.line, "column": one.place.column, "detail": one.detail}
        for one in found
    ]
    return {"file": name, "valid": False, "errors": errors}


def _complaints(result: dict[str, Any]) -> Iterator[str]:
    for error in result["errors"]:
        place = "" if error["line"] is None else f":{error['line']}:{error['column']}"
        pointer = f"{error['pointer']}: " if error["pointer"] else ""
        yield f"{result['file']}{place}: {pointer}{error['detail']}"
