"""WfFormat 1.5 documents as recorders write them, of any shape; the recorded ones are not in the tree."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any


def document(
    needs: dict[str, list[str]], seconds: dict[str, float], name: str = "made-up-chameleon-1", version: str = "1.5"
) -> dict[str, Any]:
    """Each edge at both ends, a file along each edge, an execution of every task."""
    children: dict[str, list[str]] = {task: [] for task in needs}
    for task, parents in needs.items():
        for parent in parents:
            children[parent].append(task)
    files = [f"{parent}.{task}.dat" for task, parents in needs.items() for parent in parents]
    return {
        "name": name,
        "description": "Made for a test",
        "createdAt": "2026-03-10T12:00:00Z",
        "schemaVersion": version,
        "runtimeSystem": {"name": "none", "version": "0"},
        "author": {"name": "nobody", "email": "nobody@example.com"},
        "workflow": {
            "specification": {
                "tasks": [
                    {
                        "name": task.rpartition("_")[0] or task,
                        "id": task,
                        "parents": parents,
                        "children": children[task],
                        "inputFiles": [f"{parent}.{task}.dat" for parent in parents],
                        "outputFiles": [f"{task}.{child}.dat" for child in children[task]],
                    }
                    for task, parents in needs.items()
                ],
                "files": [{"id": file, "sizeInBytes": 1} for file in files],
            },
            "execution": {
                "makespanInSeconds": sum(seconds.values()),
                "executedAt": "2026-03-10T12:00:00Z",
                "tasks": [
                    {
                        "id": task,
                        "runtimeInSeconds": runtime,
                        "command": {"program": task.rpartition("_")[0], "arguments": []},
                        "coreCount": 1,
                        "machines": ["made-up"],
                    }
                    for task, runtime in seconds.items()
                ],
                "machines": [{"nodeName": "made-up"}],
            },
        },
    }


def layered(widths: Sequence[int], seed: int = 7) -> dict[str, Any]:
    """Layers of so many tasks, as pipelines of science have them: each task needs one to three of the layer
    before, a layer of one needs all of it."""
    chance = random.Random(seed)
    needs: dict[str, list[str]] = {}
    before: list[str] = []
    for depth, width in enumerate(widths):
        layer = [f"stage{depth}_ID{number:07d}" for number in range(width)]
        for task in layer:
            count = len(before) if width == 1 else min(len(before), chance.randint(1, 3))
            needs[task] = chance.sample(before, count)
        before = layer
    return document(needs, {task: round(chance.lognormvariate(1.0, 1.0), 3) for task in needs})
