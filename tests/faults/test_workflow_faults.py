"""Sleepers, restarts of servers, lost answers, messages that come twice: no effect twice, nothing forgotten."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator

import psycopg
import pytest

from actors.platform.bus.nats import NatsTransport
from actors.platform.bus.transport import Closable, OnPacket, Packet
from actors.platform.config import Settings
from actors.platform.guard.fault_points import Fault
from tests.support.servers import Servers
from tests.support.waiting import eventually
from tests.support.workflows import BOB, WorkflowStage, chain, steps, story

pytestmark = pytest.mark.integration


@pytest.fixture
async def stage(settings: Settings) -> AsyncIterator[WorkflowStage]:
    stage = await WorkflowStage.set(settings, lease=0.4)
    yield stage
    await stage.clear()


def expected(length: int) -> list[str]:
    lines = [line for n in range(length) for line in (f"step.started s{n}", f"step.succeeded s{n} {n}")]
    return ["run.started", *lines, "run.succeeded"]


async def ended_as_if_nothing_was(stage: WorkflowStage, run_id: str, length: int) -> None:
    run = await stage.ended(run_id, 30.0)
    assert run.status == "succeeded"
    assert stage.effects() == {f"s{n}::do": 1 for n in range(length)}
    assert story(await stage.history(run_id)) == expected(length)


async def test_an_actor_that_slept_past_its_lease_writes_nothing(stage: WorkflowStage) -> None:
    """It sleeps between effect and result. Woken, it finds the run gone on without it."""
    sleeper = await stage.child("workflow-0", Fault(at="workflow.step.effect", do="stop", nth=2))
    run_id = await stage.begin(chain(4))
    await eventually(sleeper.sleeps)
    await stage.child("workflow-1")
    await ended_as_if_nothing_was(stage, run_id, 4)
    sleeper.awake()
    await eventually(lambda: lease_is_renewed(stage, "workflow-0"))
    assert stage.calls() == {"s0::do": 1, "s1::do": 2, "s2::do": 1, "s3::do": 1}
    await ended_as_if_nothing_was(stage, run_id, 4)


async def test_an_unsafe_effect_is_not_asked_for_by_who_slept(stage: WorkflowStage) -> None:
    """It sleeps between intent and effect; a person says that it is to be done again; the sleeper wakes and must
    not do it a second time."""
    sleeper = await stage.child("workflow-0", Fault(at="workflow.step.intent", do="stop"))
    run_id = await stage.begin(chain(1, "lab.unsafe"))
    await eventually(sleeper.sleeps)
    await stage.child("workflow-1")
    item = await stage.asked(run_id)
    assert (item.kind, item.options) == ("verdict", ("happened", "again", "fail"))
    assert stage.effects() == {}
    sleeper.awake()
    await stage.decide(item, "again")
    run = await stage.ended(run_id)
    assert run.status == "succeeded"
    assert stage.effects() == stage.calls() == {"s0::do": 1}


async def test_a_person_says_that_an_unsafe_effect_has_happened(stage: WorkflowStage) -> None:
    dead = await stage.child("workflow-0", Fault(at="workflow.step.effect", do="kill"))
    run_id = await stage.begin(chain(2, "lab.unsafe"))
    await eventually(dead.has_ended)
    await stage.child("workflow-1")
    item = await stage.asked(run_id)
    await stage.decide(item, "happened", answer={"value": "seen"})
    run = await stage.ended(run_id)
    assert (run.status, steps(run)["s0"].output) == ("succeeded", {"value": "seen"})
    assert stage.effects() == {"s0::do": 1, "s1::do": 1}


async def test_committed_but_told_that_it_failed(stage: WorkflowStage) -> None:
    lost = [Fault(at="store.commit.after", do="fail", nth=nth) for nth in (1, 2, 4, 5, 7)]
    await stage.child("workflow-0", *lost)
    await ended_as_if_nothing_was(stage, await stage.begin(chain(4)), 4)


async def test_the_database_restarts_at_once(stage: WorkflowStage, servers: Servers) -> None:
    await stage.child("workflow-0")
    run_id = await stage.begin(chain(6, seconds=0.05))
    await eventually(lambda: has_effects(stage, 2))
    os.kill(servers.pid("postgresql"), signal.SIGQUIT)  # what `pg_ctl stop -m immediate` sends
    await eventually(lambda: answers(stage))
    await ended_as_if_nothing_was(stage, run_id, 6)


async def test_backends_are_terminated_in_their_transactions(stage: WorkflowStage, servers: Servers) -> None:
    await stage.child("workflow-0")
    runs = [await stage.begin(chain(8, name=f"chain{n}", seconds=0.01)) for n in range(3)]
    with psycopg.connect(servers.addresses.postgresql, autocommit=True) as connection:
        for _ in range(10):
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                (stage.settings.database.url.rpartition("/")[2].partition("?")[0],),
            )
            await asyncio.sleep(0.03)
    for run_id in runs:
        run = await stage.ended(run_id, 30.0)
        assert run.status == "succeeded"
        assert story(await stage.history(run_id)) == expected(8)
    assert {row["times"] for row in stage.rows("SELECT count(*) AS times FROM lab_effect GROUP BY key")} == {1}


async def test_nats_restarts_on_the_same_store(stage: WorkflowStage, servers: Servers) -> None:
    await stage.child("workflow-0")
    run_id = await stage.begin(chain(6, seconds=0.05))
    await eventually(lambda: has_effects(stage, 2))
    os.kill(servers.pid("nats"), signal.SIGKILL)
    await ended_as_if_nothing_was(stage, run_id, 6)
    await eventually(stage.all_told)


async def test_every_message_twice_and_out_of_order(settings: Settings) -> None:
    stage = await WorkflowStage.set(settings)
    try:
        await stage.actor(transport=Stammering(settings.nats.url, "workflow-0"))
        definition = {
            "name": "release",
            "steps": [
                {"id": "go", "uses": "core.approval", "with": {"title": "Release?"}},
                {"id": "out", "uses": "lab.unsafe", "needs": ["go"]},
            ],
        }
        accepted = await asyncio.gather(
            *(stage.start(definition, idempotency_key=f"release {n % 4}") for n in range(12))
        )
        runs = {one.id or "" for one in accepted}
        assert len(runs) == 4
        for run_id in runs:
            item = await stage.asked(run_id)
            await stage.decide(item, "approve", BOB)
        for run_id in runs:
            assert (await stage.ended(run_id)).status == "succeeded"
        assert [row["n"] for row in stage.rows("SELECT count(*) AS n FROM lab_effect GROUP BY key")] == [1] * 4
        assert stage.rows("SELECT count(*) AS n FROM decision") == [{"n": 4}]
    finally:
        await stage.clear()


async def test_cancel_against_finish(stage: WorkflowStage) -> None:
    """Who comes first in the store: an accepted cancel is never passed over, a finished run never cancelled."""
    await stage.child("workflow-0")
    await stage.child("workflow-1")
    chance = random.Random(7)

    async def one(n: int) -> None:
        accepted = await stage.start(chain(2, name=f"race{n}", seconds=0.002))
        await asyncio.sleep(chance.uniform(0.0, 0.03))
        taken = await stage.try_cancel(accepted.id or "")
        run = await stage.ended(accepted.id or "")
        assert run.status == ("cancelled" if taken else "succeeded")
        kinds = [event.type for event in await stage.history(run.id)]
        assert kinds.count(f"run.{run.status}") == 1
        assert kinds[-1] == f"run.{run.status}"

    for _ in range(5):
        await asyncio.gather(*(one(n) for n in range(8)))
    assert {row["times"] for row in stage.rows("SELECT count(*) AS times FROM lab_effect GROUP BY key")} <= {1}


class Stammering(NatsTransport):
    """Hands every packet over twice, the second time later and among others."""

    async def listen(self, subject: str, queue: str, handler: OnPacket) -> Closable:
        late: set[asyncio.Task[None]] = set()

        async def twice(packet: Packet) -> None:
            await handler(packet)
            late.add(asyncio.create_task(again(packet)))

        async def again(packet: Packet) -> None:
            await asyncio.sleep(random.uniform(0.0, 0.05))
            await handler(packet)

        return await super().listen(subject, queue, twice)


async def lease_is_renewed(stage: WorkflowStage, slot: str) -> bool:
    return bool(stage.rows("SELECT FROM actor_lease WHERE starts_with(actor, %s) AND until > now()", slot))


async def has_effects(stage: WorkflowStage, count: int) -> bool:
    return len(stage.effects()) >= count


async def answers(stage: WorkflowStage) -> bool:
    try:
        return bool(stage.rows("SELECT 1 AS one"))
    except psycopg.OperationalError:
        return False
