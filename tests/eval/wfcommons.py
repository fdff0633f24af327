"""Recorded workflow graphs for the engine: WfCommons' WfFormat 1.5 (and 1.6) as definitions, and what a run made
of one.

    python -m tests.eval.wfcommons INSTANCE.json --scale 0.001 > definition.json

Every task becomes a step; every edge, said by either end, a need. A task's runtime, times `scale`, is waited for.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from schemas.workflow import Run

VERSIONS = ("1.5", "1.6")
SHORTEST_SECONDS = 0.001
"""What is shorter is no wait at all: a definition counts in milliseconds."""


class NotAnInstance(ValueError):
    """What was read is no WfFormat instance that can run; the text says why."""


class _Specified(BaseModel):
    id: str = Field(min_length=1)
    name: str = ""
    parents: tuple[str, ...] = ()
    children: tuple[str, ...] = ()


class _Executed(BaseModel):
    id: str
    runtimeInSeconds: float = Field(default=0.0, ge=0)


class _Specification(BaseModel):
    tasks: tuple[_Specified, ...] = Field(min_length=1)


class _Execution(BaseModel):
    tasks: tuple[_Executed, ...] = ()


class _Workflow(BaseModel):
    specification: _Specification
    execution: _Execution | None = None


class _Document(BaseModel):
    name: str = "wfcommons"
    schemaVersion: str
    workflow: _Workflow


@dataclass(frozen=True)
class Instance:
    """Tasks by their id in the file: what each needs, and how many seconds it took."""

    name: str
    needs: Mapping[str, tuple[str, ...]]
    seconds: Mapping[str, float]

    @property
    def edges(self) -> list[tuple[str, str]]:
        """Parent and child."""
        return [(parent, child) for child, parents in self.needs.items() for parent in parents]

    def critical_path(self, scale: float = 1.0) -> float:
        """Seconds that a run takes at least, with any number of hands."""
        done: dict[str, float] = {}
        for task in TopologicalSorter(self.needs).static_order():
            done[task] = (
                max((done[parent] for parent in self.needs[task]), default=0.0) + self.seconds[task] * scale
            )
        return max(done.values())


def read(text: str | bytes) -> Instance:
    """Raises NotAnInstance."""
    try:
        document = TypeAdapter(_Document).validate_json(text)
    except ValidationError as error:
        raise NotAnInstance(f"not WfFormat: {error}") from error
    if document.schemaVersion not in VERSIONS:
        raise NotAnInstance(f"version {document.schemaVersion} of WfFormat; {' and '.join(VERSIONS)} are read")
    tasks = document.workflow.specification.tasks
    needs: dict[str, dict[str, None]] = {task.id: {} for task in tasks}
    if len(needs) < len(tasks):
        raise NotAnInstance("two tasks have the same id")
    for task in tasks:
        for parent, child in [*((p, task.id) for p in task.parents), *((task.id, c) for c in task.children)]:
            if parent not in needs or child not in needs:
                raise NotAnInstance(f"the edge from {parent} to {child}: one of them is no task")
            needs[child][parent] = None
    seconds = dict.fromkeys(needs, 0.0)
    for executed in document.workflow.execution.tasks if document.workflow.execution else ():
        if executed.id in seconds:
            seconds[executed.id] = executed.runtimeInSeconds
    found = Instance(document.name, {task: tuple(parents) for task, parents in needs.items()}, seconds)
    try:
        TopologicalSorter(found.needs).prepare()
    except CycleError as error:
        raise NotAnInstance(f"a cycle: {' -> '.join(error.args[1])}") from error
    return found


def step_ids(tasks: Sequence[str]) -> dict[str, str]:
    """Task -> step: the same name where a step can have it, else the nearest one that is free."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for task in tasks:
        plain = re.sub(r"[^A-Za-z0-9_-]", "_", task)[:90]
        plain = plain if re.match(r"[A-Za-z_]", plain) else f"_{plain}"
        name, number = plain, 2
        while name in taken:
            name, number = f"{plain}_{number}", number + 1
        taken.add(name)
        found[task] = name
    return found


def definition(instance: Instance, scale: float = 0.0) -> dict[str, Any]:
    """`scale`: seconds of the run for each second of the recorded one; 0: nothing is waited for."""
    ids = step_ids(list(instance.needs))
    name = re.sub(r"[^A-Za-z0-9_.-]", "-", instance.name).strip("-._")[:100] or "wfcommons"
    return {
        "name": name,
        "description": f"From WfCommons: {instance.name}"[:10_000],
        "steps": [
            {
                "id": ids[task],
                "needs": [ids[parent] for parent in parents],
                **_work(instance.seconds[task] * scale),
            }
            for task, parents in instance.needs.items()
        ],
    }


def _work(seconds: float) -> dict[str, Any]:
    if seconds < SHORTEST_SECONDS:
        return {"uses": "core.noop"}
    return {"uses": "core.wait", "with": {"duration": f"{round(seconds * 1_000)}ms"}}


@dataclass(frozen=True)
class Report:
    """`early`: edges whose child had begun before its parent had ended. Seconds; the run's from its first step's
    start to its last one's end. `unfinished`: steps that have not succeeded, at exactly one attempt each."""

    tasks: int
    edges: int
    early: tuple[tuple[str, str], ...]
    unfinished: tuple[str, ...]
    makespan: float
    critical_path: float

    @property
    def holds(self) -> bool:
        return not self.early and not self.unfinished and self.makespan >= self.critical_path * 0.999

    @property
    def overhead(self) -> float:
        """Seconds beyond what any run needs."""
        return self.makespan - self.critical_path


def check(instance: Instance, run: Run, scale: float = 0.0) -> Report:
    """What the history of a run of this instance's definition says. Raises KeyError for a run of another one."""
    ids = step_ids(list(instance.needs))
    states = {state.id: state for state in run.steps}
    whole = {task: states[id] for task, id in ids.items()}
    unfinished = tuple(task for task, state in whole.items() if state.status != "succeeded" or state.attempt > 1)
    starts = {task: state.started_at for task, state in whole.items() if state.started_at is not None}
    ends = {task: state.finished_at for task, state in whole.items() if state.finished_at is not None}
    early = tuple(
        (parent, child)
        for parent, child in instance.edges
        if parent not in ends or child not in starts or starts[child] < ends[parent]
    )
    makespan = (max(ends.values()) - min(starts.values())).total_seconds() if starts and ends else 0.0
    path = waited_path(instance, scale)
    return Report(len(ids), len(instance.edges), early, unfinished, makespan, path)


def waited_path(instance: Instance, scale: float) -> float:
    """The critical path of what the definition waits for: whole milliseconds."""
    waits = {
        task: round(seconds * scale * 1_000) / 1_000 if seconds * scale >= SHORTEST_SECONDS else 0.0
        for task, seconds in instance.seconds.items()
    }
    return Instance(instance.name, instance.needs, waits).critical_path()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.eval.wfcommons", description=__doc__)
    parser.add_argument("instance", type=Path, help="a WfFormat file")
    parser.add_argument("--scale", type=float, default=0.0, help="seconds of the run for each recorded second")
    arguments = parser.parse_args()
    try:
        instance = read(arguments.instance.read_bytes())
    except NotAnInstance as error:
        raise SystemExit(f"{arguments.instance}: {error}") from error
    json.dump(definition(instance, arguments.scale), sys.stdout)


if __name__ == "__main__":
    main()
