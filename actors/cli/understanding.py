"""What the commands that score the understanding share: the classifier of the intents in effect, no server."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from actors.nlp.classifier import Classifier
from actors.nlp.evaluation.sentences import DataInvalid
from actors.nlp.registry import Registry, load
from actors.platform.config import Settings
from gateway.cli.failure import Failed


def shipped_classifier(settings: Settings, say: Callable[[str], None]) -> tuple[Registry, Classifier]:
    """The intents in effect, users' own included, and the classifier fitted on them."""
    own = Path(settings.nlp.intents_dir).expanduser() if settings.nlp.intents_dir else None
    loaded = load(own)
    for problem in loaded.problems:
        say(f"left out: {problem}")
    kept = settings.data_path / "nlp"
    return loaded.registry, Classifier.load_or_fit(loaded.registry.examples, kept, say)


@contextmanager
def data_mistakes() -> Generator[None]:
    """A mistake in a file of data is one line for the user."""
    try:
        yield
    except DataInvalid as error:
        raise Failed(str(error)) from error
