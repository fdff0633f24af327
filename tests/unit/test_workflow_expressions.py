"""CEL: what it reads, what it gives, and that nothing written in it can take this process with it."""

from __future__ import annotations

import resource
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.workflow.definition import cost, template
from actors.workflow.definition.expression import ExpressionError, Needs, compiled, matches, pattern_mistake
from actors.workflow.definition.template import TemplateError

SCOPE: dict[str, Any] = {
    "inputs": {
        "service": "payment",
        "regions": ["eu", "us"],
        "count": 3,
        "ratio": 0.5,
        "none": None,
        "hosts": [{"name": f"h{n}", "region": "eu" if n % 2 else "us"} for n in range(1_000)],
        "numbers": list(range(9_000)),
        "long": "a" * 250_000,
    },
    "steps": {"go": {"output": {"decision": "approve"}, "status": "succeeded"}, "a-b": {"output": [1, 2]}},
    "run": {"id": "x.1"},
    "now": "2026-11-24T10:00:00Z",
    "item": None,
    "index": 4,
}


def value(text: str) -> Any:
    return compiled(text).evaluate(SCOPE)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("inputs.service", "payment"),
        ("inputs['service']", "payment"),
        ("inputs.count + 1", 4),
        ("inputs.ratio * 2.0", 1.0),
        ("inputs.regions.map(r, r + '-1')", ["eu-1", "us-1"]),
        ("inputs.hosts.filter(h, h.region == 'eu').size()", 500),
        ("steps.go.output.decision == 'approve' && inputs.count > 2", True),
        ('steps["a-b"].output[1]', 2),
        ("has(steps.go.output.reason) ? steps.go.output.reason : 'none'", "none"),
        ("item == null", True),
        ("inputs.none", None),
        ("index", 4),
        ("timestamp(now) - duration('5m')", "2026-11-24T09:55:00Z"),
        ("duration('90s')", "1m30s"),
        ("duration('-90s')", "-1m30s"),
        ("{'a': [1, {'b': 2}]}", {"a": [1, {"b": 2}]}),
        ("inputs.service.matches('^pay')", True),
        ("string(inputs.count) + '%'", "3%"),
        ("[1, 2].map(inputs, inputs + 1)", [2, 3]),  # a loop's variable hides the inputs
    ],
)
def test_values(text: str, expected: Any) -> None:
    assert value(text) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("inputs.missing", 'Key not found in map : "missing"'),
        ("inputs.count / 0", "divide by zero"),
        ("inputs.count + 'x'", "No matching overloads"),
        ("inputs.regions[9]", "Index error"),
        ("9223372036854775807 + inputs.count", "integer overflow"),
        ("b'raw'", "JSON cannot say"),
        ("{1: 2}", "keys are texts"),
        ("0.0 / 0.0", "nan, which JSON cannot say"),
        ("type(1)", "JSON cannot say"),
        ("inputs.long + inputs.long", "gives more than 256 KB"),
    ],
)
def test_what_cannot_be_evaluated_is_said(text: str, said: str) -> None:
    with pytest.raises(ExpressionError) as error:
        value(text)
    assert str(error.value).startswith(f"{text}: ")
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("text", "wanted", "said"),
    [
        ("inputs.", "any", "column 8: Syntax error"),
        ("nobody", "any", "column 1: undeclared reference to 'nobody'"),
        ("true ||\n && false", "any", "line 2, column 2: "),
        ("1 + 1", "boolean", "a condition gives true or false, this is of type INT"),
        ("'eu'", "list", "for_each needs a list, this is of type STRING"),
        ("now()", "any", "undeclared reference to 'now'"),
    ],
)
def test_what_cannot_be_read_is_said_with_its_column(text: str, wanted: Any, said: str) -> None:
    with pytest.raises(ExpressionError) as error:
        compiled(text, wanted)
    assert said in str(error.value)


def test_what_an_expression_reads() -> None:
    expression = compiled("steps.a.output.x > inputs.y && inputs.l.all(i, i > steps['b-c'].output[0])")
    assert expression.steps == {"a", "b-c"}
    assert {path.root for path in expression.reads.paths} == {"steps", "inputs"}
    assert not expression.asks_status
    assert compiled("steps.a.status == 'failed'").asks_status
    assert compiled("always() || inputs.x").asks_status
    assert compiled("steps.a.output.status == 'x'").asks_status is False


@pytest.mark.parametrize(
    ("text", "needs", "expected"),
    [
        ("always()", Needs(False, True), True),
        ("success()", Needs(False, False), False),
        ("failure()", Needs(False, True), True),
        ("failure() || success()", Needs(False, False), False),
    ],
)
def test_status_functions(text: str, needs: Needs, expected: bool) -> None:
    assert compiled(text, "boolean").condition(SCOPE, needs) is expected
    assert compiled("success() && !failure()").condition(SCOPE) is True  # nothing is left over from the last


def nested(levels: int, item: str) -> str:
    """A loop in a loop in a loop, each over ten items."""
    text = item
    for level in range(levels):
        text = f"[0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map(v{level}, {text})"
    return text


@pytest.mark.parametrize(
    "bomb",
    [
        nested(8, "1"),
        nested(3, "inputs.long + inputs.long"),
        "inputs.numbers.map(n, inputs.long + inputs.long)",
        "inputs.numbers.map(n, inputs.numbers + inputs.numbers)",
        "inputs.numbers.exists(n, inputs.long.contains('b'))",
        "inputs.numbers.exists(n, inputs.long.matches('(a|b)*c'))",
        "inputs.numbers.map(n, n * 2).size()",
        "inputs.numbers.all(n, n in inputs.numbers)",
        "inputs.numbers.filter(n, inputs.numbers.filter(m, m == n).size() > 1)",
        "inputs.long.matches('((((a{100}){100}){100}){100})')",
        "(" * 5_000 + "1" + ")" * 5_000,
        "1" + " + 1" * 20_000,
        "[" * 3_000 + "]" * 3_000,
        "true ? " * 5_000 + "1" + " : 2" * 5_000,
        "inputs" + ".a" * 5_000,
        "[inputs.long].map(a, [a + a].map(b, [b + b].map(c, [c + c].map(d, [d + d].map(e, e + e)))))",
    ],
)
def test_a_bomb_is_an_error_at_once(bomb: str) -> None:
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.thread_time()
    with pytest.raises(ExpressionError):
        value(bomb)
    assert time.thread_time() - started < 1.0
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < 200 << 10


def test_the_estimate_lets_ordinary_work_pass() -> None:
    for text in (
        "inputs.hosts.map(h, h.name).size()",
        "inputs.numbers.all(n, n >= 0)",
        "inputs.hosts.exists(h, h.name == 'h9')",
    ):
        assert value(text)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 9), max_size=40), st.text("ab", max_size=50))
def test_the_estimate_is_never_below_the_result(numbers: list[int], text: str) -> None:
    scope = {"inputs": {"n": numbers, "t": text}}
    for source in (
        "inputs.n + inputs.n",
        "inputs.n.map(i, inputs.t + inputs.t)",
        "[inputs.t, inputs].map(x, [x, x])",
    ):
        expression = compiled(source)
        assert cost.work(expression.tree, scope) >= cost.weight(expression.evaluate(scope))


def test_patterns_match_the_whole_text_in_linear_time() -> None:
    assert matches("[a-z]+", "abc")
    assert not matches("[a-z]+", "abc1")
    started = time.thread_time()
    assert not matches("(a+)+b", "a" * 50_000)
    assert time.thread_time() - started < 0.5
    assert "missing )" in str(pattern_mistake("("))
    assert pattern_mistake("v[0-9]+") is None


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("plain", "plain"),
        ("${{ inputs.count }}", 3),
        ("${{inputs.regions}}", ["eu", "us"]),
        ("n=${{ inputs.count }}!", "n=3!"),
        ("${{ inputs.ratio * 2.0 }} ${{ inputs.none }}|${{ true }}", "1 |true"),
        ("all: ${{ inputs.regions }}", 'all: ["eu", "us"]'),
        ("${{ {'a': {'b': inputs.count}} }}", {"a": {"b": 3}}),
        ("${{ {'a': {'b': '}}'}} }}", {"a": {"b": "}}"}}),
        ("${{ 'it\\'s }}' }}", "it's }}"),
        ("${{ '${{' }}", "${{"),
        ("$ {{ }} $", "$ {{ }} $"),
        ({"a": ["${{ index }}", {"b": "${{ item }}"}], "c": True}, {"a": [4, {"b": None}], "c": True}),
    ],
)
def test_templates(given: Any, expected: Any) -> None:
    assert template.resolve(given, SCOPE) == expected


@pytest.mark.parametrize(
    ("given", "pointer", "said"),
    [
        ({"a": ["x", "${{ inputs.count "]}, "/a/1", "without its }}"),
        ({"a/b": "${{ 'open }}"}, "/a~1b", "does not end"),
        ({"a": "${{ inputs.missing }}"}, "/a", "Key not found"),
        ({"a": "${{ }}"}, "/a", "Syntax error"),
        ({"a": ["${{ inputs.long }}", "${{ inputs.long }}"]}, "", "larger than 256 KB"),
    ],
)
def test_a_template_that_cannot_be_resolved_says_where(given: Any, pointer: str, said: str) -> None:
    with pytest.raises(TemplateError) as error:
        template.resolve(given, SCOPE)
    assert error.value.pointer == pointer
    assert said in error.value.detail


@given(st.text(max_size=30).filter(lambda text: "${{" not in text))
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert template.resolve({"a": text}, SCOPE) == {"a": text}
    assert template.resolve(text + "${{ index }}", {**SCOPE}) == (f"{text}4" if text else 4)
