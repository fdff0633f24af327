"""What is let in and what is refused, on a clock of the test's own."""

from __future__ import annotations

import pytest

from gateway.admission import FEWEST, REST_SECONDS, Admission
from schemas.errors import Unavailable


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def fill(admission: Admission, owner: str) -> int:
    """How many more of this user are let in."""
    count = 0
    while True:
        try:
            admission.enter(owner)
        except Unavailable:
            return count
        count += 1


def test_so_many_are_let_in_and_the_next_is_told_when_to_come_again(clock: Clock) -> None:
    admission = Admission(40, clock)
    assert fill(admission, "ada") == 40
    with pytest.raises(Unavailable) as caught:
        admission.enter("ada")
    assert caught.value.after is not None
    assert caught.value.after > 0


def test_as_long_as_they_come_no_faster_than_they_end_the_limit_stands(clock: Clock) -> None:
    admission = Admission(40, clock)
    for _ in range(40):
        admission.enter("ada")
    for _ in range(200):
        clock.now += 0.1
        admission.leave("ada")
        admission.enter("ada")


def test_after_a_refusal_fewer_are_let_in_until_there_is_rest(clock: Clock) -> None:
    admission = Admission(100, clock)
    assert fill(admission, "ada") == 100
    for _ in range(100):
        admission.leave("ada")
    assert fill(admission, "ada") == FEWEST  # nothing is known of the rate yet
    clock.now += 1.0  # 300 end in this second
    for _ in range(FEWEST):
        admission.leave("ada")
    admission._ended = 300
    assert fill(admission, "ada") == 45
    for _ in range(45):
        admission.leave("ada")
    clock.now += REST_SECONDS + 0.1
    assert fill(admission, "ada") == 100


def test_a_user_who_asks_for_everything_leaves_room_for_the_others(clock: Clock) -> None:
    admission = Admission(40, clock)
    assert fill(admission, "greedy") == 40
    assert fill(admission, "modest") == 0
    for _ in range(40):
        admission.leave("greedy")
    got = {"greedy": 0, "modest": 0}
    for _ in range(40):
        for owner in got:
            try:
                admission.enter(owner)
            except Unavailable:
                continue
            got[owner] += 1
    assert got["modest"] == got["greedy"] > 0


def test_a_limit_of_one_lets_one_in(clock: Clock) -> None:
    admission = Admission(1, clock)
    with admission.admitted("ada"), pytest.raises(Unavailable):
        admission.enter("bob")
    clock.now += REST_SECONDS + 0.1
    with admission.admitted("bob"):
        pass
    assert admission._under_way == {}
