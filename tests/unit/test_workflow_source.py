"""Durations, and reading YAML and JSON with places."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from actors.workflow.definition import durations, source
from actors.workflow.definition.source import Place, read
from schemas.errors import InvalidInput, TooLarge

MICROSECOND = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("5s", 5), ("500ms", 0.5), ("30m", 1_800), ("1h30m", 5_400), ("2d", 172_800), ("1.5s", 1.5), ("0s", 0)],
)
def test_durations(text: str, seconds: float) -> None:
    assert durations.parse(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text", ["", "5", "s", "5 s", "-5s", "1m1h", "1h1h", "5sec", "1e3s", "٣s", "5s\n", "999d", "1" * 70 + "s"]
)
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no duration|is longer than 366d"):
        durations.parse(text)


@given(st.integers(0, durations.LONGEST // MICROSECOND))
def test_a_written_duration_is_read_back(microseconds: int) -> None:
    duration = microseconds * MICROSECOND
    assert durations.parse(durations.written(duration)) == duration


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**18), 10**18) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(JSON_VALUES, st.sampled_from([None, 1]))
def test_json_is_read_as_json_reads_it(value: Any, indent: int | None) -> None:
    text = json.dumps(value, indent=indent)
    if not isinstance(value, str | int | float | None):
        assert read(text).value == json.loads(text)


@given(JSON_VALUES.filter(lambda value: all(c.isprintable() for c in json.dumps(value, ensure_ascii=False))))
def test_yaml_that_was_written_is_read_back(value: Any) -> None:
    assert read(yaml.safe_dump(value, allow_unicode=True)).value == value


def test_scalars_are_those_of_json_not_of_old_yaml() -> None:
    text = "[on, yes, No, 2024-01-01, 12:30:45, 0o17, 1_000, '1', ~, null, true, 1.5, -3, .5, =]"
    expected = [
        "on",
        "yes",
        "No",
        "2024-01-01",
        "12:30:45",
        "0o17",
        "1_000",
        "1",
        None,
        None,
        True,
        1.5,
        -3,
        0.5,
        "=",
    ]
    assert read(text).value == expected


def test_every_part_has_its_place() -> None:
    found = read('name: x\nsteps:\n  - id: a\n    "wi/th": {u~rl: [1, 2]}\n')
    assert found.place("/steps/0/id") == Place(3, 5)
    assert found.place("/steps/0/wi~1th/u~0rl/1") == Place(4, 25)
    assert found.place("/steps/0/uses") == Place(3, 5)  # not there: the step around it
    assert found.place("/nowhere") == Place(1, 1)


def test_a_character_in_two_escapes_is_json_all_the_same() -> None:
    assert read('{"name": "\\ud83d\\ude80"}').value == {"name": "\N{ROCKET}"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("# nothing", "is empty"),
        ("a: [1,", "line 2, column 1"),
        ("a: 1\nb: {c: 2\n", "line 3, column 1"),
        ("a: 1\na: 2", "line 2, column 1: the key 'a' is there twice"),
        ('{"a": "\\ud83d\\ude80", "a": 1}', "'a' is there twice"),
        ("a: &x [1]\nb: *x", "line 1, column 4: anchors and aliases"),
        ("a: !!python/object:os.system x", "the tag"),
        ("a: 1\n---\nb: 2", "a second document"),
        ("? [a]\n: 1", "a key must be a text"),
        ("a: .nan", "no number that JSON knows"),
        ("a: 1e999", "too large"),
        ("[" * 100_000, "nested deeper than 64"),
        ('{"a":' * 100_000, "nested deeper than 64"),
        ("a: \x00", "control characters"),
        (b"\xff\xfe\xfd", "not UTF-8"),
    ],
)
def test_what_cannot_be_read_is_said_with_its_place(text: str | bytes, said: str) -> None:
    with pytest.raises(InvalidInput) as error:
        read(text)
    assert said in error.value.detail


def test_ten_megabytes_are_the_end() -> None:
    with pytest.raises(TooLarge):
        read(b"a" * (source.LARGEST_TEXT_BYTES + 1))
