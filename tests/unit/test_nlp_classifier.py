"""The classifier on labels that the copilot does not have: what it learns, what it refuses, what it keeps."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actors.nlp.classifier import OUT_OF_SCOPE, Classifier, Ranking, kept
from actors.nlp.classifier.descent import minimum
from actors.nlp.classifier.grams import Vocabulary, grams
from actors.nlp.classifier.refusal import near, open_gate

KITCHEN = {
    "boil_water": ["put the kettle on", "I want hot water", "heat some water for tea", "water, boiling, now"],
    "dim_lights": ["make it darker in here", "less light please", "lamps down a bit", "the lamp is too bright"],
    "lock_door": [
        "shut the front door for the night",
        "lock up",
        "is the door locked? do it",
        "bolt the entrance",
    ],
    "open_blinds": ["let the sun in", "pull the blinds up", "raise the shutters", "blinds open please"],
}
ELSEWHERE = [
    "who wrote faust",
    "what is seven times eight",
    "my car is broken",
    "sing me a song",
    "buy some shares",
]
EXAMPLES = [(text, label) for label, texts in KITCHEN.items() for text in texts]
UNSEEN = {
    "boil the water": "boil_water",
    "turn the lights lower": "dim_lights",
    "lock the door please": "lock_door",
    "open the blinds": "open_blinds",
}
REFUSING = [*EXAMPLES, *((text, OUT_OF_SCOPE) for text in ELSEWHERE)]


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier.fit(REFUSING)


def test_it_learns_what_it_is_shown(classifier: Classifier) -> None:
    for text, label in UNSEEN.items():
        ranking = classifier.rank([text])[0]
        assert (ranking.name, ranking.in_scope) == (label, True)
        assert 0.25 < ranking.confidence <= 1
        assert len(ranking.alternatives) == 3
        assert label not in {other.name for other in ranking.alternatives}
        chances = [other.confidence for other in ranking.alternatives]
        assert chances == sorted(chances, reverse=True)


def test_it_refuses_what_is_far_from_all(classifier: Classifier) -> None:
    ranking = classifier.rank(["who was the second emperor of rome"])[0]
    assert (ranking.name, ranking.in_scope) == (OUT_OF_SCOPE, False)
    assert {other.name for other in ranking.alternatives} <= set(KITCHEN)


def test_it_refuses_without_having_seen_what_is_out_of_scope() -> None:
    blind = Classifier.fit(EXAMPLES)
    assert blind.rank(["the parliament of norway has adjourned its session"])[0].name == OUT_OF_SCOPE
    assert [ranking.name for ranking in blind.rank(list(UNSEEN))] == list(UNSEEN.values())


def test_the_name_of_a_label_is_an_example() -> None:
    """No text says what the labels are about: what is asked is guessed right all the same."""
    named = Classifier.fit(
        [("zorg", "water_the_plants"), ("blip", "feed_the_cat"), ("zorg zorg", "waterThePlants")]
    )
    for text, labels in (
        ("the flowers are dry, give them water", {"water_the_plants", "waterThePlants"}),
        ("please feed the cat", {"feed_the_cat"}),
    ):
        ranking = named.rank([text])[0]
        assert (ranking.name if ranking.in_scope else ranking.alternatives[0].name) in labels


def test_alone_or_in_company_a_text_gets_the_same(classifier: Classifier) -> None:
    texts = [*UNSEEN, "", "nothing of the kind", *UNSEEN]
    together = classifier.rank(texts)
    for text, ranking in zip(texts, together, strict=True):
        alone = classifier.rank([text])[0]
        assert alone.name == ranking.name
        assert alone.confidence == pytest.approx(ranking.confidence, abs=1e-3)
    assert classifier.rank([]) == []


def test_a_blank_text_is_refused(classifier: Classifier) -> None:
    assert classifier.rank(["", " \n\t"]) == [Ranking(OUT_OF_SCOPE, 1.0, (), in_scope=False)] * 2


def test_one_label_is_no_choice() -> None:
    with pytest.raises(ValueError, match="at least two labels"):
        Classifier.fit([("put the kettle on", "boil_water"), ("who wrote faust", OUT_OF_SCOPE)])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(max_size=200), max_size=4))
def test_no_text_is_too_strange(classifier: Classifier, texts: list[str]) -> None:
    for ranking in classifier.rank(texts):
        assert ranking.name in {*KITCHEN, OUT_OF_SCOPE}
        assert 0 <= ranking.confidence <= 1


@pytest.mark.parametrize(
    "text",
    [
        "a" * 10_000,
        "a." * 5_000,
        "/" * 10_000,
        "a/" * 5_000,
        "_a" * 5_000,
        "1.2" * 3_333,
        "Aa" * 5_000,
        "f0" * 5_000,
        "😀" * 10_000,
        "\u202eabc " * 2_000,
        "\x00\x07\ud7ff" * 3_000,
        "(a+)+$ " * 1_400,
        "漢字 " * 3_000,
    ],
)
def test_no_text_takes_long(classifier: Classifier, text: str) -> None:
    usual = " ".join(["put the kettle on and let the sun in"] * 20)
    classifier.rank([usual])
    started = time.perf_counter()
    classifier.rank([usual])
    between = time.perf_counter()
    classifier.rank([text])
    assert time.perf_counter() - between < 20 * (between - started) + 0.5


# --- kept on disk ----------------------------------------------------------------------------------


def test_it_is_kept_and_read_again(tmp_path: Path) -> None:
    said: list[str] = []
    first = Classifier.load_or_fit(REFUSING, tmp_path, said.append)
    assert any("fitting" in line for line in said)
    said.clear()
    again = Classifier.load_or_fit(REFUSING, tmp_path, said.append)
    assert said == []
    assert again.rank(list(UNSEEN)) == first.rank(list(UNSEEN))


def test_other_examples_are_another_classifier(tmp_path: Path) -> None:
    Classifier.load_or_fit(EXAMPLES, tmp_path)
    other = [*EXAMPLES[:-1], ("sunlight, please, through the windows", "open_blinds")]
    said: list[str] = []
    Classifier.load_or_fit(other, tmp_path, said.append)
    assert said != []
    assert kept.path_of(tmp_path, EXAMPLES) != kept.path_of(tmp_path, other)


def test_a_broken_file_is_fitted_again(tmp_path: Path) -> None:
    Classifier.load_or_fit(REFUSING, tmp_path)
    path = kept.path_of(tmp_path, REFUSING)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert Classifier.load_or_fit(REFUSING, tmp_path).rank(["boil the water"])[0].name == "boil_water"
    assert kept.read(path) is not None


def test_only_the_latest_files_stay(tmp_path: Path, classifier: Classifier) -> None:
    for number in range(kept.MOST_FILES + 3):
        kept.save(tmp_path / f"classifier-{number}.npz", classifier.fitted)
    assert len(list(tmp_path.glob("*.npz"))) == kept.MOST_FILES
    assert kept.read(tmp_path / f"classifier-{kept.MOST_FILES + 2}.npz") is not None


# --- the parts -------------------------------------------------------------------------------------


def test_numbers_and_shapes_are_one_word() -> None:
    assert set(grams("ack INC-7")) & {"#id", "ack #id"} == {"#id", "ack #id"}
    assert {"#path", "#version", "#percent", "#clock", "#span", "#status"} <= set(
        grams("/v1/pay src/cart.py v1.2.3 5 % at 14:05 for 90s with 503s 502")
    )
    assert set(grams("wait 17 hours")) == set(grams("wait 4021 hours"))


def test_grams_of_one_text_tell_nothing() -> None:
    vocabulary = Vocabulary.of(["alpha beta", "alpha gamma"])
    assert "alpha" in vocabulary.columns
    assert "beta" not in vocabulary.columns
    rows = vocabulary.rows(["alpha alpha", "delta"])
    assert rows.starts.tolist() == [0, rows.starts[1], rows.starts[1]]


def test_descent_finds_the_minimum_of_a_parabola() -> None:
    scale = np.arange(1, 41, dtype=np.float32)
    target = np.linspace(-3, 3, 40, dtype=np.float32)

    def parabola(place: np.ndarray) -> tuple[float, np.ndarray]:
        return float((scale * (place - target) ** 2).sum() / 2), scale * (place - target)

    assert np.abs(minimum(parabola, 40) - target).max() < 0.05


def test_the_nearest_are_averaged() -> None:
    examples = np.eye(3, dtype=np.float32)
    assert near(np.array([[1, 0, 0]], np.float32), examples).tolist() == [pytest.approx(1 / 3)]
    assert near(examples, examples[:0]).tolist() == [0, 0, 0]


def test_the_gate_opens_for_almost_all_that_is_right() -> None:
    rng = np.random.default_rng(7)
    inside = np.arange(1_000) < 800
    nearness = np.where(inside, 0.7, 0.4) + 0.1 * rng.standard_normal(1_000)
    doubts = np.where(inside, -4.0, 1.0) + rng.standard_normal(1_000)
    gate = open_gate(doubts.astype(np.float32), nearness.astype(np.float32), inside, inside)
    scores = gate.scores(doubts.astype(np.float32), nearness.astype(np.float32))
    assert gate.measured
    assert (scores[inside] < gate.threshold).mean() <= 0.02
    assert (scores[~inside] < gate.threshold).mean() > 0.95
