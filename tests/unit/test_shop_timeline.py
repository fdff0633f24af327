"""Which version of a service runs when: daily releases, actions and kills."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime

import pytest

from actors.embedded.shop.actions import Action, Kind, Request
from actors.embedded.shop.scenario import DAY, SECOND, Scenario, load
from actors.embedded.shop.timeline import Timeline, timeline

MIDNIGHT = int(datetime(2026, 3, 10, tzinfo=UTC).timestamp()) * SECOND
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE


def at(hour: int, minute: int = 0) -> int:
    return MIDNIGHT + hour * HOUR + minute * MINUTE


def action(
    time: int, kind: Kind, service: str = "payment", version: str | None = None, replicas: int | None = None
) -> Action:
    return Action(time, Request(kind, service, version, replicas))


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return load()


def line(scenario: Scenario, *actions: Action, service: str = "payment") -> Timeline:
    return timeline(scenario, service, actions, MIDNIGHT, MIDNIGHT + 2 * DAY)


def test_the_nightly_release_comes_and_goes(scenario: Scenario) -> None:
    payment = line(scenario)
    assert payment.at(at(2, 49)).version == "2.4.0"
    assert payment.at(at(2, 50)).version == "2.5.0"
    assert payment.at(at(3, 19)).deployed_at == at(2, 50)
    assert payment.at(at(3, 20)).version == "2.4.0"
    assert payment.at(at(12)).deployed_at == at(3, 20)


def test_a_rollback_by_hand_ends_the_release_early(scenario: Scenario) -> None:
    payment = line(scenario, action(at(3), Kind.ROLLBACK))
    assert payment.at(at(3, 1)).version == "2.4.0"
    assert payment.at(at(4)).deployed_at == at(3), "the scheduled rollback finds nothing to do"


def test_the_scheduled_rollback_leaves_other_versions_alone(scenario: Scenario) -> None:
    payment = line(scenario, action(at(3), Kind.DEPLOY, version="2.4.1"))
    assert payment.at(at(4)).version == "2.4.1"


def test_scaling_does_not_keep_the_bad_release(scenario: Scenario) -> None:
    payment = line(scenario, action(at(3), Kind.SCALE, replicas=5))
    assert (payment.at(at(4)).version, payment.at(at(4)).replicas) == ("2.4.0", 5)


def test_rollbacks_go_back_step_by_step(scenario: Scenario) -> None:
    payment = line(
        scenario,
        action(at(10), Kind.DEPLOY, version="2.4.1"),
        action(at(11), Kind.ROLLBACK),
        action(at(12), Kind.ROLLBACK),
    )
    assert [payment.at(at(hour)).version for hour in (10, 11, 12)] == ["2.4.1", "2.4.0", "2.3.9"]


def test_the_leak_kills_about_every_eight_hours(scenario: Scenario) -> None:
    lives = line(scenario, service="recommendation").between(MIDNIGHT, MIDNIGHT + 2 * DAY)
    assert {life.event for life in lives} == {"oom_kill"}
    gaps = [(after.at - before.at) / HOUR for before, after in itertools.pairwise(lives)]
    assert 5 <= len(lives) <= 7
    assert all(7 < gap < 9 for gap in gaps)


def test_kills_do_not_depend_on_where_the_timeline_begins(scenario: Scenario) -> None:
    early = timeline(scenario, "recommendation", [], MIDNIGHT - 20 * DAY, MIDNIGHT + DAY)
    late = line(scenario, service="recommendation")
    kills = [life.at for life in early.between(MIDNIGHT, MIDNIGHT + DAY)]
    assert kills == [life.at for life in late.between(MIDNIGHT, MIDNIGHT + DAY)]


def test_a_restart_puts_off_the_kill(scenario: Scenario) -> None:
    natural = line(scenario, service="recommendation").between(at(6), at(23))[0]
    restarted = line(scenario, action(natural.at - HOUR, Kind.RESTART, "recommendation"), service="recommendation")
    after = restarted.at(natural.at)
    assert after.started_at == natural.at - HOUR
    assert after.restarts == natural.restarts, "one restart instead of another"


def test_a_version_without_the_leak_is_not_killed(scenario: Scenario) -> None:
    fixed = line(scenario, action(at(5), Kind.DEPLOY, "recommendation", version="1.8.3"), service="recommendation")
    assert fixed.between(at(6), MIDNIGHT + 2 * DAY) == []


def test_an_action_changes_nothing_before_it(scenario: Scenario) -> None:
    plain, acted = line(scenario), line(scenario, action(at(14), Kind.DEPLOY, version="2.4.1"))
    assert acted.lives[: len(plain.between(0, at(14))) + 1] == plain.lives[: len(plain.between(0, at(14))) + 1]
