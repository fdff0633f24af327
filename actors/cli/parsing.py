"""`copilot nlu parse`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from actors.cli.progress import Progress
from gateway.cli.failure import Failed
from gateway.cli.options import gateway_options
from gateway.cli.running import find, web_address

if TYPE_CHECKING:
    from actors.platform.config import Settings

Parse = Callable[[str], dict[str, Any]]
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
MOST_CHARACTERS = 10_000


@click.command()
@click.argument("text", nargs=-1)
@click.option("--file", type=_FILE, help="Texts, one a line.")
@click.option("--session", metavar="ID", help="Understand it as the next message of this session.")
@click.option("--as-of", metavar="TIME", help="As if it was said at this RFC 3339 time.")
@click.option("--timezone", metavar="ZONE", help="Such as Europe/Vienna; default: the session's, or UTC.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON: one object, or with --file one a line.")
@gateway_options
def parse(
    text: tuple[str, ...],
    file: Path | None,
    session: str | None,
    as_of: str | None,
    timezone: str | None,
    as_json: bool,
    url: str | None,
    token: str | None,
) -> None:
    """Show how a text is understood, without any effect: intent, entities, what is missing, plan, query.

    The running copilot is asked. Where none runs it is understood in this process, with the configured services
    alone and without a query.

    \b
    Example:
      copilot nlu parse "p95 latency of checkout since 9am by endpoint"
      copilot nlu parse --file texts.txt --json
    """
    texts = tuple(_texts(text, file))
    given = {"session_id": session, "as_of": as_of, "timezone": timezone}
    how = _parser({name: value for name, value in given.items() if value is not None}, url, token)
    for one in texts:
        found = how(one)
        if as_json:
            click.echo(json.dumps(found, ensure_ascii=False, indent=None if file else 2))
        else:
            click.echo("\n".join(_shown(one, found)) + "\n")


def _texts(text: tuple[str, ...], file: Path | None) -> Iterator[str]:
    """Raises Failed where there is none, or one that is no message."""
    if bool(text) == (file is not None):
        raise Failed("name either a text or a --file")
    lines = file.read_text(encoding="utf-8").splitlines() if file else [" ".join(text)]
    kept = [line.strip() for line in lines if line.strip()]
    if not kept:
        raise Failed("there is no text in it")
    for line in kept:
        if len(line) > MOST_CHARACTERS:
            raise Failed(f"a text has at most {MOST_CHARACTERS:,} characters")
        yield line


def _parser(given: dict[str, str], url: str | None, token: str | None) -> Parse:
    from actors.platform.config import load

    settings = load()
    if url is not None or find(settings.data_path) is not None:
        return _asked(web_address(settings, url), token, given)
    if "session_id" in given:
        raise Failed("a session is known only to a running copilot: start it with `copilot up`, or name --url")
    return _here(settings, given)


def _asked(url: str, token: str | None, given: dict[str, str]) -> Parse:
    from gateway.cli.client import Client

    client = Client(url, token)
    return lambda text: client.post("/api/v1/nlu/parse", {"text": text, **given})


def _here(settings: Settings, given: dict[str, str]) -> Parse:
    # Imported here: it brings in numpy and a model, and `--help` answers at once.
    from actors.cli.understanding import shipped_classifier
    from actors.nlp.understand import understand
    from schemas.adapters import Catalogue
    from schemas.conversation import parts_of
    from schemas.envelope import now
    from schemas.nlp import Utterance
    from schemas.rest import Parsed, ParseText

    click.echo("no copilot runs: understood here, with the configured services alone", err=True)
    registry, classifier = shipped_classifier(settings, Progress())
    configured = settings.catalogue
    catalogue = Catalogue(
        services=configured.services, environments=configured.environments, depends_on=configured.depends_on
    )

    def parse_here(text: str) -> dict[str, Any]:
        asked = ParseText.model_validate_json(json.dumps({"text": text, **given}))
        utterance = Utterance(text=asked.text, as_of=asked.as_of or now(), timezone=asked.timezone or "UTC")
        meaning = understand(utterance, catalogue, registry, classifier.rank)
        parsed = Parsed(
            intent=meaning.intent,
            entities=meaning.entities,
            missing=meaning.missing,
            plan=meaning.plan,
            query=None,
            parts=parts_of(meaning),
        )
        return parsed.model_dump(mode="json")

    return _valid(parse_here)


def _valid(how: Parse) -> Parse:
    """What the options say wrong is one line for the user."""
    from pydantic import ValidationError

    def checked(text: str) -> dict[str, Any]:
        try:
            return how(text)
        except ValidationError as error:
            first = error.errors()[0]
            name = "--" + str(first["loc"][0]).replace("_", "-")
            raise Failed(f"{name}: {first['msg']}") from error

    return checked


# --- as text ---------------------------------------------------------------------------------------


def _shown(text: str, found: dict[str, Any]) -> Iterator[str]:
    yield click.style(text, bold=True)
    yield f"  intent    {_intent(found['intent'])}"
    yield from _listed("entities", (_entity(one) for one in found["entities"]))
    if found["missing"]:
        yield f"  missing   {', '.join(found['missing'])}"
    said: dict[str, Any] = found["plan"] or {}
    plan = {name: value for name, value in said.items() if value not in (None, [], {}, False)}
    if plan:
        yield f"  plan      {json.dumps(plan, ensure_ascii=False)}"
    if found["query"]:
        yield f"  {found['query']['language']:9} {found['query']['query']}"
        yield f"            {found['query']['explanation']}"
    for part in found["parts"]:
        condition = f", if {part['condition']}" if part["condition"] else ""
        yield f"  then      {_intent(part['intent'])}{condition}"
        yield from _listed("", (_entity(one) for one in part["entities"]))


def _intent(intent: dict[str, Any]) -> str:
    others = ", ".join(f"{one['name']} {one['confidence']:.2f}" for one in intent["alternatives"])
    return f"{intent['name']} {intent['confidence']:.2f}" + (f"  (else {others})" if others else "")


def _entity(one: dict[str, Any]) -> str:
    window = f", {one['range']['start']} to {one['range']['end']}" if one["range"] else ""
    where = "from the conversation" if one["resolved_from"] else f"{one['text']!r} at {one['start']}"
    return f"{one['type']} {one['value']} ({where}{window})"


def _listed(name: str, lines: Iterable[str]) -> Iterator[str]:
    for at, line in enumerate(lines):
        yield f"  {name if at == 0 else '':9} {line}"
