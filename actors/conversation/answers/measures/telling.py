"""What every sentence about a measured plan needs: of what, over which time, in which words and unit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from actors.conversation.answers import figures
from actors.conversation.answers.conditions import WORDS
from actors.conversation.answers.names import listed, the_service
from actors.conversation.answers.units import number, told
from actors.conversation.answers.windows import moment, window
from schemas.measures import Measured, MeasuredComparison, MeasuredRows, MeasuredSeries
from schemas.plans import Plan, TimeRange

_PLURAL = frozenset({"restarts", "replicas", "total requests", "failed requests", "connections in use"})
"""Names of figures that are many things."""
_SAID_BY_NAMES = frozenset({"restarts", "replicas", "connections", "requests", "waiting"})
_LIMITED = frozenset({"cpu", "memory", "disk", "connections"})
_KINDS = {"status_code": "status", "token_type": "kind of token"}
_WITHOUT_SERVICE = frozenset({"cost", "token_usage", "ttft"})
"""Of these "all services together" would say more than is known: not everything that spends is a service."""


@dataclass(frozen=True, slots=True)
class Telling:
    measured: Measured
    plan: Plan
    as_of: datetime
    timezone: str

    @property
    def subject(self) -> str:
        """ "the payment service in production", "host web-1", "all services together"; may be empty."""
        plan = self.plan
        who = self._who()
        beside = plan.comparison.kind if plan.comparison is not None else ""
        named = {
            "version": f"version {plan.version}" if plan.version else "",
            "endpoint": f"at {plan.endpoint}" if plan.endpoint else "",
            "namespace": f"in namespace {plan.namespace}" if plan.namespace else "",
            "environment": f"in {plan.environment}" if plan.environment else "",
        }
        parts = (who, *(text for kind, text in named.items() if kind != beside))
        return " ".join(part for part in parts if part)

    @property
    def of_subject(self) -> str:
        """To follow the figure's name."""
        status = f" with status {self.plan.status_code}" if self.plan.status_code else ""
        if not self.subject:
            return status
        return f"{status} of {self.subject}" if self._who() or self.plan.version else f"{status} {self.subject}"

    @property
    def window(self) -> str:
        return self.over(self.measured.range)

    @property
    def words(self) -> str:
        return self.measured.words

    @property
    def verb(self) -> str:
        return "are" if self.words.split(" ", 1)[-1] in _PLURAL or self.words in _PLURAL else "is"

    @property
    def threshold(self) -> str:
        """ "above 2 %"; empty without one."""
        asked = self.measured.threshold
        return f"{WORDS[asked.operator]} {asked.text}" if asked else ""

    def value(self, value: float, *, apart_from: float | None = None) -> str:
        """Without the unit where the figure's name says it: restarts are 3, not 3 restarts."""
        unit = self.measured.unit
        if unit in _SAID_BY_NAMES and (unit in self.words or unit == "waiting"):
            return number(value)
        return told(value, unit, apart_from=apart_from)

    @property
    def share_of(self) -> str:
        """What a share is one of, where that does not go without saying."""
        relative = self.measured.unit == "ratio" and not self.plan.host
        return " of the limit" if relative and self.plan.metric in _LIMITED else ""

    def over(self, over: TimeRange) -> str:
        return window(over, self.as_of, self.timezone)

    def at(self, instant: datetime) -> str:
        return moment(instant, self.as_of, self.timezone)

    def _who(self) -> str:
        plan = self.plan
        if plan.pod or plan.host:
            place = f"pod {plan.pod}" if plan.pod else f"host {plan.host}"
            return f"{the_service(plan.service)} on {place}" if plan.service else place
        if plan.service:
            return the_service(plan.service)
        several = [name for name in plan.slots.get("services", "").split(",") if name]
        if several:
            return listed(several)
        concept = plan.metric or self.measured.name
        own = self.measured.words in (concept, self.measured.name)
        unsaid = own or concept in _WITHOUT_SERVICE or _filtered(plan) or self._apart
        return "" if unsaid else "all services together"

    @property
    def _apart(self) -> bool:
        """Whether services are told apart, or hosts, which are none."""
        figure, comparison = self.measured.figure, self.plan.comparison
        if isinstance(figure, MeasuredRows | MeasuredSeries):
            return bool({"service", "host"} & set(figure.by))
        if isinstance(figure, MeasuredComparison):
            return any("service" in row.labels for row in figure.rows) or figure.between == "service"
        return comparison is not None and comparison.kind == "service"


def _filtered(plan: Plan) -> bool:
    return any((plan.version, plan.endpoint, plan.namespace, plan.environment))


def kinds(by: tuple[str, ...]) -> str:
    """ "service and endpoint" """
    return listed([_KINDS.get(role, role.replace("_", " ")) for role in by])


def label(labels: Mapping[str, str]) -> str:
    """ "payment", "502 Bad Gateway", "payment /checkout"; what has none of the labels is "none"."""
    texts = [figures.status(text) if role == "status_code" else text for role, text in labels.items()]
    return " ".join(text or "(none)" for text in texts)


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]
