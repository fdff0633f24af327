"""Windows of time, by the conventions of the design."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.nlp.times import Window, calendar_for, find_times, last_hour
from schemas.errors import InvalidInput

NOW = datetime(2026, 11, 22, 14, 25, 30, tzinfo=UTC)
"""A Sunday."""
EARLIER = Window(NOW - timedelta(hours=1), NOW)


def read(text: str, *, now: datetime = NOW, zone: str = "UTC") -> tuple[str, datetime, datetime]:
    found = find_times(text, calendar_for(now, zone, EARLIER))
    assert len(found) == 1, (text, found)
    return text[found[0].start : found[0].end], found[0].window.start, found[0].window.end


def window(text: str, *, now: datetime = NOW, zone: str = "UTC") -> tuple[str, str]:
    _, start, end = read(text, now=now, zone=zone)
    return f"{start:%Y-%m-%d %H:%M:%S}", f"{end:%Y-%m-%d %H:%M:%S}"


def at(day: int, hour: int = 0, minute: int = 0, *, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("last hour", timedelta(hours=1)),
        ("past 24h", timedelta(hours=24)),
        ("last 15 minutes", timedelta(minutes=15)),
        ("past day", timedelta(hours=24)),
        ("past week", timedelta(days=7)),
        ("last 90m", timedelta(minutes=90)),
        ("past 1h30m", timedelta(minutes=90)),
        ("last 2 hours and 30 minutes", timedelta(minutes=150)),
        ("last hour and a half", timedelta(minutes=90)),
        ("last half hour", timedelta(minutes=30)),
        ("last couple of hours", timedelta(hours=2)),
        ("past few days", timedelta(days=3)),
        ("last fortnight", timedelta(days=14)),
        ("last 3 days", timedelta(days=3)),
        ("last 24-hour window", timedelta(hours=24)),
        ("errors over 30 minutes", timedelta(minutes=30)),
        ("error rate 6h", timedelta(hours=6)),
    ],
)
def test_elapsed_time_ends_now(text: str, length: timedelta) -> None:
    _, start, end = read(text)
    assert (end - start, end) == (length, NOW)


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("today", at(22), NOW),
        ("so far today", at(22), NOW),
        ("yesterday", at(21), at(22)),
        ("the day before yesterday", at(20), at(21)),
        ("3 days ago", at(19), at(20)),
        ("a week ago", at(15), at(16)),
        ("a month ago", at(22, month=10), at(23, month=10)),
        ("this week", at(16), NOW),
        ("last week", at(9), at(16)),
        ("last month", at(1, month=10), at(1)),
        ("past month", NOW.replace(month=10), NOW),
        ("this morning", at(22, 6), at(22, 12)),
        ("this afternoon", at(22, 12), NOW),
        ("yesterday evening", at(21, 18), at(21, 22)),
        ("last night", at(21, 22), at(22, 6)),
        ("over the weekend", at(21), NOW),
        ("last weekend", at(14), at(16)),
        ("on monday", at(16), at(17)),
        ("on Sunday", at(15), at(16)),
        ("last tuesday morning", at(17, 6), at(17, 12)),
        ("on Nov 3rd", at(3), at(4)),
        ("the 3rd of November", at(3), at(4)),
        ("2026-11-03", at(3), at(4)),
        ("in October", at(1, month=10), at(1)),
        ("since 14:00", at(22, 14), NOW),
        ("since 15:00", at(21, 15), NOW),
        ("since yesterday", at(21), NOW),
        ("since yesterday at 2pm", at(21, 14), NOW),
        ("since noon", at(22, 12), NOW),
        ("since 2 hours ago", NOW - timedelta(hours=2), NOW),
        ("from 9am until now", at(22, 9), NOW),
        ("3 hours ago", at(22, 11), at(22, 12)),
        ("between 10:00 and 10:30", at(22, 10), at(22, 10, 30)),
        ("between 16:00 and 17:00", at(21, 16), at(21, 17)),
        ("14:00-14:10", at(22, 14), at(22, 14, 10)),
        ("2-4pm", at(22, 14), NOW),
        ("from 11 to 1pm", at(22, 11), at(22, 13)),
        ("between 22:00 and 02:00", at(21, 22), at(22, 2)),
        ("yesterday between 2pm and 4pm", at(21, 14), at(21, 16)),
        ("between 2pm and 4pm yesterday", at(21, 14), at(21, 16)),
        ("yesterday between 22:00 and 02:00", at(21, 22), at(22, 2)),
        ("from monday to wednesday", at(16), at(19)),
        ("between Nov 3 and Nov 5", at(3), at(6)),
        ("between 2026-11-03T10:00Z and 2026-11-03T11:00+00:00", at(3, 10), at(3, 11)),
        ("from 2 hours ago to 1 hour ago", NOW - timedelta(hours=2), NOW - timedelta(hours=1)),
        ("the hour before that", NOW - timedelta(hours=2), NOW - timedelta(hours=1)),
        ("at 14:00", at(22, 14), at(22, 14, 5)),
        ("around noon", at(22, 11, 45), at(22, 12, 15)),
    ],
)
def test_windows(text: str, start: datetime, end: datetime) -> None:
    assert read(text)[1:] == (start, end)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("errors in the last hour?", "the last hour"),
        ("on Nov 3rd, please", "Nov 3rd"),
        ("over the weekend", "the weekend"),
        ("during last night", "last night"),
        ("at 14:00 UTC", "14:00 UTC"),
        ("yesterday's errors", "yesterday"),
        ("(last 24h)", "last 24h"),
    ],
)
def test_the_span_leaves_out_the_preposition(text: str, span: str) -> None:
    assert read(text)[0] == span


@pytest.mark.parametrize(
    "text",
    [
        "over 5 seconds",
        "last-hour.md",
        "Feb 30",
        "since the deploy",
        "between 10 and 20 requests",
        "it may 5xx",
        "last 0 minutes",
        "last 999999999 weeks",
        "latency above 2h",
        "v14:00",
        "the server sat idle",
        "1.2.3",
        "25:70",
        "above 24h",
        "p99",
        "/today/",
    ],
)
def test_no_window(text: str) -> None:
    assert find_times(text, calendar_for(NOW, "UTC")) == ()


def test_the_hour_before_needs_a_question_before() -> None:
    assert find_times("the hour before that", calendar_for(NOW, "UTC")) == ()


# --- zones and changes of clocks -------------------------------------------------------------------

BERLIN = "Europe/Berlin"
SPRING = datetime(2026, 3, 30, 10, 0, tzinfo=UTC)
AUTUMN = datetime(2026, 10, 26, 10, 0, tzinfo=UTC)


def test_the_session_zone_holds_unless_the_text_names_one() -> None:
    assert read("since 14:00", zone=BERLIN)[1] == at(22, 13)
    assert read("between 10:00 and 10:30 UTC", zone=BERLIN)[1:] == (at(22, 10), at(22, 10, 30))
    assert read("between 10:00 and 10:30 Europe/Paris")[1] == at(22, 9)
    assert read("yesterday UTC", zone=BERLIN)[1] == at(21)
    assert read("yesterday", zone="Asia/Kolkata")[1:] == (at(20, 18, 30), at(21, 18, 30))


@pytest.mark.parametrize(("now", "hours"), [(SPRING, 23), (AUTUMN, 25), (NOW, 24)])
def test_a_local_day_is_as_long_as_its_clocks_say(now: datetime, hours: int) -> None:
    _, start, end = read("yesterday", now=now, zone=BERLIN)
    assert end - start == timedelta(hours=hours)


def test_elapsed_hours_ignore_the_clocks() -> None:
    _, start, end = read("last 48 hours", now=SPRING, zone=BERLIN)
    assert end - start == timedelta(hours=48)


def test_an_hour_that_comes_twice_is_the_latest_in_the_past() -> None:
    second = datetime(2026, 10, 25, 1, 45, tzinfo=UTC)  # 02:45 in Berlin, for the second time
    assert read("since 02:30", now=second, zone=BERLIN)[1] == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    first = datetime(2026, 10, 25, 0, 45, tzinfo=UTC)  # 02:45 for the first time
    assert read("since 02:30", now=first, zone=BERLIN)[1] == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_an_hour_that_is_skipped_still_resolves() -> None:
    sunday = datetime(2026, 3, 29, 10, 0, tzinfo=UTC)
    assert read("since 02:30", now=sunday, zone=BERLIN)[1] == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


def test_a_past_month_of_a_long_one_ends_with_the_short_one() -> None:
    assert window("past month", now=datetime(2026, 3, 31, 12, tzinfo=UTC))[0] == "2026-02-28 12:00:00"


def test_a_date_without_a_year_is_the_latest_that_has_begun() -> None:
    assert read("on Dec 24")[1] == datetime(2025, 12, 24, tzinfo=UTC)
    assert read("on Nov 22")[1:] == (at(22), NOW)
    assert read("on Feb 29")[1] == datetime(2024, 2, 29, tzinfo=UTC)


def test_night_before_six_began_yesterday() -> None:
    assert read("tonight", now=at(22, 3))[1:] == (at(21, 22), at(22, 3))


@pytest.mark.parametrize(("as_of", "zone"), [(NOW, "Mars/Olympus"), (NOW, "../etc"), (NOW, "")])
def test_unknown_zones_are_refused(as_of: datetime, zone: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        calendar_for(as_of, zone)
    assert caught.value.violations[0].pointer == "/timezone"


def test_instants_beyond_the_calendar_are_refused() -> None:
    with pytest.raises(InvalidInput):
        calendar_for(datetime(1, 1, 1, tzinfo=UTC), "UTC")


# --- anything ----------------------------------------------------------------------------------------

WORDS = """last past the 24 h 30 minutes hour and a half since from between to 14:00 2pm - yesterday today monday
nov 3 rd 2026-11-03 ago week month this weekend morning night before that UTC Europe / Berlin at around noon now
99999999 an couple of few so far 2026-11-03T10:00Z feb 29 2 4pm 1h30m over within"""
PIECES = st.sampled_from(WORDS.split())
INSTANTS = st.datetimes(
    min_value=datetime(1970, 1, 2),
    max_value=datetime(2999, 12, 30),
    timezones=st.just(UTC),
)
ZONES = st.sampled_from(["UTC", BERLIN, "America/New_York", "Asia/Kolkata", "Pacific/Apia", "Australia/Lord_Howe"])


@given(st.lists(PIECES, max_size=12), INSTANTS, ZONES)
def test_every_window_is_in_order_and_cut_at_now(words: list[str], now: datetime, zone: str) -> None:
    text = " ".join(words)
    at_end = 0
    for found in find_times(text, calendar_for(now, zone, last_hour(calendar_for(now, zone)))):
        assert at_end <= found.start < found.end <= len(text)
        assert found.window.start < found.window.end
        assert found.window.start >= now if found.ahead else found.window.end <= now
        at_end = found.end


@given(st.text(max_size=300), INSTANTS)
def test_no_text_breaks_it(text: str, now: datetime) -> None:
    for found in find_times(text, calendar_for(now, "UTC")):
        assert text[found.start : found.end].strip() == text[found.start : found.end]
