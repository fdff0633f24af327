"""Commands of the contract that are not built yet: named, so that nobody looks for a typing mistake."""

from __future__ import annotations

import click

from gateway.cli.failure import Failed

LATER = {
    "knowledge": ("Add, list and remove runbooks and documents.", "copilot knowledge add runbook.md"),
    "memory": ("Show, export and delete what is remembered about you.", "copilot memory show"),
    "apikey": ("Create, list and revoke API keys.", "copilot apikey create"),
    "audit": ("Show and verify the audit trail.", "copilot audit verify"),
    "trigger": ("Add, list and remove what starts workflows.", "copilot trigger list"),
    "bench": ("Measure this machine.", "copilot bench"),
}


WORKFLOW_LATER = {
    "run": ("Start a workflow or a template.", "copilot workflow run release --input service=payment"),
    "show": ("Draw a run with the states of its steps.", "copilot workflow show RUN"),
    "list": ("List runs.", "copilot workflow list"),
    "approve": ("Approve what waits for you.", "copilot workflow approve RUN STEP"),
    "reject": ("Reject what waits for you.", "copilot workflow reject RUN STEP"),
    "cancel": ("Cancel a run.", "copilot workflow cancel RUN"),
    "pause": ("Pause a run at the next edge of a step.", "copilot workflow pause RUN"),
    "resume": ("Let a paused run go on.", "copilot workflow resume RUN"),
}
"""Of the group `workflow`; what is built leaves this table for that of `actors/cli/workflow.py`."""


def command(name: str) -> click.Command:
    return named(name, name, *LATER[name])


def named(name: str, called: str, text: str, example: str) -> click.Command:
    """`called`: as a user types it, without `copilot`."""

    @click.command(
        name,
        help=f"{text} Not available yet.\n\n\b\nExample, once it is:\n  {example}",
        context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
    )
    def later() -> None:
        raise Failed(f"`copilot {called}` is not available yet; `copilot --help` shows what is")

    return later
