"""What may start, what never will, how it ends: by example, and against the reference on random graphs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.workflow.definition.graph import Changes, Graph, Key, Node
from actors.workflow.definition.progress import Progress
from tests.support.workflow_reference import Reference


def line(*ids: str) -> list[Node]:
    return [Node(id, ids[n - 1 : n] if n else ()) for n, id in enumerate(ids)]


def begun(nodes: Sequence[Node], on_failure: Any = "stop") -> tuple[Progress, Changes]:
    progress = Progress(Graph(nodes), on_failure)
    return progress, progress.start()


def test_a_step_is_due_the_moment_its_own_needs_have_ended() -> None:
    nodes = [*line("a", "b"), *line("slow", "late"), Node("join", ("b", "late"))]
    progress, changes = begun(nodes)
    assert changes.due == ["a", "slow"]
    for id in ("a", "slow"):
        assert progress.open(id).ready == [Key(id)]
    assert progress.end(Key("a"), "succeeded").due == ["b"]
    progress.open("b")
    assert progress.end(Key("b"), "succeeded") == Changes(ended=["b"])
    progress.end(Key("slow"), "succeeded")
    progress.open("late")
    assert progress.end(Key("late"), "succeeded").due == ["join"]
    assert progress.outcome is None


def test_what_needs_a_skipped_step_is_skipped_and_so_on() -> None:
    progress, _ = begun([*line("a", "b", "c"), Node("d", ("c",), handles=True), Node("other")])
    changes = progress.skip("a")
    assert changes.closed == [(Key("a"), "skipped"), (Key("b"), "skipped"), (Key("c"), "skipped")]
    assert changes.due == ["d"]
    assert not progress.needs("d").succeeded
    assert not progress.needs("d").failed
    assert progress.status("other") == "pending"


def test_a_run_of_skipped_steps_has_succeeded() -> None:
    progress, _ = begun(line("a", "b"))
    progress.skip("a")
    assert progress.outcome == "succeeded"


def test_a_failure_goes_around_what_does_not_need_it_where_the_run_continues() -> None:
    progress, _ = begun([*line("a", "b"), *line("x", "y")], "continue")
    progress.open("a")
    progress.open("x")
    assert progress.end(Key("a"), "failed").closed == [(Key("b"), "skipped")]
    assert progress.end(Key("x"), "succeeded").due == ["y"]
    progress.open("y")
    progress.end(Key("y"), "succeeded")
    assert progress.outcome == "failed"


@pytest.mark.parametrize("on_failure", ["stop", "compensate"])
def test_after_a_failure_nothing_new_starts_and_what_runs_may_finish(on_failure: Any) -> None:
    nodes = [Node("fails"), Node("runs"), Node("waits"), Node("ready"), Node("after", ("runs",))]
    progress, _ = begun(nodes, on_failure)
    for id in ("fails", "runs", "waits", "ready"):
        progress.open(id)
    progress.mark(Key("fails"), "running")
    progress.mark(Key("runs"), "running")
    progress.mark(Key("waits"), "waiting")
    changes = progress.end(Key("fails"), "failed")
    assert dict(changes.closed) == {Key("ready"): "skipped", Key("waits"): "cancelled"}
    assert changes.ready == changes.due == []
    assert (progress.status("runs"), progress.status("after")) == ("running", "pending")
    assert progress.mark(Key("runs"), "running") == Changes()
    assert progress.end(Key("runs"), "succeeded").closed == [(Key("after"), "skipped")]
    assert progress.outcome == "failed"


def test_a_handler_starts_after_a_failure() -> None:
    nodes = [*line("a", "b"), Node("mend", ("b",), handles=True), Node("after", ("mend",))]
    progress, _ = begun(nodes)
    progress.open("a")
    changes = progress.end(Key("a"), "failed")
    assert changes.due == ["mend"]
    assert progress.needs("mend").failed  # through b, which was skipped
    progress.open("mend")
    assert progress.end(Key("mend"), "succeeded") == Changes(
        ended=["mend", "after"], closed=[(Key("after"), "skipped")]
    )
    assert progress.outcome == "failed"


def test_items_run_side_by_side_and_the_step_ends_with_the_last() -> None:
    progress, _ = begun(line("each", "after"), "continue")
    assert progress.open("each", 3).ready == [Key("each", "0"), Key("each", "1"), Key("each", "2")]
    assert progress.end(Key("each", "1"), "failed") == Changes()
    assert progress.end(Key("each", "0"), "succeeded") == Changes()
    last = progress.end(Key("each", "2"), "succeeded")
    assert (last.ended, last.closed) == (["each", "after"], [(Key("after"), "skipped")])
    assert progress.status("each") == "failed"


def test_no_items_is_done_at_once() -> None:
    progress, _ = begun(line("each", "after"))
    assert progress.open("each", 0).due == ["after"]


def test_a_step_that_would_wait_or_be_tried_again_after_a_stop_does_not() -> None:
    progress, _ = begun([Node("fails"), Node("runs")])
    progress.open("fails")
    progress.open("runs")
    progress.mark(Key("runs"), "running")
    progress.end(Key("fails"), "failed")
    changes = progress.mark(Key("runs"), "waiting")
    assert (changes.closed, changes.ended) == ([(Key("runs"), "cancelled")], ["runs"])
    assert progress.outcome == "failed"


def test_a_failed_item_stops_the_items_that_have_not_begun() -> None:
    progress, _ = begun([Node("each")])
    progress.open("each", 3)
    progress.mark(Key("each", "1"), "running")
    assert progress.end(Key("each", "0"), "failed").closed == [(Key("each", "2"), "skipped")]
    assert progress.end(Key("each", "1"), "succeeded").ended == ["each"]
    assert progress.status("each") == "failed"


def test_a_condition_that_cannot_be_evaluated_fails_the_step() -> None:
    progress, _ = begun(line("a", "b"))
    assert progress.fail("a").closed == [(Key("a"), "failed"), (Key("b"), "skipped")]
    assert progress.outcome == "failed"


def test_a_cancelled_run_starts_nothing_not_even_a_handler() -> None:
    progress, _ = begun([*line("a", "b"), Node("mend", ("a",), handles=True)])
    progress.open("a")
    progress.mark(Key("a"), "running")
    assert progress.cancel().closed == [(Key("b"), "cancelled"), (Key("mend"), "cancelled")]
    assert progress.end(Key("a"), "succeeded") == Changes(ended=["a"])
    assert progress.outcome == "cancelled"


def test_the_first_of_two_endings_counts() -> None:
    progress, _ = begun([Node("a"), Node("b")], "continue")
    progress.open("a")
    progress.end(Key("a"), "succeeded")
    assert progress.end(Key("a"), "failed") == Changes()
    assert progress.open("a") == progress.skip("a") == progress.fail("a") == Changes()
    assert progress.status("a") == "succeeded"


def test_compensation_goes_backwards_through_what_can_be_taken_back() -> None:
    nodes = [Node("a", (), False, True), Node("b"), Node("c", (), False, True)]
    progress, _ = begun(nodes, "compensate")
    done = [Key("a", "1"), Key("b"), Key("c"), Key("a", "0")]
    assert progress.compensation(done) == [Key("a", "0"), Key("c"), Key("a", "1")]


# --- random graphs against the reference -----------------------------------------------------------


@st.composite
def runs(draw: st.DrawFn) -> dict[str, Any]:
    ids = [f"s{n}" for n in range(draw(st.integers(1, 9)))]
    needs = {
        id: tuple(draw(st.lists(st.sampled_from(ids[:n]), unique=True)) if n else ()) for n, id in enumerate(ids)
    }
    handlers = draw(st.dictionaries(st.sampled_from(ids), st.sampled_from(["always", "success", "failure"])))
    return {
        "needs": needs,
        "on_failure": draw(st.sampled_from(["stop", "continue", "compensate"])),
        "items": draw(st.dictionaries(st.sampled_from(ids), st.integers(0, 3))),
        "condition": {id: draw(st.booleans()) for id in ids if id not in handlers},
        "handlers": handlers,
    }


class Both:
    """The progress and the reference, told the same; after each word they must say the same."""

    def __init__(self, run: dict[str, Any]) -> None:
        self.run = run
        self.reference = Reference(**run)
        self.graph = Graph(Node(id, needs, id in run["handlers"]) for id, needs in run["needs"].items())
        self.progress = Progress(self.graph, run["on_failure"])
        self.follow(self.progress.start())

    def follow(self, changes: Changes) -> None:
        due = list(changes.due)
        while due:
            due += self.decide(due.pop()).due
        self.compare()

    def decide(self, id: str) -> Changes:
        handler, needs = self.run["handlers"].get(id), self.progress.needs(id)
        runs = {
            "always": True,
            "success": needs.succeeded,
            "failure": needs.failed,
            None: self.run["condition"].get(id),
        }
        return self.progress.open(id, self.run["items"].get(id)) if runs[handler] else self.progress.skip(id)

    def say(self, unit: tuple[str, str], status: Any) -> None:
        self.reference.say(unit, status)
        word = self.progress.mark if status in ("running", "waiting") else self.progress.end
        self.follow(word(Key(*unit), status))

    def cancel(self) -> None:
        self.reference.cancel()
        self.follow(self.progress.cancel())

    def live(self) -> list[tuple[str, str]]:
        return [unit for unit, status in self.reference.units.items() if status in ("ready", "running", "waiting")]

    def compare(self) -> None:
        for id in self.run["needs"]:
            assert self.reference.steps.get(id) in (self.progress.status(id), None)
            if id not in self.reference.steps:
                assert self.progress.status(id) in ("pending", "ready", "running", "waiting")
        assert self.progress.outcome == self.reference.outcome

    def restored(self) -> None:
        """The progress begins anew with what a store would have."""
        opened = {id: self.run["items"].get(id) for id, _ in self.reference.units}
        empty = {id for id, items in self.run["items"].items() if items == 0}
        opened |= {id: 0 for id in empty if self.reference.steps.get(id) == "succeeded"}
        units = [(Key(*unit), status) for unit, status in self.reference.units.items()]
        units += [(Key(id), status) for id, status in self.reference.steps.items() if id not in opened]
        self.progress = Progress(self.graph, self.run["on_failure"])
        changes = self.progress.restore(units, opened, cancelled=self.reference.cancelled)  # pyright: ignore
        assert changes == Changes()
        self.compare()


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_the_rules_hold_on_any_graph(data: st.DataObject) -> None:
    both = Both(data.draw(runs()))
    ends = st.sampled_from(["running", "waiting", "succeeded", "succeeded", "succeeded", "failed"])
    while live := both.live():
        word = data.draw(st.sampled_from(["say"] * 12 + ["cancel", "restore"]))
        if word == "say":
            both.say(data.draw(st.sampled_from(live)), data.draw(ends))
        elif word == "cancel":
            both.cancel()
            for unit in both.live():
                both.say(unit, "cancelled")
        else:
            both.restored()
    assert both.reference.outcome is not None
    both.restored()


SHAPES: dict[str, Callable[[int], str]] = {
    "chain": lambda n: f"s{n - 1}",
    "wide": lambda _: "s0",
    "tree": lambda n: f"s{n // 2}",
}


def lines_run(shape: str, count: int) -> int:
    """How many lines of Python a whole run of so many steps takes; the rounds of a loop count."""
    progress = Progress(Graph(Node(f"s{n}", (SHAPES[shape](n),) if n else ()) for n in range(count)))
    lines = 0

    def trace(frame: Any, event: str, argument: Any) -> Any:
        nonlocal lines
        lines += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        due = progress.start().due
        while due:
            id = due.pop()
            progress.open(id)
            due += progress.end(Key(id), "succeeded").due
    finally:
        sys.settrace(before)
    assert progress.outcome == "succeeded"
    return lines


@pytest.mark.parametrize("shape", SHAPES)
def test_a_change_costs_what_it_changes(shape: str) -> None:
    """Four times the steps take four times the work: nobody looks at all steps for one."""
    assert lines_run(shape, 800) < 4.2 * lines_run(shape, 200)
