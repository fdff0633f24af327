"""The shipped intents, and those that users add."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest
import yaml

from actors.nlp.registry import OUT_OF_SCOPE, IntentsInvalid, load, read_shipped, shipped
from schemas.identity import PERMISSIONS, Permission

EXAMPLES = ["the kettle is empty", "who drank my coffee", "brew a pot", "coffee please", "is there coffee left"]


def own(directory: Path, file: str, **entry: object) -> Path:
    path = directory / f"{file}.yaml"
    path.write_text(yaml.safe_dump({"name": file, "examples": EXAMPLES, **entry}), encoding="utf-8")
    return path


def test_all_intents_of_the_design_are_there() -> None:
    names = shipped().names
    assert len(names) == len(set(names)) == 34
    assert {"metric_query", "postmortem_generate", "approval_decide", "affirm", "deny", OUT_OF_SCOPE} <= set(names)
    assert {intent.group for intent in shipped().intents} == {
        "telemetry", "incidents", "tests", "operations", "talk",
    }  # fmt: skip


def test_each_has_examples_of_its_own() -> None:
    for intent in shipped().intents:
        assert len(intent.examples) >= (90 if intent.name == OUT_OF_SCOPE else 25), intent.name
    texts = [text.lower() for text, _ in shipped().examples]
    assert len(texts) == len(set(texts))


def test_who_changes_something_needs_more_than_a_viewer_has() -> None:
    for intent in shipped().intents:
        assert intent.permission in get_args(Permission)
        reads = intent.permission in PERMISSIONS["viewer"]
        changes = intent.group == "operations" and intent.name != "workflow_status"
        assert reads is not changes or intent.group in ("tests", "incidents"), intent.name
    assert shipped()["approval_decide"].permission not in PERMISSIONS["operator"]
    assert shipped()["incident_create"].permission in PERMISSIONS["operator"]


def test_slots_with_a_choice() -> None:
    assert shipped()["log_query"].required == (("service", "pattern"),)
    assert shipped()["metric_query"].required == (("metric",), ("service",))
    with pytest.raises(KeyError):
        shipped()["coffee"]


def test_users_add_answers_and_workflows(tmp_path: Path) -> None:
    own(tmp_path, "coffee", template="There is always coffee.")
    own(tmp_path, "tea", workflow="boil-water", examples=[f"tea {number} please" for number in "abcde"])
    (tmp_path / "notes.txt").write_text("no intent")
    loaded = load(tmp_path)
    assert loaded.problems == ()
    coffee, tea = loaded.registry["coffee"], loaded.registry["tea"]
    assert (coffee.handler, coffee.template, coffee.permission) == (
        "own_template",
        "There is always coffee.",
        "chat",
    )
    assert (tea.handler, tea.workflow, tea.permission) == ("own_workflow", "boil-water", "workflow.start")
    assert ("brew a pot", "coffee") in loaded.registry.examples
    assert loaded.registry.digest != shipped().digest


def test_the_digest_follows_the_content(tmp_path: Path) -> None:
    path = own(tmp_path, "coffee", template="Yes.")
    before = load(tmp_path).registry.digest
    assert load(tmp_path).registry.digest == before
    path.write_text(path.read_text().replace("Yes.", "No."))
    assert load(tmp_path).registry.digest != before


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({}, "needs either `template` (an answer) or `workflow` (one to start)"),
        ({"template": "a", "workflow": "b"}, "needs either `template`"),
        ({"template": "a", "examples": EXAMPLES[:4]}, "examples: Tuple should have at least 5 items"),
        ({"template": "a", "examples": [*EXAMPLES[:4], 5]}, "examples.4: Input should be a valid string"),
        ({"template": "a", "examples": [*EXAMPLES, "Brew a pot!"]}, "examples.5: 'Brew a pot!' is there twice"),
        ({"template": "a", "examples": [*EXAMPLES, "roll back checkout"]}, "stands under 'rollback' too"),
        ({"template": "a", "name": "metric_query"}, "name: there is an intent 'metric_query' already"),
        ({"template": "a", "name": "My Coffee"}, "name: 'My Coffee' is not of the form"),
        ({"template": "a", "answer": "b"}, "answer: Extra inputs are not permitted"),
    ],
)
def test_a_mistake_is_told_with_file_and_place(tmp_path: Path, entry: dict[str, object], said: str) -> None:
    path = own(tmp_path, "coffee", **entry)
    own(tmp_path, "tea", template="Also.", examples=[f"tea {number} please" for number in "abcde"])
    loaded = load(tmp_path)
    assert len(loaded.problems) == 1
    assert loaded.problems[0].startswith(f"{path}: ")
    assert said in loaded.problems[0]
    assert "tea" in loaded.registry.names  # the others stay
    assert "coffee" not in loaded.registry.names


@pytest.mark.parametrize(
    ("text", "said"),
    [("name: [", "is not valid YAML"), ("- coffee", "must be a mapping, not list"), ("", "must be a mapping")],
)
def test_a_file_that_is_none(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "coffee.yaml").write_text(text)
    assert said in load(tmp_path).problems[0]


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    loaded = load(tmp_path / "nowhere")
    assert loaded.registry.names == shipped().names
    assert "nlp.intents_dir is not a directory" in loaded.problems[0]


def test_a_mistake_in_the_shipped_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "intents.yaml"
    entry = {"group": "talk", "description": "d", "permission": "chat", "handler": "h", "examples": ["a"]}
    path.write_text(yaml.safe_dump({"intents": {"one": {**entry, "required": ["servce / pattern"]}}}))
    with pytest.raises(IntentsInvalid, match=r"intents\.one\.required\.0\.0: Input should be 'service'"):
        list(read_shipped(path))
