"""`copilot nlu parse`: by the running copilot, or in this process without one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from actors.cli import understanding
from actors.cli.nlu import nlu
from actors.nlp.registry import shipped
from gateway.cli.client import Client
from tests.support.rankings import rank


class Keywords:
    """In the place of the fitted classifier."""

    rank = staticmethod(rank)


@pytest.fixture(autouse=True)
def nothing_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COPILOT_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("COPILOT_CATALOGUE__SERVICES", '["payment", "orders"]')
    monkeypatch.setattr(understanding, "shipped_classifier", lambda settings, say: (shipped(), Keywords()))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(nlu, ["parse", *arguments])


def test_without_a_running_copilot_it_is_understood_here() -> None:
    result = run("--json", "p99 of payment in the last hour", "--as-of", "2026-11-22T12:00:00Z")
    assert result.exit_code == 0
    assert "no copilot runs" in result.stderr
    found = json.loads(result.stdout)
    assert set(found) == {"intent", "entities", "missing", "plan", "query", "parts"}
    assert (found["intent"]["name"], found["plan"]["service"], found["query"]) == ("metric_query", "payment", None)
    assert found["plan"]["range"]["start"] == "2026-11-22T11:00:00Z"


def test_as_text() -> None:
    result = run("show", "the", "error rate of payment and roll back payment if it is above 2%")
    assert result.exit_code == 0
    assert "intent    metric_query" in result.stdout
    assert "service payment ('payment' at" in result.stdout
    assert "then      rollback" in result.stdout
    assert ", if it is above 2%" in result.stdout
    assert "missing   version" in run("deploy payment to staging").stdout


def test_a_file_of_texts_gives_a_line_each(tmp_path: Path) -> None:
    texts = tmp_path / "texts.txt"
    texts.write_text("error rate of payment\n\nroll back orders\n", encoding="utf-8")
    result = run("--file", str(texts), "--json")
    assert [json.loads(line)["intent"]["name"] for line in result.stdout.splitlines()] == [
        "metric_query",
        "rollback",
    ]


def test_a_running_copilot_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str, dict[str, Any]]] = []

    def post(client: Client, path: str, body: dict[str, Any]) -> Any:
        asked.append((client.url, path, body))
        return {
            "intent": {"name": "metric_query", "confidence": 0.97, "alternatives": []},
            "entities": [],
            "missing": [],
            "plan": None,
            "query": {"language": "promql", "query": "up", "explanation": "All that is up."},
            "parts": [],
        }

    monkeypatch.setattr(Client, "post", post)
    result = run("and yesterday?", "--url", "http://127.0.0.1:7", "--session", "s", "--timezone", "Europe/Vienna")
    assert result.exit_code == 0
    assert "promql    up" in result.stdout
    assert asked == [
        (
            "http://127.0.0.1:7",
            "/api/v1/nlu/parse",
            {"text": "and yesterday?", "session_id": "s", "timezone": "Europe/Vienna"},
        )
    ]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "name either a text or a --file"),
        (("  ",), "there is no text"),
        (("x" * 10_001,), "at most 10,000 characters"),
        (("hello", "--session", "s"), "only to a running copilot"),
        (("hello", "--timezone", "Mars/Olympus"), "--timezone"),
        (("hello", "--as-of", "yesterday"), "--as-of"),
    ],
)
def test_mistakes_are_one_line(arguments: tuple[str, ...], told: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 1
    assert told in result.stderr
    assert "Traceback" not in result.stderr
