"""Every pool, once. The class is named, not imported: reading the table starts nothing."""

from __future__ import annotations

from actors.platform.pool.definition import Pool

POOLS: tuple[Pool, ...] = (
    Pool("conversation", "actors.conversation.actor:ConversationActor"),
    Pool("nlp", "actors.nlp.actor:NlpActor"),
    Pool("context", "actors.context.actor:ContextActor"),
    Pool("workflow", "actors.workflow.actor:WorkflowActor"),
    Pool("adapters", "actors.adapters.actor:AdaptersActor"),
    Pool("models", "actors.adapters.models.actor:ModelsActor"),
)
