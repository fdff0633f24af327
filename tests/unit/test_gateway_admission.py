"""What is let in and what is refused, on a clock of the test's own."""

from __future__ import annotations

import pytest

from gateway.admission import BRISK_SECONDS, FEWEST, Admission
from schemas.errors import Unavailable


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def fill(admission: Admission, owner: str) -> list[float]:
    """Lets in as many more of this user as there is room for."""
    entered: list[float] = []
    while True:
        try:
            entered.append(admission.enter(owner))
        except Unavailable:
            return entered


def end(admission: Admission, owner: str, entered: list[float]) -> None:
    for since in entered:
        admission.leave(owner, since)


def test_so_many_are_let_in_and_the_next_is_told_when_to_come_again(clock: Clock) -> None:
    admission = Admission(40, clock)
    assert len(fill(admission, "ada")) == 40
    with pytest.raises(Unavailable) as caught:
        admission.enter("ada")
    assert caught.value.after is not None
    assert caught.value.after > 0


def test_as_long_as_they_come_no_faster_than_they_end_the_limit_stands(clock: Clock) -> None:
    admission = Admission(40, clock)
    entered = [admission.enter("ada") for _ in range(40)]
    for _ in range(200):
        clock.now += 0.1
        admission.leave("ada", entered.pop(0))
        entered.append(admission.enter("ada"))


def test_after_a_refusal_as_many_are_let_in_as_end_briskly(clock: Clock) -> None:
    admission = Admission(100, clock)
    for _ in range(400):
        clock.now += 0.002
        admission.leave("ada", admission.enter("ada"))
    crowd = fill(admission, "ada")
    assert len(crowd) == 100
    end(admission, "ada", crowd)
    assert len(fill(admission, "ada")) == round(400 * BRISK_SECONDS)


def test_the_limit_rises_while_turns_are_fast_and_falls_again_when_they_are_not(clock: Clock) -> None:
    admission = Admission(100, clock)
    end(admission, "ada", fill(admission, "ada"))
    sizes: list[int] = []
    for _ in range(5):
        clock.now += 1.0
        entered = fill(admission, "ada")
        sizes.append(len(entered))
        clock.now += 0.05
        end(admission, "ada", entered)
    assert sizes == [24, 36, 54, 81, 100]
    crowd = fill(admission, "ada")
    clock.now += 2.0  # slow
    end(admission, "ada", crowd)
    clock.now += 1.1
    assert len(fill(admission, "ada")) == FEWEST


def test_a_user_who_asks_for_everything_leaves_room_for_the_others(clock: Clock) -> None:
    admission = Admission(40, clock)
    greedy = fill(admission, "greedy")
    assert len(greedy) == 40
    assert fill(admission, "modest") == []
    end(admission, "greedy", greedy)
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
    with admission.admitted("bob"):
        pass
    assert admission._under_way == {}
