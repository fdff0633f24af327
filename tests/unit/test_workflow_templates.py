"""The templates that ship: all can run, all are documented, and what is destructive asks first."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from actors.platform.bus import Bus
from actors.platform.bus.memory import MemoryServer, MemoryTransport
from actors.workflow.actions.catalogue import ASKS
from actors.workflow.actions.outside import Outside
from actors.workflow.actions.registry import Actions
from actors.workflow.definition import load
from actors.workflow.definition.model import Definition
from actors.workflow.shelf import DIRECTORY, Shelf
from schemas.envelope import Envelope, now
from schemas.errors import Forbidden, InvalidInput
from schemas.identity import LOCAL_ADMINISTRATOR, Identity
from schemas.workflow import Template, TemplateList
from tests.support.servers import settings_for

SHELF = Shelf(ASKS)
CHANGING = {"orchestrator.deploy", "orchestrator.scale", "orchestrator.rollback", "orchestrator.restart"}


@pytest.fixture(params=SHELF.templates, ids=lambda template: template.name)
def template(request: pytest.FixtureRequest) -> Template:
    return request.param


def definition(template: Template) -> Definition:
    return Definition.model_validate(template.definition)


def test_there_are_those_that_people_expect() -> None:
    names = {template.name for template in SHELF.templates}
    assert names >= {
        "release", "canary", "rollback", "scale", "restart", "database-failover", "certificate-rotation",
        "secret-rotation", "capacity-review", "dependency-check", "restore-test", "nightly-regression",
    }  # fmt: skip
    assert names == {path.stem for path in DIRECTORY.glob("*.yaml")}


def test_it_is_documented(template: Template) -> None:
    found = definition(template)
    assert template.title
    assert len(template.description) > 60
    for name, spec in found.inputs.items():
        assert spec.description, f"input {name}"
        assert f"| `{name}` | {spec.type} |" in template.documentation
    for step in found.steps:
        assert step.description, f"step {step.id}"
        assert step.description in template.documentation


def test_it_can_be_sent_as_json_and_is_the_same(template: Template) -> None:
    again = load.plan(json.loads(json.dumps(template.definition)), ASKS)
    assert again.definition == definition(template)


def ways_to(found: Definition, id: str) -> Iterator[tuple[str, ...]]:
    """Every way from the beginning to a step."""
    steps = {step.id: step for step in found.steps}
    if not steps[id].needs:
        yield (id,)
    for need in steps[id].needs:
        for way in ways_to(found, need):
            yield (*way, id)


def test_what_changes_production_comes_after_an_approval_on_every_way(template: Template) -> None:
    found = definition(template)
    approvals = {step.id for step in found.steps if step.uses == "core.approval"}
    changes = [step for step in found.steps if step.uses in CHANGING]
    if template.name == "restore-test":  # changes staging alone, and refuses production by its first step
        assert not template.destructive
        assert found.steps[0].uses == "core.check"
        return
    assert template.destructive == bool(changes)
    for step in changes:
        for way in ways_to(found, step.id):
            assert approvals & set(way), f"{step.id} by {way}"
        approval = next(id for id in approvals if any(id in way for way in ways_to(found, step.id)))
        guards = [one.if_ or "" for way in ways_to(found, step.id) for one in found.steps if one.id in way]
        assert any(f"steps.{approval}.output.decision == 'approve'" in guard for guard in guards), step.id


def test_every_look_at_the_numbers_is_tried_again(template: Template) -> None:
    for step in definition(template).steps:
        if step.uses.startswith(("observatory.", "orchestrator.")):
            assert step.retry is not None, step.id


def test_the_catalogue_is_what_a_running_pool_has(tmp_path: Path) -> None:
    bus = Bus(MemoryTransport(MemoryServer()), "test")

    async def nobody(*_: Any) -> str:
        raise AssertionError("nothing is started here")

    outside = Outside(settings_for(tmp_path).workflow)
    assert Actions(bus, nobody, outside.entries).asks == ASKS


def test_a_broken_template_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.yaml").write_text("name: broken\nsteps: [{id: a, uses: core.nop}]", encoding="utf-8")
    with pytest.raises(InvalidInput, match=r"broken\.yaml: .*unknown action core\.nop"):
        Shelf(ASKS, tmp_path)
    (tmp_path / "broken.yaml").write_text("name: other\nsteps: [{id: a, uses: core.noop}]", encoding="utf-8")
    with pytest.raises(InvalidInput, match="its name is other, not broken"):
        Shelf(ASKS, tmp_path)


def asked_by(identity: Identity) -> Envelope[TemplateList]:
    return Envelope("1", "test", "test", TemplateList(identity=identity), now())


async def test_they_are_listed_to_those_who_may_read() -> None:
    listed = await SHELF.several(asked_by(LOCAL_ADMINISTRATOR))
    assert listed.items == SHELF.templates
    with pytest.raises(Forbidden):
        await SHELF.several(asked_by(Identity(user="x", roles=())))
