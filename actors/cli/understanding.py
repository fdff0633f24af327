"""What the commands that score the understanding share: the classifier of the intents in effect, no server."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager

from actors.nlp.classifier import Classifier
from actors.nlp.evaluation.sentences import DataInvalid
from actors.nlp.registry import Registry, load
from actors.platform.config import Settings
from gateway.cli.failure import Failed


def shipped_classifier(settings: Settings, say: Callable[[str], None]) -> tuple[Registry, Classifier]:
    """The intents in effect, users' own included, and the classifier fitted on them."""
    loaded = load(settings.own_intents_path)
    for problem in loaded.problems:
        say(f"left out: {problem}")
    classifier = Classifier.load_or_fit(loaded.registry.examples, settings.classifiers_path, say)
    return loaded.registry, classifier


@contextmanager
def data_mistakes() -> Generator[None]:
    """A mistake in a file of data is one line for the user."""
    try:
        yield
    except DataInvalid as error:
        raise Failed(str(error)) from error
