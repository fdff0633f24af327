"""Scores worked out by hand, and what the commands say of files that cannot be scored."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from actors.cli.main import cli
from actors.nlp.evaluation.sentences import (
    DataInvalid,
    Guess,
    Named,
    Sentence,
    by_intent,
    calibration_error,
    confusions,
    read_sentences,
    scores,
)
from actors.nlp.evaluation.times import Phrase, take

KETTLE = [
    ("put the kettle on", "boil"),
    ("hot water please", "boil"),
    ("less light please", "dim"),
    ("dim the lamps", "dim"),
]


def sentence(intent: str, *entities: tuple[str, str]) -> Sentence:
    return Sentence(
        text="t", intent=intent, entities=tuple(Named(type=one, value=value) for one, value in entities)
    )


def guess(intent: str, confidence: float = 1.0, *entities: tuple[str, str]) -> Guess:
    return Guess(intent, confidence, tuple(Named(type=one, value=value) for one, value in entities))


GIVEN = [
    sentence("a", ("service", "pay"), ("metric", "latency")),
    sentence("a", ("service", "pay")),
    sentence("b"),
    sentence("out_of_scope"),
    sentence("out_of_scope"),
]
GUESSED = [
    guess("a", 0.9, ("service", "The  Pay"), ("metric", "cpu")),
    guess("b", 0.6, ("service", "pay"), ("service", "pay")),
    guess("b", 0.8),
    guess("out_of_scope", 0.7),
    guess("a", 0.5),
]


def test_scores() -> None:
    found = scores(GIVEN, GUESSED)
    assert found.accuracy == 3 / 5
    assert found.in_scope_accuracy == 2 / 3
    assert found.oos_recall == 1 / 2
    # a: one of two found, two guessed; b: one of one, two guessed; out of scope: one of two, one guessed
    assert found.macro_f1 == pytest.approx((2 / 4 + 2 / 3 + 2 / 3) / 3)
    # three entities given, four found, two of them right: the article and the second "pay" do not count
    assert found.entity_f1 == pytest.approx(2 * 2 / (3 + 4))


def test_what_the_data_does_not_have_is_not_scored() -> None:
    found = scores([Sentence(text="t", intent="a")], [guess("a")])
    assert (found.oos_recall, found.entity_f1) == (None, None)
    assert (found.accuracy, found.in_scope_accuracy) == (1.0, 1.0)
    assert scores([sentence("out_of_scope")], [guess("a")]).in_scope_accuracy is None


def test_intents_and_confusions() -> None:
    assert by_intent(GIVEN, GUESSED) == {"a": (0.5, 2), "out_of_scope": (0.5, 2), "b": (1.0, 1)}
    assert confusions(GIVEN, [*GUESSED[:4], guess("b")])[0] == ("a", "b", 1)


def test_calibration_error() -> None:
    given = [sentence("a")] * 4
    guessed = [guess("a", 0.95), guess("b", 0.95), guess("a", 0.25), guess("b", 0.25)]
    assert calibration_error(given, guessed) == pytest.approx((abs(1 - 1.9) + abs(1 - 0.5)) / 4)
    assert calibration_error([sentence("a")], [guess("a", 1.0)]) == 0


def test_windows_are_compared_as_instants() -> None:
    phrase = {"text": "last 15 minutes", "as_of": "2026-11-22T14:00:00+01:00", "end": "2026-11-22T13:00:00Z"}
    taken = take(
        [
            Phrase.model_validate({**phrase, "start": "2026-11-22T12:45:00Z"}),
            Phrase.model_validate({**phrase, "start": "2026-11-22T12:44:00Z"}),
            Phrase.model_validate({**phrase, "text": "purple", "start": "2026-11-22T12:45:00Z"}),
        ]
    )
    assert [one.right for one in taken] == [True, False, False]
    assert taken[2].found is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"text": "a", "intent": "b"}\n{"text": "a"}\n', "line 2: .*intent Field required"),
        ('{"text": "a", "intent": "b"}\n\nno json\n', "line 3: Expecting value"),
        ("\n", "has no lines"),
        ('{"text": "a", "intent": "b", "entities": [{"type": "x"}]}', r"line 1: .*entities\.0\.value"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "lines.jsonl"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataInvalid, match=said):
        read_sentences(path)


# --- the commands ----------------------------------------------------------------------------------


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


def lines(path: Path, sentences: list[tuple[str, str]]) -> Path:
    path.write_text("".join(json.dumps({"text": text, "intent": intent}) + "\n" for text, intent in sentences))
    return path


def test_the_engine_is_fitted_on_a_file_alone(tmp_path: Path) -> None:
    train = lines(tmp_path / "train.jsonl", KETTLE)
    test = lines(tmp_path / "test.jsonl", [("put the kettle on please", "boil"), ("dim the lamps now", "dim")])
    result = run("nlu", "eval", "--train", train, "--test", test, "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert list(told) == [
        "accuracy", "macro_f1", "in_scope_accuracy", "oos_recall", "entity_f1", "ms_per_text", "n",
    ]  # fmt: skip
    assert (told["accuracy"], told["oos_recall"], told["entity_f1"], told["n"]) == (1.0, None, None, 2)
    assert "cross-validation" in result.stderr
    assert "accuracy           1.0000" in run("nlu", "eval", "--train", train, "--test", test).stdout


def test_entities_are_scored_with_any_labels(tmp_path: Path) -> None:
    train = lines(tmp_path / "train.jsonl", KETTLE)
    test = tmp_path / "test.jsonl"
    named = [{"type": "percentile", "value": "0.95"}]
    test.write_text(json.dumps({"text": "dim the p95", "intent": "dim", "entities": named}))
    assert json.loads(run("nlu", "eval", "--train", train, "--test", test, "--json").stdout)["entity_f1"] == 1.0


def test_files_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    test = lines(tmp_path / "test.jsonl", KETTLE)
    wrong = tmp_path / "wrong.jsonl"
    wrong.write_text("{}")
    for arguments, said in (
        (("--test", wrong), f"copilot: {wrong}, line 1: "),
        (("--test", test, "--train", wrong), f"copilot: {wrong}, line 1: "),
        (("--test", test, "--train", lines(tmp_path / "one.jsonl", KETTLE[:2])), "at least two labels"),
    ):
        result = run("nlu", "eval", *arguments)
        assert result.exit_code != 0
        assert said in result.stderr
    assert "copilot: " in run("eval", "nlu", "--data", tmp_path).stderr
