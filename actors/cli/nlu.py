"""`copilot nlu`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from actors.cli.parsing import parse
from actors.cli.progress import Progress
from gateway.cli.failure import Failed

if TYPE_CHECKING:
    from actors.nlp.evaluation.guessing import Guessed
    from actors.nlp.evaluation.sentences import Sentence

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def nlu() -> None:
    """See how sentences are understood, and score the understanding.

    \b
    Example:
      copilot nlu parse "p95 latency of checkout since 9am"
      copilot nlu eval --test sentences.jsonl
    """


nlu.add_command(parse)


@nlu.command("eval")
@click.option("--test", required=True, type=_FILE, help='Lines of {"text", "intent", "entities"?}.')
@click.option("--train", type=_FILE, help="Fit the engine on this file alone, whatever its labels.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def evaluate(test: Path, train: Path | None, as_json: bool) -> None:
    """Score the shipped understanding, or the engine fitted on a file, on annotated sentences. Needs no server.

    The label `out_of_scope` is scored as refusal. Entities are scored where the test lines have them.

    \b
    Example:
      copilot nlu eval --test sentences.jsonl --json
      copilot nlu eval --train my-intents.jsonl --test my-sentences.jsonl
    """
    # Imported here: it brings in numpy, and `--help` answers at once.
    from actors.cli.understanding import data_mistakes
    from actors.nlp.evaluation.sentences import read_sentences

    say = Progress()
    with data_mistakes():
        sentences = read_sentences(test)
        guessed = _engine(train, sentences, say) if train else _copilot(sentences, say)
    told = _told(sentences, guessed)
    if as_json:
        click.echo(json.dumps(told))
        return
    for name, value in told.items():
        click.echo(f"{name:18} {_shown(value)}")


def _engine(train: Path, sentences: tuple[Sentence, ...], say: Progress) -> Guessed:
    from actors.nlp.classifier import Classifier
    from actors.nlp.evaluation.guessing import by_engine
    from actors.nlp.evaluation.sentences import read_sentences
    from schemas.adapters import Catalogue

    examples = [(sentence.text, sentence.intent) for sentence in read_sentences(train)]
    try:
        classifier = Classifier.fit(examples, say)
    except ValueError as error:
        raise Failed(f"{train}: {error}") from error
    return by_engine(classifier, sentences, Catalogue(), say)


def _copilot(sentences: tuple[Sentence, ...], say: Progress) -> Guessed:
    from actors.cli.understanding import shipped_classifier
    from actors.nlp.evaluation.guessing import by_copilot
    from actors.platform.config import load
    from schemas.adapters import Catalogue

    settings = load()
    registry, classifier = shipped_classifier(settings, say)
    catalogue = Catalogue(services=settings.catalogue.services, environments=settings.catalogue.environments)
    return by_copilot(registry, classifier, sentences, catalogue, say)


def _told(sentences: tuple[Sentence, ...], guessed: Guessed) -> dict[str, Any]:
    from dataclasses import asdict

    from actors.nlp.evaluation.sentences import scores

    found = asdict(scores(sentences, guessed.guesses))
    return {**found, "ms_per_text": guessed.ms_per_text, "n": len(sentences)}


def _shown(value: float | int | None) -> str:
    if value is None:
        return "-"
    return str(value) if isinstance(value, int) else f"{value:.4f}"
