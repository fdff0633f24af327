"""The intents: those of `intents.yaml` and, from a directory of their own, those that users add."""

from __future__ import annotations

import functools
import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, cast

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from schemas.identity import Permission

SHIPPED = Path(__file__).with_name("intents.yaml")
OUT_OF_SCOPE = "out_of_scope"
FEWEST_EXAMPLES = 5
"""Of a user's own intent; fewer do not tell it from the others."""

Group = Literal["telemetry", "incidents", "tests", "operations", "talk", "own"]
Slot = Literal[
    "service", "environment", "metric", "percentile", "aggregation", "time_range", "comparison", "threshold",
    "status_code", "endpoint", "severity", "log_level", "version", "namespace", "host", "pod", "incident_id",
    "workflow", "trace_id", "test_target", "language", "quantity", "person", "pattern", "sides", "symptom",
    "title",
    "approval",
]  # fmt: skip
"""Types of entities, and three things that are read from several: two `sides` of a comparison, the `symptom` and
the `approval` that a sentence is about."""
_NAME = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")


class IntentsInvalid(ValueError):
    """A file of intents cannot be used; the message names the file and the place in it."""


@dataclass(frozen=True, slots=True)
class IntentDefinition:
    name: str
    group: Group
    description: str
    permission: Permission
    handler: str
    """Which handler of the conversation pool answers."""
    required: tuple[tuple[Slot, ...], ...]
    """What is asked back when it is missing; of each inner tuple one is enough, the first is asked for."""
    optional: tuple[Slot, ...]
    examples: tuple[str, ...]
    template: str | None = None
    """The answer of a user's own intent."""
    workflow: str | None = None
    """The workflow that a user's own intent starts."""


@dataclass(frozen=True, slots=True)
class Registry:
    intents: tuple[IntentDefinition, ...]

    def __getitem__(self, name: str) -> IntentDefinition:
        """Raises KeyError."""
        return next(iter(intent for intent in self.intents if intent.name == name), None) or _unknown(name)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(intent.name for intent in self.intents)

    @property
    def examples(self) -> tuple[tuple[str, str], ...]:
        """Text and name of the intent, for training."""
        return tuple((text, intent.name) for intent in self.intents for text in intent.examples)

    @property
    def digest(self) -> str:
        """Changes when an example, an intent or its handling does."""
        told = json.dumps([[getattr(intent, key) for key in _KEYS] for intent in self.intents])
        return hashlib.sha256(told.encode()).hexdigest()


_KEYS = tuple(IntentDefinition.__dataclass_fields__)


def _unknown(name: str) -> IntentDefinition:
    raise KeyError(name)


@dataclass(frozen=True, slots=True)
class Loaded:
    registry: Registry
    problems: tuple[str, ...]
    """One sentence for each file that was left out, naming it and the place."""


@functools.cache
def shipped() -> Registry:
    """The intents of `intents.yaml`."""
    return Registry(tuple(read_shipped(SHIPPED)))


def load(directory: Path | None) -> Loaded:
    """The shipped intents and those of `directory`. A file that cannot be used is left out and told of: one
    mistake must not take the others' intents away."""
    intents = list(shipped().intents)
    problems: list[str] = []
    for path in own_files(directory):
        try:
            intents.append(_own(path, intents))
        except IntentsInvalid as error:
            problems.append(str(error))
    if directory is not None and not directory.is_dir():
        problems.append(f"{directory}: nlp.intents_dir is not a directory")
    return Loaded(Registry(tuple(intents)), tuple(problems))


def own_files(directory: Path | None) -> tuple[Path, ...]:
    if directory is None or not directory.is_dir():
        return ()
    return tuple(
        sorted(path for path in directory.iterdir() if path.suffix in {".yaml", ".yml"} and path.is_file())
    )


# --- the files -------------------------------------------------------------------------------------


Model = TypeVar("Model", bound=BaseModel)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


Text = Field(min_length=1, max_length=10_000)


class _Entry(_Strict):
    group: Group
    description: str = Text
    permission: Permission
    handler: str = Text
    required: tuple[str, ...] = ()
    """`service / pattern`: one of them."""
    optional: tuple[Slot, ...] = ()
    examples: tuple[str, ...]


class _Slots(_Strict):
    required: tuple[tuple[Slot, ...], ...]


class _OwnEntry(_Strict):
    name: str = Text
    description: str = ""
    examples: tuple[str, ...] = Field(min_length=FEWEST_EXAMPLES)
    template: str | None = Field(default=None, min_length=1)
    workflow: str | None = Field(default=None, min_length=1)


def read_shipped(path: Path) -> Iterator[IntentDefinition]:
    table = _mapping(path).get("intents")
    if not isinstance(table, dict):
        raise IntentsInvalid(f"{path}: intents: must be a mapping of names")
    intents: list[IntentDefinition] = []
    for name, raw in cast("dict[str, Any]", table).items():
        entry = _checked(path, _Entry, raw, f"intents.{name}")
        slots = _checked(
            path,
            _Slots,
            {"required": [[slot.strip() for slot in text.split("/")] for text in entry.required]},
            f"intents.{name}",
        )
        intent = IntentDefinition(
            name=name,
            group=entry.group,
            description=entry.description,
            permission=entry.permission,
            handler=entry.handler,
            required=slots.required,
            optional=entry.optional,
            examples=entry.examples,
        )
        _check(path, intent, intents)
        intents.append(intent)
    yield from intents


def _own(path: Path, others: Iterable[IntentDefinition]) -> IntentDefinition:
    entry = _checked(path, _OwnEntry, _mapping(path), "")
    if (entry.template is None) == (entry.workflow is None):
        raise IntentsInvalid(f"{path}: needs either `template` (an answer) or `workflow` (one to start)")
    starts = entry.workflow is not None
    intent = IntentDefinition(
        name=entry.name,
        group="own",
        description=entry.description or f"Defined in {path.name}.",
        permission="workflow.start" if starts else "chat",
        handler="own_workflow" if starts else "own_template",
        required=(),
        optional=(),
        examples=entry.examples,
        template=entry.template,
        workflow=entry.workflow,
    )
    _check(path, intent, others)
    return intent


def _check(path: Path, intent: IntentDefinition, others: Iterable[IntentDefinition]) -> None:
    if not _NAME.fullmatch(intent.name):
        raise IntentsInvalid(f"{path}: name: {intent.name!r} is not of the form `coffee_machine`")
    elsewhere = {_bare(text): other.name for other in others for text in other.examples}
    if any(other.name == intent.name for other in others):
        raise IntentsInvalid(f"{path}: name: there is an intent {intent.name!r} already")
    seen: set[str] = set()
    for position, text in enumerate(intent.examples):
        bare = _bare(text)
        if not bare or bare in seen or bare in elsewhere:
            why = (
                f"stands under {elsewhere[bare]!r} too"
                if bare in elsewhere
                else "is there twice"
                if bare
                else "is empty"
            )
            raise IntentsInvalid(f"{path}: {intent.name}: examples.{position}: {text!r} {why}")
        seen.add(bare)


def _bare(text: str) -> str:
    """What two sentences that differ in punctuation alone have in common; a lone sign stands for itself."""
    return " ".join(re.findall(r"\w+", text.lower())) or text.strip()


def _mapping(path: Path) -> dict[str, Any]:
    try:
        read: object = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise IntentsInvalid(f"{path}: is not valid YAML: {' '.join(str(error).split())}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise IntentsInvalid(f"{path}: cannot be read: {error}") from error
    if not isinstance(read, dict):
        raise IntentsInvalid(f"{path}: must be a mapping, not {type(read).__name__}")
    return cast("dict[str, Any]", read)


def _checked(path: Path, model: type[Model], raw: object, place: str) -> Model:
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in (place, *first["loc"]) if part != "")
        raise IntentsInvalid(f"{path}: {where}: {first['msg']}") from error
