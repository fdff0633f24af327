"""The evaluation data of understanding are well formed: names, spans, instants, counts, no doubles."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


DATA = Path(__file__).parents[1] / "eval" / "understanding"
INTENTS = words(
    """metric_query log_query trace_query service_health metric_compare anomaly_detect root_cause slo_query
    capacity_forecast dependency_query alert_query cost_query incident_query incident_create incident_update
    incident_resolve postmortem_generate runbook_execute test_generate test_execute test_coverage workflow_start
    workflow_status workflow_control approval_decide deploy scale rollback knowledge_query remember help affirm
    deny out_of_scope"""
)
METRICS = words(
    """latency error_rate request_rate cpu memory disk gpu availability restarts queue_depth consumer_lag
    connections cache_hit_rate token_usage ttft cost saturation replicas error_budget burn_rate"""
)
AS_IN_THE_TEXT = words(
    """time_range comparison threshold endpoint version namespace host pod incident_id trace_id pattern
    test_target"""
)
FORMS = {
    "service": r"[a-z0-9]+(-[a-z0-9]+)*",
    "environment": "production|staging|development|test",
    "metric": "|".join(METRICS) + "|[a-zA-Z_:][a-zA-Z0-9_:]*_(total|seconds|bytes|bucket|ratio)",
    "percentile": r"0\.\d{1,4}",
    "aggregation": "avg|max|min|sum|count",
    "status_code": r"[1-5](\d\d|xx)",
    "severity": "critical|high|medium|low|info",
    "log_level": "fatal|error|warn|info|debug",
    "version": r"\d[\w.+-]*",
    "workflow": r"[a-z0-9]+(-[a-z0-9]+)*|[0-9A-HJKMNP-TV-Z]{26}",
    "language": r"[a-z+#]+",
    "quantity": r"[+-]?\d+",
    "person": r"[a-z]+",
    "trace_id": r"[0-9a-f]{16}|[0-9a-f]{32}",
}
TYPES = AS_IN_THE_TEXT | FORMS.keys()
WORDS_OF_KIND = re.compile(r"(^|-)(service|svc|api|model|cluster|pipeline)$")
LEADING = re.compile(r"(in|on|over|for|during|at)\b", re.IGNORECASE)
KINDS = words("reference ellipsis time_shift ordinal correction clarification offer two_requests switch")
TURN_KEYS = words("text intent entities missing clarification parts shown offer")
SLOTS = words("service metric version environment quantity incident_id workflow test_target title")


def lines(file: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DATA / file).read_text(encoding="utf-8").splitlines()]


SENTENCES, TIMES, DIALOGUES = lines("sentences.jsonl"), lines("times.jsonl"), lines("dialogues.jsonl")


def plain(text: str) -> str:
    """Letters and digits alone; a text that has none (an emoji, a dot) stays as it is."""
    return " ".join(re.findall(r"\w+", text.lower())) or text


def check_entity(entity: dict[str, Any], text: str) -> None:
    kind, value = entity["type"], entity["value"]
    assert kind in TYPES, entity
    assert kind not in FORMS or re.fullmatch(FORMS[kind], value), entity
    if kind == "service":
        assert not WORDS_OF_KIND.search(value), entity
    if kind in AS_IN_THE_TEXT and "resolved_from" not in entity:
        assert value in text, (entity, text)
    if kind in {"time_range", "comparison"}:
        assert not LEADING.match(value), entity


def check_window(start: str, end: str, as_of: str, zone: str) -> None:
    begin, finish, now = (datetime.fromisoformat(instant) for instant in (start, end, as_of))
    assert begin.astimezone(UTC) < finish.astimezone(UTC) <= now.astimezone(UTC)
    for instant in (begin, finish):
        assert instant.utcoffset() == instant.astimezone(ZoneInfo(zone)).utcoffset(), instant


def requests() -> Iterator[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]]:
    """Every request of the dialogues with its turn and its dialogue: the turn itself, then its parts."""
    for dialogue in DIALOGUES:
        for turn in dialogue["turns"]:
            for request in (turn, *turn.get("parts", [])):
                yield request, turn, dialogue


def test_catalogue_has_forty_services_without_words_of_kind() -> None:
    catalogue = json.loads((DATA / "catalogue.json").read_text(encoding="utf-8"))
    assert len(set(catalogue["services"])) == 40
    assert not [name for name in catalogue["services"] if WORDS_OF_KIND.search(name)]
    assert catalogue["environments"] == ["production", "staging", "development", "test"]


def test_sentences_are_well_formed() -> None:
    for line in SENTENCES:
        assert line.keys() == {"text", "intent", "entities"}
        assert line["text"] == line["text"].strip() != ""
        for entity in line["entities"]:
            assert entity.keys() == {"type", "value"}
            check_entity(entity, line["text"])


def test_every_intent_has_enough_sentences() -> None:
    counts = Counter(line["intent"] for line in SENTENCES)
    assert counts.keys() == INTENTS
    assert len(SENTENCES) >= 700
    assert min(counts.values()) >= 18
    assert counts["out_of_scope"] >= 110


def test_every_entity_type_occurs() -> None:
    assert {entity["type"] for line in SENTENCES for entity in line["entities"]} == TYPES


def test_about_a_third_of_the_sentences_name_services_outside_the_catalogue() -> None:
    known = set(json.loads((DATA / "catalogue.json").read_text(encoding="utf-8"))["services"])
    named = [{e["value"] for e in line["entities"] if e["type"] == "service"} for line in SENTENCES]
    named = [services for services in named if services]
    assert 0.3 <= sum(bool(services - known) for services in named) / len(named) <= 0.45


def test_times_are_windows_in_their_zone() -> None:
    assert len(TIMES) >= 180
    for line in TIMES:
        assert line.keys() == {"text", "as_of", "timezone", "start", "end"}
        check_window(line["start"], line["end"], line["as_of"], line["timezone"])
    spans = {datetime.fromisoformat(t["end"]) - datetime.fromisoformat(t["start"]) for t in TIMES}
    assert {23, 24, 25} <= {span.total_seconds() / 3600 for span in spans}, "days on which clocks change"


def test_dialogues_are_well_formed() -> None:
    assert len(DIALOGUES) >= 120
    counts = Counter(dialogue["kind"] for dialogue in DIALOGUES)
    assert counts.keys() == KINDS
    assert min(counts.values()) >= 10
    for dialogue in DIALOGUES:
        assert dialogue.keys() == {"name", "kind", "as_of", "timezone", "turns"}
        assert 2 <= len(dialogue["turns"]) <= 6, dialogue["name"]
        now = datetime.fromisoformat(dialogue["as_of"])
        assert now.utcoffset() == now.astimezone(ZoneInfo(dialogue["timezone"])).utcoffset()


def test_turns_are_well_formed() -> None:
    for request, turn, dialogue in requests():
        keys = TURN_KEYS if request is turn else {"intent", "entities", "condition"}
        assert request.keys() <= keys, dialogue["name"]
        assert request["intent"] in INTENTS
        for entity in request["entities"]:
            assert entity.keys() <= {"type", "value", "resolved_from", "range"}
            check_entity(entity, turn["text"])
            if "range" in entity:
                window = entity["range"]
                check_window(window["start"], window["end"], dialogue["as_of"], dialogue["timezone"])
        assert (request.get("condition") or "") in turn["text"]
        assert bool(turn.get("missing")) == turn.get("clarification", False)
        assert set(turn.get("missing", [])) <= SLOTS


def test_what_comes_from_history_was_said_or_shown_before() -> None:
    for dialogue in DIALOGUES:
        before: set[str] = set()
        for turn in dialogue["turns"]:
            entities = [e for request in (turn, *turn.get("parts", [])) for e in request["entities"]]
            taken = {e["value"] for e in entities if e.get("resolved_from") == "history"}
            assert taken <= before, (dialogue["name"], turn["text"])
            before |= {e["value"] for e in entities} | set(turn.get("shown", []))


@pytest.mark.parametrize(
    "keys",
    [
        pytest.param([plain(line["text"]) for line in SENTENCES], id="sentences"),
        pytest.param([(plain(t["text"]), t["as_of"], t["timezone"]) for t in TIMES], id="times"),
        pytest.param([dialogue["name"] for dialogue in DIALOGUES], id="names of dialogues"),
        pytest.param(
            [
                *(plain(line["text"]) for line in SENTENCES),
                *{plain(line["text"]) for line in TIMES},
                *(plain(dialogue["turns"][0]["text"]) for dialogue in DIALOGUES),
            ],
            id="across files",
        ),
    ],
)
def test_nothing_is_there_twice(keys: list[Any]) -> None:
    assert [key for key, count in Counter(keys).items() if count > 1] == []
