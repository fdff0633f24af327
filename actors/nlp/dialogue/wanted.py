"""What a request leaves to the conversation."""

from __future__ import annotations

from actors.nlp.cues import Cues
from actors.nlp.dialogue.merging import displaced, types_of
from actors.nlp.dialogue.reading import Situation
from actors.nlp.needs import SIDES, needs, takes
from actors.nlp.registry import IntentDefinition
from actors.nlp.stated import Stated, services_of
from schemas.context import Frame

OBSERVING = frozenset(
    {"metric_query", "log_query", "trace_query", "metric_compare", "anomaly_detect", "root_cause"}
)
"""Questions about a window: the one spoken of holds on from one to the next."""
OF_A_METRIC = frozenset({"root_cause", "anomaly_detect", "metric_compare", "capacity_forecast", "incident_create"})
"""Questions in which "it" may be the metric that was spoken of."""
SCOPE = frozenset({"environment", "namespace", "endpoint", "host", "pod"})
_SUBJECTS = frozenset(
    {"service", "host", "pod", "endpoint", "trace_id", "incident_id", "workflow", "test_target", "namespace"}
)
_OF_THEIR_OWN = frozenset({"incident_id", "workflow", "test_target", "trace_id"})
"""Things that "it" is rather than the service they belong to."""
_FORM_TYPES = {"service": "service", "host": "host", "pod": "pod", "endpoint": "endpoint"}


def kept_when_continuing(here: Situation, said: Stated, frame: Frame, *, same: bool) -> frozenset[str]:
    """All that the earlier request has and the new values leave room for; with `same` the version stays, too."""
    kept = types_of(frame) - said.types - displaced(said, frame)
    if same and "version" in types_of(frame) and "version" not in said.types:
        kept |= {"version"}
    if here.signs.now and not here.clause.found.times:
        kept -= {"time_range"}
    return kept - _grouped(said)


def kept_when_referring(here: Situation, said: Stated, intent: IntentDefinition) -> frozenset[str]:
    """What the intent needs and the text does not say; with a reference also the thing spoken of, where it was
    and when."""
    frames = here.memory.frames
    if not frames:
        return frozenset()
    use, latest = takes(intent), frames[0]
    own = services_of(said.plan)
    here_too = bool(own) and own == services_of(latest.plan)
    tied = here.signs.refers or here.signs.leads or here.signs.why or here.ordinal is not None or here_too
    subject = bool(said.types & _SUBJECTS) or said.everything
    kept = set[str]()
    if tied or not subject or intent.name == "metric_compare":
        for slot in _lacking(here, said, intent):
            kept |= SIDES.get(slot, frozenset({slot}))
    if tied and not subject:
        kept |= use & _OF_THEIR_OWN & types_of(latest)
    if "service" in use and not subject and not kept & _OF_THEIR_OWN and (tied or kept & use):
        kept.add("service")
    if ("service" in kept and not own) or here_too:
        kept |= SCOPE
        kept |= {"time_range"} if _goes_on_in_time(here, said, intent, latest) else set[str]()
        kept |= {"metric", "percentile"} if intent.name in OF_A_METRIC and not said.plan.metric else set[str]()
    return frozenset(kept & use) - said.types - _grouped(said)


def not_told(here: Situation, said: Stated, intent: IntentDefinition) -> frozenset[str]:
    """What a request takes along without anything in the text that speaks of it: the plan has it, so that an
    incident says what it is about, and nobody is told that it was said."""
    silent = {"metric", "percentile"} if intent.name == "incident_create" else set[str]()
    tied = here.signs.refers or here.ordinal is not None
    if here.further and not tied:
        silent |= (takes(intent) - set(_lacking(here, said, intent))) & (SCOPE | {"service", "time_range"})
    return frozenset(silent)


def _lacking(here: Situation, said: Stated, intent: IntentDefinition) -> tuple[str, ...]:
    """The slots of every group that the text alone does not fill."""
    lacks = needs(
        intent,
        said.plan,
        here.clause.bare,
        here.catalogue,
        everything=said.everything,
        choices=(),
        near=None,
    )
    groups = [group for group in intent.required if group[0] in lacks.missing]
    return tuple(slot for group in groups for slot in group if slot != "approval")


def _goes_on_in_time(here: Situation, said: Stated, intent: IntentDefinition, latest: Frame) -> bool:
    return intent.name in OBSERVING and latest.plan.intent in OBSERVING and not here.signs.now


def may_come_from(here: Situation, intent: IntentDefinition, frame: Frame) -> frozenset[str] | None:
    """A question about figures names no version to deploy, no place to deploy it to and no replicas to scale to.
    None: anything may."""
    if intent.group != "operations" or here.registry[frame.plan.intent].group == "operations":
        return None
    return frozenset({"service", "workflow", "incident_id", "approval"})


def _grouped(said: Stated) -> frozenset[str]:
    """ "By service" asks for all of them; "by endpoint" for all of one service's."""
    form = Cues(group_by=said.plan.group_by)
    return frozenset(_FORM_TYPES[kind] for kind in form.group_by if kind in _FORM_TYPES)
