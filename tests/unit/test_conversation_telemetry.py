"""Which question about figures goes to which action, what is said when it cannot be asked, and what is shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from actors.conversation.colleagues import Answer, Colleagues
from actors.conversation.handlers import Request, Said, respond
from schemas.adapters import HEALTH, MEASURE, METRIC, HealthAnswer, MetricAnswer, ServiceHealth
from schemas.context import Shown, WorkingMemory
from schemas.errors import InvalidInput
from schemas.identity import LOCAL_ADMINISTRATOR
from schemas.measures import Measured, MeasuredRows, MeasuredValue, NotMeasured, Row
from schemas.nlp import Handling, Intent, Understanding
from schemas.plans import Comparison, Plan, Threshold, TimeRange

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = TimeRange(start=NOW - timedelta(hours=1), end=NOW)
DAY = TimeRange(start=NOW - timedelta(days=1), end=NOW)
VALUE = MeasuredValue(value=0.03)


@dataclass
class Asked:
    """Stands for the adapters: remembers what it is asked, answers with `figure`."""

    figure: Any = VALUE
    refusal: InvalidInput | None = None
    actions: list[tuple[str, Any]] = field(default_factory=list)

    async def act(self, action: Any, question: Any, identity: Any) -> Answer[Any]:
        self.actions.append((action.name, question))
        if self.refusal is not None:
            raise self.refusal
        if action is METRIC:
            plain = MetricAnswer(
                metric="error_rate", service="payment", value=0.03, unit="ratio", calls=("orders",)
            )
            return Answer(plain, (), ())
        if action is HEALTH:
            healthy = ServiceHealth(
                service="payment", status="healthy", error_ratio=0.0, latency_p95_seconds=None,
                requests_per_second=None, instances_up=None, instances=None,
            )  # fmt: skip
            return Answer(HealthAnswer(services=(healthy,)), (), ())
        assert action is MEASURE
        measured = Measured(
            name="error_ratio", words="error rate", unit="ratio", range=question.range, figure=self.figure
        )
        return Answer(measured, (), ())


async def say(asked: Asked, **plan: Any) -> Said:
    whole = Plan.model_validate({"intent": "metric_query", "metric": "error_rate", "service": "payment", **plan})
    meaning = Understanding(
        intent=Intent(name=whole.intent, confidence=1.0),
        handling=Handling(handler=whole.intent, permission="telemetry.read"),
        plan=whole,
    )
    ask = cast("Colleagues", asked)
    return await respond(Request(meaning, WorkingMemory(), LOCAL_ADMINISTRATOR, NOW, "UTC", ask))


async def test_a_metric_of_requests_has_its_breakdown_and_its_offer() -> None:
    asked = Asked()
    said = await say(asked, range=HOUR, slots={"text": "whatever"})
    assert [name for name, _ in asked.actions] == ["metric"]
    assert said.offer is not None


@pytest.mark.parametrize(
    "plan",
    [
        {"metric": "memory"},
        {"environment": "production"},
        {"status_code": "502"},
        {"group_by": ("endpoint",)},
        {"top": 3},
        {"per_seconds": 60},
        {"course": True},
        {"aggregation": "max"},
        {"threshold": Threshold(operator=">", value=0.02, text="2 %")},
        {"comparison": Comparison(kind="time", range=DAY)},
        {"service": None, "slots": {"services": "payment,orders"}},
        {"intent": "slo_query"},
        {"intent": "metric_compare"},
        {"intent": "capacity_forecast"},
    ],
)
async def test_everything_else_is_measured(plan: dict[str, Any]) -> None:
    asked = Asked()
    said = await say(asked, **{"range": HOUR, **plan})
    ((action, question),) = asked.actions
    assert action == "measure"
    assert question.range == HOUR
    assert "3 %" in said.content
    assert said.offer is None


async def test_the_state_of_an_environment_is_not_that_of_all() -> None:
    asked = Asked()
    said = await say(asked, intent="service_health", environment="staging", range=HOUR)
    assert asked.actions[0][1].environment == "staging"
    assert said.content.startswith("The payment service is healthy in staging over the last hour.")


@pytest.mark.parametrize("intent", ["cost_query", "capacity_forecast", "slo_query"])
async def test_without_a_time_it_is_the_day_before_the_question(intent: str) -> None:
    asked = Asked()
    await say(asked, intent=intent)
    assert asked.actions[0][1].range == DAY


@pytest.mark.parametrize("plan", [{}, {"environment": "test"}])
async def test_what_passes_a_limit_is_answered(plan: dict[str, Any]) -> None:
    asked = Asked(refusal=InvalidInput("the range is longer than 30 days"))
    said = await say(asked, range=HOUR, **plan)
    assert said.content == "I cannot ask that: the range is longer than 30 days."


async def test_a_list_is_what_the_second_one_is_taken_from() -> None:
    rows = tuple(Row(labels={"service": name}, value=0.1) for name in ("checkout", "payment"))
    said = await say(
        Asked(MeasuredRows(by=("service",), rows=rows, measured=2)), range=HOUR, group_by=("service",)
    )
    assert said.shown == Shown(type="service", names=("checkout", "payment"))
    nothing = NotMeasured(reason="no_metric", detail="the backend has no metric for it")
    said = await say(Asked(nothing), range=HOUR, metric="gpu")
    assert said.shown is None
    assert said.content.endswith("over the last hour: the backend has no metric for it.")
