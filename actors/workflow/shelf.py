"""The templates that ship with the copilot: `deploy/templates/*.yaml`, checked when they are read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from actors.workflow.definition import load, version
from actors.workflow.definition.checks import Actions
from actors.workflow.definition.model import Definition
from actors.workflow.definition.plan import Plan
from schemas.envelope import Envelope
from schemas.errors import Forbidden, InvalidInput
from schemas.workflow import Template, TemplateList, Templates

_CHECKOUT = Path(__file__).parents[2] / "deploy" / "templates"
DIRECTORY = _CHECKOUT if _CHECKOUT.exists() else Path(__file__).with_name("templates")  # the latter in a wheel


class Shelf:
    """Raises InvalidInput, naming the file, for a template that cannot run or has another name than its file."""

    def __init__(self, actions: Actions, directory: Path = DIRECTORY) -> None:
        plans = {path.stem: _plan(path, actions) for path in sorted(directory.glob("*.yaml"))}
        self.templates = tuple(_template(plan) for plan in plans.values())

    @property
    def trees(self) -> Mapping[str, dict[str, Any]]:
        """The definitions by name."""
        return {template.name: template.definition for template in self.templates}

    async def several(self, envelope: Envelope[TemplateList]) -> Templates:
        if not envelope.data.identity.may("workflow.read"):
            raise Forbidden("this identity may not read workflows")
        return Templates(items=self.templates)


def _plan(path: Path, actions: Actions) -> Plan:
    try:
        plan = load.plan_from_text(path.read_bytes(), actions)
    except InvalidInput as error:
        raise InvalidInput(f"{path.name}: {error.detail}", violations=error.violations) from error
    if plan.definition.name != path.stem:
        raise InvalidInput(f"{path.name}: its name is {plan.definition.name}, not {path.stem}")
    return plan


def _template(plan: Plan) -> Template:
    definition = plan.definition
    tree = version.canonical(definition)
    return Template(
        name=definition.name,
        title=definition.metadata.title,
        description=definition.description,
        destructive=definition.metadata.destructive,
        intents=definition.metadata.intents,
        inputs=tree.get("inputs", {}),
        steps=len(definition.steps),
        definition=tree,
        documentation="\n".join(_documentation(definition)),
    )


def _documentation(definition: Definition) -> Iterable[str]:
    """Markdown, made of what the definition says, so that it cannot say something else."""
    yield f"# {definition.metadata.title or definition.name}\n"
    yield f"{definition.description}\n"
    if definition.inputs:
        yield "| input | type | default | |\n|---|---|---|---|"
        for name, spec in definition.inputs.items():
            default = "required" if spec.required else f"`{json.dumps(spec.default)}`"
            yield f"| `{name}` | {spec.type} | {default} | {spec.description} |"
        yield ""
    for number, step in enumerate(definition.steps, 1):
        after = f", after {', '.join(f'`{need}`' for need in step.needs)}" if step.needs else ""
        yield f"{number}. `{step.id}` ({step.uses}{after}): {step.description}"
    yield f"\nWhen a step fails: {_ON_FAILURE[definition.on_failure]}."


_ON_FAILURE = {
    "stop": "nothing new starts",
    "continue": "what does not need it goes on",
    "compensate": "nothing new starts, and what was done is taken back in reverse order",
}
