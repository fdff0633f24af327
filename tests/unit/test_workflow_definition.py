"""The format, its checks with their places, inputs, versions, and what a step asks."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict

from actors.workflow.definition import inputs, load, version
from actors.workflow.definition.expression import ExpressionError, Needs
from actors.workflow.definition.inputs import Input
from actors.workflow.definition.model import Definition, Retry
from actors.workflow.definition.plan import Decision, Plan, Scope
from actors.workflow.definition.template import TemplateError
from schemas.errors import InvalidInput

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "deploy" / "workflow.schema.json"


class Wants(BaseModel):
    model_config = ConfigDict(extra="forbid")

    url: str
    count: int = 1


ACTIONS: dict[str, type[BaseModel] | None] = {"core.noop": None, "core.http": Wants, "core.approval": None}

RELEASE = """
name: release
description: Test, approve, deploy, watch
inputs:
  service: {type: string, required: true}
  regions: {type: array, default: [eu]}
timeout: 30m
max_parallel: 10
on_failure: compensate
steps:
  - id: tests
    uses: core.noop
    with: {path: "${{ inputs.service }}"}
    retry: {max_attempts: 3, backoff: exponential, initial_delay: 1s, max_delay: 60s}
    timeout: 5m
  - id: go
    uses: core.approval
    needs: [tests]
    with: {title: "Release ${{ inputs.service }}?"}
  - id: rollout
    uses: core.http
    needs: go
    if: "steps.go.output.decision == 'approve'"
    for_each: "inputs.regions"
    with: {url: "http://${{ item }}/${{ index }}"}
    compensate: {uses: core.noop, with: {was: "${{ steps.rollout.output }}", at: "${{ item }}"}}
outputs: {regions: "${{ steps.rollout.output }}"}
"""


def planned(*steps: dict[str, Any], **more: Any) -> Plan:
    return load.plan({"name": "x", "steps": [{"uses": "core.noop", **step} for step in steps], **more}, ACTIONS)


def wrong(*steps: dict[str, Any], **more: Any) -> dict[str, str]:
    with pytest.raises(InvalidInput) as error:
        planned(*steps, **more)
    return {one.pointer: one.detail for one in error.value.violations}


def scope(**given: Any) -> Scope:
    return Scope(given.pop("inputs", {}), given.pop("steps", {}), {"id": "o.1"}, "2026-11-24T10:00:00Z", **given)


def test_the_design_s_example() -> None:
    plan = load.plan_from_text(RELEASE, ACTIONS)
    assert plan.definition.timeout == timedelta(minutes=30)
    assert plan.definition.steps[0].retry == Retry(
        initial_delay=timedelta(seconds=1), max_delay=timedelta(minutes=1)
    )
    here = scope(
        inputs={"service": "pay", "regions": ["eu", "us"]}, steps={"go": {"output": {"decision": "approve"}}}
    )
    assert plan.asks("tests", here) == {"path": "pay"}
    assert plan.decide("rollout", here, Needs()) == Decision(True, ["eu", "us"])
    item = scope(inputs=here.inputs, steps={"rollout": {"output": [1, 2]}}, item="us", index=1)
    assert plan.asks("rollout", item) == {"url": "http://us/1"}
    assert plan.takes_back("rollout", item) == {"was": [1, 2], "at": "us"}
    assert plan.outputs(item) == {"regions": [1, 2]}
    assert plan.reads("rollout") == {"go", "rollout"}
    assert plan.outputs_read() == {"rollout"}


def test_one_step_is_enough() -> None:
    plan = planned({"id": "a"})
    definition = plan.definition
    assert (definition.on_failure, definition.timeout, definition.max_parallel) == ("stop", None, None)
    assert (definition.steps[0].needs, definition.steps[0].retry) == ((), None)


@pytest.mark.parametrize(
    ("step", "pointer", "said"),
    [
        ({"need": ["b"]}, "/steps/0/need", 'unknown key "need"; did you mean needs?'),
        ({"with_": {}}, "/steps/0/with_", 'unknown key "with_"; did you mean with?'),
        ({"retry": {"max_atempts": 2}}, "/steps/0/retry/max_atempts", "did you mean max_attempts?"),
        ({"retry": {"max_attempts": 0}}, "/steps/0/retry/max_attempts", "greater than or equal to 1"),
        ({"retry": {"max_attempts": 101}}, "/steps/0/retry/max_attempts", "less than or equal to 100"),
        ({"retry": {"max_delay": "25h"}}, "/steps/0/retry/max_delay", "must be from 0s to 1d"),
        ({"retry": {"backoff": "random"}}, "/steps/0/retry/backoff", "'constant', 'linear' or 'exponential'"),
        ({"timeout": "0s"}, "/steps/0/timeout", "must be from 1ms to 30d"),
        ({"timeout": 5}, "/steps/0/timeout", "a duration is a text with its unit"),
        ({"timeout": "soon"}, "/steps/0/timeout", "'soon' is no duration"),
        ({"id": "a.b"}, "/steps/0/id", "must match"),
        ({"id": "a:b"}, "/steps/0/id", "must match"),
        ({"uses": "noop"}, "/steps/0/uses", "must match"),
        ({"if": ""}, "/steps/0/if", "1 to 4,096 characters"),
        ({"if": "x" * 5_000}, "/steps/0/if", "1 to 4,096 characters"),
        ({"for_each": 3}, "/steps/0/for_each", "an expression that gives a list, or a list"),
        ({"uses": "core.nop"}, "/steps/0/uses", "unknown action core.nop; did you mean core.noop?"),
        ({"compensate": {"uses": "core.undo"}}, "/steps/0/compensate/uses", "unknown action core.undo"),
        ({"if": "inputs.x +"}, "/steps/0/if", "column 11: Syntax error"),
        ({"if": "1"}, "/steps/0/if", "a condition gives true or false"),
        ({"if": "index > 0"}, "/steps/0/if", "index is there in the `with` of a step with for_each alone"),
        ({"if": "inputs.y"}, "/steps/0/if", "there is no input y"),
        ({"if": "steps.b.output"}, "/steps/0/if", "there is no step b"),
        ({"if": "steps.a.output"}, "/steps/0/if", "a need not have ended here"),
        ({"if": "size(steps) > 0"}, "/steps/0/if", "name the step: steps.<id>"),
        ({"if": "run.uer == 'x'"}, "/steps/0/if", "there is no field of run uer; did you mean user?"),
        ({"if": "1 == 2"}, "/steps/0", "unreachable: its condition is always false"),
        ({"for_each": "'eu'"}, "/steps/0/for_each", "for_each needs a list"),
        ({"with": {"a": {"b~c": ["${{ item }}"]}}}, "/steps/0/with/a/b~0c/0", "item is there"),
        ({"with": {"a": "${{ inputs.x"}}, "/steps/0/with/a", "without its }}"),
        ({"uses": "core.http"}, "/steps/0/with/url", "Field required"),
        (
            {"uses": "core.http", "with": {"urll": "x", "url": "x"}},
            "/steps/0/with/urll",
            "core.http has no urll; did",
        ),
        (
            {"uses": "core.http", "with": {"url": "${{ now }}", "count": "x"}},
            "/steps/0/with/count",
            "valid integer",
        ),
    ],
)
def test_a_mistake_is_named_with_its_place(step: dict[str, Any], pointer: str, said: str) -> None:
    found = wrong({"id": "a", **step}, inputs={"x": {}})
    assert list(found) == [pointer]
    assert said in found[pointer]


def test_a_value_with_an_expression_is_not_held_against_the_schema() -> None:
    planned({"id": "a", "uses": "core.http", "with": {"url": "x", "count": "${{ inputs.n }}"}}, inputs={"n": {}})


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([("a", "b"), ("b", "a")], {"/steps/0/needs": "a cycle: a -> b -> a"}),
        ([("a", "a")], {"/steps/0/needs": "a cycle: a -> a"}),
        (
            [("x", ""), ("c", "b"), ("a", "c"), ("b", "ax"), ("d", "b")],
            {
                "/steps/1/needs": "a cycle: c -> a -> b -> c",
                "/steps/4": "unreachable: what it needs waits for a cycle",
            },
        ),
        ([("a", ""), ("a", "")], {"/steps/1/id": "a is the id of /steps/0 already"}),
        ([("a", "bc")], {"/steps/0/needs/0": "there is no step b", "/steps/0/needs/1": "there is no step c"}),
    ],
)
def test_a_graph_that_cannot_run(steps: list[tuple[str, str]], expected: dict[str, str]) -> None:
    assert wrong(*({"id": id, "needs": list(needs)} for id, needs in steps)) == expected


def test_what_needs_a_step_that_never_runs_is_unreachable_but_for_a_handler() -> None:
    steps = [{"id": "a", "if": False}, {"id": "b", "needs": "a"}, {"id": "c", "needs": "b", "if": "always()"}]
    assert wrong(*steps) == {
        "/steps/0": "unreachable: its condition is always false",
        "/steps/1": "unreachable: it needs a, which never runs",
    }


def test_a_step_may_read_what_is_further_up_but_no_neighbour() -> None:
    chain = [{"id": "a"}, {"id": "b", "needs": "a"}, {"id": "side"}]
    planned(*chain, {"id": "c", "needs": "b", "with": {"x": "${{ steps.a.output }}"}})
    found = wrong(*chain, {"id": "c", "needs": "b", "with": {"x": "${{ steps.side.output }}"}})
    assert "side need not have ended here" in found["/steps/3/with/x"]


def test_a_hyphen_in_a_name_is_explained() -> None:
    found = wrong({"id": "a-b"}, {"id": "c", "needs": "a-b", "if": "steps.a-b.output"})
    assert 'written steps["a-b"]' in found["/steps/1/if"]


def test_every_mistake_of_a_text_has_its_line() -> None:
    with pytest.raises(InvalidInput) as error:
        load.plan_from_text(RELEASE.replace("core.noop", "core.nop").replace("needs: go", "needs: goo"), ACTIONS)
    lines = [one.detail.split(",")[0] for one in error.value.violations]
    assert lines == ["line 12", "line 22", "line 23", "line 26"]
    assert "line 22, column 5: there is no step goo" in error.value.detail


def test_ten_thousand_steps_are_checked_within_a_second() -> None:
    steps = [{"id": f"s{n}", "needs": [f"s{n - 1}"] if n else [], "with": {"n": n}} for n in range(10_000)]
    steps[9_999]["with"] = {"first": "${{ steps.s0.output }}"}
    started = time.thread_time()
    planned(*steps)
    assert time.thread_time() - started < 1.0
    assert "at most 10000 items" in wrong(*steps, {"id": "more"})["/steps"]


# --- inputs ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "pointer", "said"),
    [
        ({"type": "integer", "default": "3"}, "/inputs/x/default", "must be an integer, not a string"),
        ({"type": "integer", "default": True}, "/inputs/x/default", "must be an integer, not a boolean"),
        ({"type": "number", "enum": [1, "2"]}, "/inputs/x/enum/1", "is a string, but the input is a number"),
        ({"enum": ["a"], "default": "b"}, "/inputs/x/default", 'must be one of "a"'),
        ({"pattern": "("}, "/inputs/x/pattern", "missing )"),
        ({"type": "array", "pattern": "a"}, "/inputs/x/pattern", "only a string has a pattern"),
        ({"required": True, "default": "a"}, "/inputs/x/default", "a required input has no default"),
        ({"type": "text"}, "/inputs/x/type", "'string', 'number'"),
        ({"typ": "string"}, "/inputs/x/typ", "did you mean type?"),
    ],
)
def test_an_input_that_contradicts_itself(spec: dict[str, Any], pointer: str, said: str) -> None:
    found = wrong({"id": "a"}, inputs={"x": spec})
    assert said in found[pointer]


DECLARED = {
    "service": Input(required=True, pattern="[a-z]+"),
    "count": Input(type="integer", default=2, enum=(1, 2, 3)),
    "tags": Input(type="array"),
}


def test_defaults_fill_what_is_not_given() -> None:
    assert inputs.resolve(DECLARED, {"service": "pay"}) == {"service": "pay", "count": 2, "tags": None}
    assert inputs.resolve(DECLARED, {"service": "pay", "count": 1, "tags": []})["count"] == 1
    assert inputs.resolve(DECLARED, {"service": "pay", "count": None})["count"] == 2


@pytest.mark.parametrize(
    ("given", "pointer", "said"),
    [
        ({}, "/service", "is required"),
        ({"service": None}, "/service", "must be a string, not null"),
        ({"service": "pay\n"}, "/service", "must match [a-z]+"),
        ({"service": "pay", "count": 4}, "/count", "must be one of 1, 2, 3"),
        ({"service": "pay", "count": True}, "/count", "must be an integer, not a boolean"),
        ({"service": "pay", "count": 1.0}, "/count", "must be an integer, not a number"),
        ({"service": "pay", "count": 2**63}, "/count", "not an integer beyond 64 bits"),
        ({"service": "pay", "other/": 1}, "/other~1", "there is no such input; there are service, count, tags"),
        ({"service": "pay", "tags": ["x" * 300_000]}, "", "larger than 256 KB"),
    ],
)
def test_inputs_that_do_not_fit(given: dict[str, Any], pointer: str, said: str) -> None:
    with pytest.raises(InvalidInput) as error:
        inputs.resolve(DECLARED, given)
    assert [one.pointer for one in error.value.violations] == [pointer]
    assert said in error.value.violations[0].detail


# --- versions, schema, and what a run asks ---------------------------------------------------------


def test_a_version_is_what_a_definition_means_not_how_it_is_written() -> None:
    written = {"name": "x", "timeout": "90m", "steps": [{"id": "a", "uses": "core.noop"}]}
    other = {"steps": [{"uses": "core.noop", "id": "a", "needs": [], "with": {}}], "timeout": "1h30m", "name": "x"}
    one, two = (version.sha256(Definition.model_validate(value)) for value in (written, other))
    assert one == two
    changed = {**written, "timeout": "91m"}
    assert version.sha256(Definition.model_validate(changed)) != one


def test_the_canonical_form_is_a_definition_of_the_same_version() -> None:
    plan = load.plan_from_text(RELEASE, ACTIONS)
    again = load.plan(json.loads(json.dumps(version.canonical(plan.definition))), ACTIONS)
    assert again.sha256 == plan.sha256
    assert again.definition == plan.definition


def test_the_version_of_this_text_stays() -> None:
    """A stored run finds its definition by this hash: a change here would make every definition new."""
    assert load.plan_from_text(RELEASE, ACTIONS).sha256.startswith("45d7ec3b20d11c12")


def test_the_published_schema_is_the_code_s() -> None:
    """To write it anew: python -m actors.workflow.definition."""
    assert json.loads(SCHEMA.read_text(encoding="utf-8")) == load.schema()


@pytest.mark.parametrize(
    ("retry", "expected"),
    [
        (Retry(backoff="constant"), [1, 1, 1, 1]),
        (Retry(backoff="linear"), [1, 2, 3, 4]),
        (Retry(), [1, 2, 4, 8]),
        (Retry(max_delay=timedelta(seconds=3)), [1, 2, 3, 3]),
    ],
)
def test_delays_between_attempts(retry: Retry, expected: list[int]) -> None:
    assert [retry.delay(attempt).total_seconds() for attempt in (1, 2, 3, 4)] == expected
    assert retry.delay(99) <= retry.max_delay


def test_a_step_decides_once_and_takes_its_items_as_they_are() -> None:
    plan = planned(
        {"id": "a", "if": "inputs.go", "for_each": ["x", "${{ inputs.y }}"]},
        {"id": "b", "for_each": "inputs.list"},
        inputs={"go": {"type": "boolean"}, "y": {}, "list": {"type": "array"}},
    )
    assert plan.decide("a", scope(inputs={"go": False}), Needs()) == Decision(False)
    assert plan.decide("a", scope(inputs={"go": True, "y": 3}), Needs()) == Decision(True, ["x", 3])
    assert plan.decide("b", scope(inputs={"list": [None, {}]}), Needs()).count == 2
    with pytest.raises(ExpressionError, match="not true or false"):
        plan.decide("a", scope(inputs={"go": "yes"}), Needs())
    with pytest.raises(ExpressionError, match="not a list"):
        plan.decide("b", scope(inputs={"list": "abc"}), Needs())
    with pytest.raises(ExpressionError, match="at most 10,000"):
        plan.decide("b", scope(inputs={"list": [0] * 10_001}), Needs())


def test_a_value_that_is_not_there_names_its_place() -> None:
    plan = planned({"id": "a", "with": {"deep": [{"x": "${{ inputs.x.y }}"}]}}, inputs={"x": {"type": "object"}})
    with pytest.raises(TemplateError) as error:
        plan.asks("a", scope(inputs={"x": {}}))
    assert error.value.pointer == "/with/deep/0/x"
