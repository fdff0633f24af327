"""`copilot eval`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from actors.cli.progress import Progress
from gateway.cli import show

DATA = Path(__file__).parents[2] / "tests" / "eval" / "understanding"
"""Of a checkout; an installed copilot has none and is given `--data`."""


@click.group("eval", invoke_without_command=True)
@click.pass_context
def evaluate(context: click.Context) -> None:
    """Score the copilot on annotated data; without a suite, on all of them. Needs no server.

    \b
    Example:
      copilot eval nlu
    """
    if context.invoked_subcommand is None:
        context.invoke(understanding)


@evaluate.command("nlu")
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=DATA if DATA.is_dir() else None,
    required=not DATA.is_dir(),
    help="A directory with sentences.jsonl and, if to be scored, times.jsonl and dialogues.jsonl.",
)
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def understanding(data: Path = DATA, as_json: bool = False) -> None:
    """Score the understanding: intents, refusal, entities, times, dialogues, speed.

    \b
    Example:
      copilot eval nlu
      copilot eval nlu --json | jq .sentences.accuracy
    """
    # Imported here: it brings in numpy, and `--help` answers at once.
    from actors.cli.understanding import data_mistakes, shipped_classifier
    from actors.nlp.evaluation.report import Annotated, report
    from actors.platform.config import load

    say = Progress()
    with data_mistakes():
        annotated = Annotated.read(data)
    registry, classifier = shipped_classifier(load(), say)
    told = report(annotated, registry, classifier, say)
    if as_json:
        click.echo(json.dumps(told, indent=2))
        return
    for line in tables(told):
        click.echo(line)


def tables(told: dict[str, Any]) -> Iterator[str]:
    """The report for people."""
    sentences = told["sentences"]
    yield from show.table(("understanding", "", "of"), _summary(told))
    yield ""
    intents = ((name, _percent(one["accuracy"]), one["n"]) for name, one in sentences["intents"].items())
    yield from show.table(("intent", "right", "of"), intents)
    yield ""
    taken = ((one["intent"], one["taken_for"], one["n"]) for one in sentences["confusions"])
    yield from show.table(("intent", "taken for", "times"), taken)
    if "dialogues" in told:
        kinds = told["dialogues"]["by_kind"].items()
        yield ""
        yield from show.table(
            ("dialogues", "turns right", "of"),
            ((name, _percent(one["turns_right"]), one["turns"]) for name, one in kinds),
        )


def _summary(told: dict[str, Any]) -> Iterator[tuple[str, str, int | str]]:
    sentences, speed = told["sentences"], told["speed"]
    n = sentences["n"]
    yield "intents right", _percent(sentences["accuracy"]), n
    yield "macro F1", _percent(sentences["macro_f1"]), n
    yield "in scope, right", _percent(sentences["in_scope_accuracy"]), n
    yield "out of scope, refused", _percent(sentences["oos_recall"]), n
    yield "entities, F1", _percent(sentences["entity_f1"]), n
    yield "calibration error", _percent(sentences["calibration_error"]), n
    if "times" in told:
        yield "times, exact", _percent(told["times"]["exact"]), told["times"]["n"]
    if "dialogues" in told:
        yield "turns entirely right", _percent(told["dialogues"]["turns_right"]), told["dialogues"]["turns"]
    yield "ms a sentence, all of it", f"{sentences['ms_per_text']:.2f}", n
    yield "ms to classify alone", f"{speed['ms_alone_p50']:.2f}", "p50"
    yield "ms to classify in batches", f"{speed['ms_in_batches']:.2f}", n


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"
