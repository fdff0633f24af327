"""What the handlers say: permission, questions back, what is not there yet, several requests of one message."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from pydantic import BaseModel

from actors.conversation.colleagues import Answer, Colleagues
from actors.conversation.handlers import Request, Said, remembered, respond
from actors.conversation.handlers.respond import HANDLERS
from actors.nlp.registry import shipped
from actors.nlp.understand import understand
from schemas.adapters import (
    CATALOGUE,
    HEALTH,
    METRIC,
    TRANSLATE,
    Action,
    Catalogue,
    Evidence,
    EvidenceRange,
    EvidenceResult,
    HealthAnswer,
    MetricAnswer,
    ServiceHealth,
    Translation,
)
from schemas.context import Shown, WorkingMemory
from schemas.errors import Forbidden, NotThereYet
from schemas.identity import Identity, Role
from schemas.nlp import Utterance
from schemas.plans import TimeRange
from tests.support.rankings import rank

NOW = datetime(2026, 11, 22, 14, 25, tzinfo=UTC)
RANGE = TimeRange(start=NOW - timedelta(hours=1), end=NOW)
KNOWN = Catalogue(
    services=("checkout", "inventory", "orders", "payment"),
    depends_on={"checkout": ("payment",), "payment": ("orders",), "orders": ("inventory",)},
)


def figure(value: float | None) -> Evidence:
    kind = "none" if value is None else "scalar"
    return Evidence(
        module="observatory",
        backend="prometheus",
        language="promql",
        query="up",
        range=EvidenceRange(start=RANGE.start, end=RANGE.end),
        result=EvidenceResult(kind=kind, name="error_ratio", value=value, unit="ratio"),
    )


@dataclass
class Backends:
    """In the place of the other pools. `value` is the error rate of everything."""

    value: float | None = 0.03
    asked: list[str] = field(default_factory=list[str])

    async def act(self, action: Action[Any, Any], question: BaseModel, identity: Identity) -> Answer[Any]:
        self.asked.append(action.name)
        say: dict[str, Callable[[], Answer[Any]]] = {
            CATALOGUE.name: lambda: Answer(KNOWN, (), ()),
            METRIC.name: lambda: Answer(
                MetricAnswer(metric="error_rate", service="checkout", value=self.value, unit="ratio"),
                (figure(self.value),),
                (),
            ),
            HEALTH.name: lambda: Answer(
                HealthAnswer(services=(state("orders"), state("payment", "down"))), (), ()
            ),
            TRANSLATE.name: lambda: Answer(
                Translation(language="logql", query='{service="checkout"}', range=RANGE, explanation="All lines."),
                (),
                (),
            ),
        }
        if action.name not in say:
            raise NotThereYet(f"{action.name} is not there")
        return say[action.name]()


def state(service: str, status: Any = "healthy") -> ServiceHealth:
    return ServiceHealth(
        service=service,
        status=status,
        error_ratio=None,
        latency_p95_seconds=None,
        requests_per_second=None,
        instances_up=None,
        instances=None,
    )


def request(text: str, memory: WorkingMemory, role: Role, backends: Backends) -> Request:
    meaning = understand(Utterance(text=text, as_of=NOW, memory=memory), KNOWN, shipped(), rank)
    identity = Identity(user="ada", roles=(role,))
    return Request(meaning, memory, identity, NOW, "UTC", cast("Colleagues", backends))


async def said(text: str, *, role: Role = "operator", backends: Backends | None = None) -> Said:
    return await respond(request(text, WorkingMemory(), role, backends or Backends()))


# --- the table ---------------------------------------------------------------------------------------


def test_every_intent_and_every_offer_has_a_handler() -> None:
    named = {intent.handler for intent in shipped().intents}
    assert named <= set(HANDLERS)
    assert {"own_template", "own_workflow", "upstream"} <= set(HANDLERS)


# --- not there yet -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "understood", "lacks"),
    [
        ("show the traces of checkout", "service checkout", "no trace backend"),
        ("why is checkout failing", "service checkout", "not weighed"),
        ("anything unusual with checkout", "service checkout", "what is usual"),
        ("any alerts on checkout", "service checkout", "no alert manager"),
        ("list the incidents of checkout", "service checkout", "no incident system"),
        ("resolve INC-12", "INC-12", "nothing was changed"),
        ("write the postmortem of INC-12", "INC-12", "no timeline"),
        ("write tests for src/cart.py", "src/cart.py", "test bench"),
        ("run the tests in src/cart.py", "src/cart.py", "nothing was run"),
        ("coverage of src/cart.py", "src/cart.py", "test bench"),
        ("roll back checkout to 3.8.0", "version 3.8.0", "nothing was rolled back"),
        ("scale checkout to 5 replicas", "quantity 5", "nothing was scaled"),
        ("deploy checkout 3.9.0 to staging", "environment staging", "nothing was deployed"),
        ("remember that checkout is ours", "service checkout", "nothing is kept"),
        ("how do I restart checkout", "service checkout", "no documents"),
    ],
)
async def test_what_is_not_there_yet_is_said_with_what_was_understood(
    text: str, understood: str, lacks: str
) -> None:
    answer = await said(text)
    assert understood in answer.content
    assert lacks in answer.content
    assert (answer.evidence, answer.actions, answer.clarification) == ((), (), None)
    assert answer.degraded[0].reason == "not available in this version"


async def test_a_query_that_would_run_is_shown() -> None:
    answer = await said("show the logs of checkout")
    assert '```\n{service="checkout"}\n```' in answer.content
    assert "LogQL" in answer.content
    assert answer.suggestions == ("error rate of checkout", "is checkout healthy?")


async def test_only_questions_whose_values_are_known_are_suggested() -> None:
    assert (await said("any alerts?")).suggestions == ("status of all services",)


# --- permission --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "role", "may"),
    [
        ("scale checkout to 5 replicas", "viewer", False),
        ("scale checkout to 5 replicas", "operator", True),
        ("approve it", "operator", False),
        ("approve it", "approver", True),
        ("open an incident: checkout is down", "viewer", False),
        ("is everything ok?", "viewer", True),
    ],
)
async def test_each_intent_needs_its_permission(text: str, role: Role, may: bool) -> None:
    if may:
        assert (await said(text, role=role)).content
        return
    with pytest.raises(Forbidden):
        await said(text, role=role)


async def test_nothing_is_done_where_a_further_request_is_not_allowed() -> None:
    backends = Backends()
    with pytest.raises(Forbidden):
        await said("show the error rate of checkout and roll back checkout", role="viewer", backends=backends)
    assert backends.asked == []


# --- questions back ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "question", "options"),
    [
        ("what is the error rate?", 'You can also say "all services".', KNOWN.services),
        ("deploy checkout", "Which version?", ()),
        ("scale checkout", "How many replicas", ()),
        ("open an incident", "What is going wrong?", ()),
        ("error rate of payout", "Did you mean payment?", ("payment",)),
    ],
)
async def test_what_is_missing_is_asked_for_with_the_options(
    text: str, question: str, options: tuple[str, ...]
) -> None:
    answer = await said(text)
    assert answer.clarification is not None
    assert question in answer.content
    assert answer.clarification.question == answer.content
    assert answer.clarification.options == options
    assert answer.evidence == ()


async def test_further_slots_are_named_too() -> None:
    assert "I also need: environment." in (await said("deploy checkout")).content


# --- several requests --------------------------------------------------------------------------------

BOTH = "show the error rate of checkout and open an incident if it is above 2%"


async def test_a_condition_that_is_met() -> None:
    answer = await said(BOTH)
    assert "3 % is above 2%, so I go on to open an incident." in answer.content
    assert "nothing was opened" in answer.content
    assert len(answer.evidence) == 1


async def test_a_condition_that_is_not_met() -> None:
    answer = await said(BOTH, backends=Backends(value=0.01))
    assert "1 % is not above 2%, so I do not open an incident." in answer.content
    assert "nothing was opened" not in answer.content


async def test_a_condition_without_a_figure() -> None:
    answer = await said(BOTH, backends=Backends(value=None))
    assert 'There is no figure to hold against "it is above 2%", so I do not open an incident.' in answer.content


async def test_a_condition_that_cannot_be_judged_is_offered() -> None:
    answer = await said("show the error rate of checkout and roll back checkout if customers complain")
    assert answer.content.endswith("I cannot judge by myself whether customers complain. Shall I roll back?")
    assert answer.offer is not None
    assert (answer.offer.kind, answer.offer.permission) == ("rollback", shipped()["rollback"].permission)
    assert answer.offer.plan.service == "checkout"


async def test_what_is_asked_back_stops_the_rest() -> None:
    backends = Backends()
    answer = await said("show the error rate and open an incident if it is above 2%", backends=backends)
    assert answer.clarification is not None
    assert "once that is answered" in answer.content
    assert backends.asked == []


async def test_requests_without_a_condition_are_answered_in_order() -> None:
    answer = await said("show the error rate of checkout and then tell me what depends on orders")
    first, second = answer.content.split("\n\n", 1)
    assert "error rate of 3 %" in first
    assert second.startswith("The orders service calls inventory.")


# --- what is remembered ------------------------------------------------------------------------------


async def test_the_dependencies_of_a_service() -> None:
    answer = await said("what does checkout depend on?")
    assert answer.content == (
        "The checkout service calls payment, and through it orders and inventory. "
        "No service that I know of calls it."
    )
    assert answer.shown == Shown(type="service", names=("payment", "orders", "inventory"))


async def test_a_list_stays_in_sight_until_another_is_shown() -> None:
    asked = request("is everything ok?", WorkingMemory(), "viewer", Backends())
    listed = remembered(asked.meaning, await respond(asked))
    assert listed.shown == Shown(type="service", names=("payment", "orders"))
    after = request("error rate of checkout", listed, "viewer", Backends())
    assert remembered(after.meaning, await respond(after)).shown == listed.shown
    pointed = request("and the second one?", listed, "viewer", Backends())
    assert pointed.plan.service == "orders"


async def test_an_offer_is_for_the_next_message_only() -> None:
    asked = request(
        "show the error rate of checkout and roll back checkout if customers complain",
        WorkingMemory(), "operator", Backends(),
    )  # fmt: skip
    first = remembered(asked.meaning, await respond(asked))
    assert first.offer is not None
    taken = request("yes", first, "operator", Backends())
    assert "nothing was rolled back" in (await respond(taken)).content
    help_first = request("help", first, "operator", Backends())
    later = remembered(help_first.meaning, await respond(help_first))
    assert "no open offer" in (await respond(request("yes", later, "operator", Backends()))).content
