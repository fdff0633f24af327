"""Commands of the contract that are not built yet: named, so that nobody looks for a typing mistake."""

from __future__ import annotations

import click

from gateway.cli.failure import Failed

LATER = {
    "workflow": ("Validate, run and steer workflows.", "copilot workflow run deploy.yaml"),
    "knowledge": ("Add, list and remove runbooks and documents.", "copilot knowledge add runbook.md"),
    "memory": ("Show, export and delete what is remembered about you.", "copilot memory show"),
    "apikey": ("Create, list and revoke API keys.", "copilot apikey create"),
    "audit": ("Show and verify the audit trail.", "copilot audit verify"),
    "trigger": ("Add, list and remove what starts workflows.", "copilot trigger list"),
    "bench": ("Measure this machine.", "copilot bench"),
}


def command(name: str) -> click.Command:
    text, example = LATER[name]

    @click.command(
        name,
        help=f"{text} Not available yet.\n\n\b\nExample, once it is:\n  {example}",
        context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
    )
    def later() -> None:
        raise Failed(f"`copilot {name}` is not available yet; `copilot --help` shows what is")

    return later
