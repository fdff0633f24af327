"""A canary gets its share of the requests, fails them as its version does, and goes with the rollback."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from actors.embedded.shop import truth
from actors.embedded.shop.actions import KeyUsed, Kind, NothingToRollBack, Request
from actors.embedded.shop.canary import lots
from actors.embedded.shop.logs import logs
from actors.embedded.shop.reading import Selection
from actors.embedded.shop.scenario import SECOND
from actors.embedded.shop.shop import HISTORY, Shop

NOON = int(datetime(2026, 3, 10, 12, tzinfo=UTC).timestamp()) * SECOND
MINUTE = 60 * SECOND
END = NOON + 60 * MINUTE


def deploy(version: str, share: float | None = None, key: str | None = None) -> Request:
    return Request(Kind.DEPLOY, "payment", version, None, key, share)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop.open(tmp_path, NOON)


def failed(shop: Shop, start: int, end: int) -> float:
    return truth.count(shop, "payment", start, end, 502) / truth.count(shop, "payment", start, end)


def test_lots_are_even_and_their_own(shop: Shop) -> None:
    drawn = lots(2_951_000, np.arange(200_000), 5)
    assert (drawn >= 0).all()
    assert (drawn < 1).all()
    assert np.histogram(drawn, 10, (0, 1))[0] == pytest.approx(20_000, rel=0.05)
    assert abs(np.corrcoef(drawn, lots(2_951_000, np.arange(200_000), 6))[0, 1]) < 0.01


def test_its_share_fails_as_its_version_does(shop: Shop) -> None:
    before = failed(shop, NOON - 30 * MINUTE, NOON)
    shop.act(deploy("2.5.0", 0.25), NOON)
    during = failed(shop, NOON, NOON + 30 * MINUTE)
    shop.act(Request(Kind.ROLLBACK, "payment"), NOON + 30 * MINUTE)
    after = failed(shop, NOON + 30 * MINUTE, END)
    assert during == pytest.approx(before + 0.25 * 0.085, abs=0.006)
    assert max(before, after) < 0.003


def test_what_came_before_it_is_untouched(shop: Shop) -> None:
    before = truth.answered(shop, "payment", NOON - 10 * MINUTE, NOON)
    shop.act(deploy("2.5.0", 0.5), NOON)
    again = truth.answered(shop, "payment", NOON - 10 * MINUTE, NOON)
    assert (before.end == again.end).all()
    assert (before.status == again.status).all()


def test_logs_tell_which_version_handled_a_call(shop: Shop) -> None:
    shop.act(deploy("2.5.0", 0.3), NOON)
    asked = Selection(NOON + SECOND, NOON + 5 * MINUTE, 100_000, "payment")
    versions = [str(record["version"]) for record in logs(shop, asked) if "trace_id" in record]
    assert versions.count("2.5.0") / len(versions) == pytest.approx(0.3, abs=0.04)
    errors = [record for record in logs(shop, asked) if record.get("status") == 502]
    assert sum(record["version"] == "2.5.0" for record in errors) > 0.9 * len(errors)
    begin = Selection(NOON - SECOND, NOON + SECOND, 1_000, "payment")
    said = [record["message"] for record in logs(shop, begin) if record.get("event") == "deploy"]
    assert said == ["deployed version 2.5.0 for 0.3 of the requests"]


def test_metrics_show_both_versions_and_their_shares(shop: Shop) -> None:
    early = NOON - HISTORY + 20 * MINUTE  # so that little has to be counted
    shop.act(deploy("2.5.0", 0.1), early)
    text = shop.metrics("payment", early + SECOND)
    for line in (
        'service_build_info{version="2.4.0"} 1',
        'service_build_info{version="2.5.0"} 1',
        'service_traffic_ratio{version="2.4.0"} 0.9',
        'service_traffic_ratio{version="2.5.0"} 0.1',
    ):
        assert line in text


def test_a_canary_is_widened_made_the_version_or_taken_back(shop: Shop) -> None:
    shop.act(deploy("2.5.0", 0.1), NOON)
    shop.act(deploy("2.5.0", 0.5), NOON + MINUTE)
    life = shop.life("payment", NOON + 2 * MINUTE)
    assert (life.version, life.canary and life.canary.share) == ("2.4.0", 0.5)
    shop.act(Request(Kind.SCALE, "payment", replicas=5), NOON + 2 * MINUTE)
    assert shop.life("payment", NOON + 3 * MINUTE).canary == life.canary
    shop.act(deploy("2.5.0"), NOON + 3 * MINUTE)
    life = shop.life("payment", NOON + 4 * MINUTE)
    assert (life.versions[-2:], life.canary) == (("2.4.0", "2.5.0"), None)
    shop.act(Request(Kind.ROLLBACK, "payment"), NOON + 4 * MINUTE)
    assert shop.life("payment", NOON + 5 * MINUTE).version == "2.4.0"


def test_a_canary_can_be_taken_back_where_there_is_no_version_before(shop: Shop) -> None:
    rollback = Request(Kind.ROLLBACK, "payment")
    shop.act(rollback, NOON)
    shop.act(deploy("2.5.0", 0.1), NOON + MINUTE)
    shop.act(rollback, NOON + 2 * MINUTE)
    with pytest.raises(NothingToRollBack):
        shop.act(rollback, NOON + 3 * MINUTE)


def test_a_key_is_applied_once_also_after_a_restart_and_to_one_request_only(shop: Shop, tmp_path: Path) -> None:
    first = shop.act(deploy("2.5.0", 0.1, "run:canary::do"), NOON)
    for each in (shop, Shop.open(tmp_path, NOON + MINUTE)):
        assert each.act(deploy("2.5.0", 0.1, "run:canary::do"), NOON + MINUTE) == first
        assert len(each.line("payment", NOON + 2 * MINUTE).between(NOON, NOON + 2 * MINUTE)) == 1
        with pytest.raises(KeyUsed, match="run:canary::do"):
            each.act(deploy("2.5.0", 0.2, "run:canary::do"), NOON + MINUTE)
