"""Plans translated, and measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from actors.adapters.observatory.asking import Ask, all_degraded, all_evidence, ask_all
from actors.adapters.observatory.measuring.build import Builder, Built, usual_range
from actors.adapters.observatory.port import MetricsBackend
from actors.adapters.observatory.sources import CannotMeasure
from actors.adapters.port import Answer
from schemas.envelope import now
from schemas.errors import InvalidInput, Violation
from schemas.measures import Figure, Measured, NotMeasured, Translation
from schemas.plans import Plan


@dataclass(frozen=True, slots=True)
class Measuring:
    """Of plans about metrics."""

    backend: MetricsBackend
    builder: Builder

    async def translate(self, plan: Plan) -> Translation:
        """Raises InvalidInput where the backend has no metric or label for it, saying which."""
        try:
            built = await self.builder.build(plan, now())
        except CannotMeasure as error:
            violation = Violation(pointer="/metric", detail=error.detail)
            raise InvalidInput(
                f"the plan cannot be translated: {error.detail}", violations=(violation,)
            ) from error
        first, *further = _translations(built.shape.planned)
        return first.model_copy(update={"further": tuple(further)})

    async def measure(self, plan: Plan) -> Answer[Measured]:
        """What cannot be measured is an answer too: `figure` says why."""
        try:
            built = await self.builder.build(plan, now())
        except CannotMeasure as error:
            return Answer(self._impossible(plan, error))
        first = await ask_all(self.backend, built.shape.asks)
        then = built.shape.then(first)
        more = await ask_all(self.backend, then) if then else ()
        found = (*more, *first)  # what is asked then is the figure's own question
        output = _measured(built, plan, built.shape.figure(first), _translations((*then, *built.shape.asks)))
        return Answer(output, all_evidence(found), all_degraded(found))

    def _impossible(self, plan: Plan, error: CannotMeasure) -> Measured:
        metric = self.builder.metric_of(plan)
        concept = self.builder.sources.concept(metric)
        return Measured(
            name=metric,
            words=concept.words if concept else metric,
            unit=concept.unit if concept else None,
            range=plan.range or usual_range(plan, now()),
            threshold=plan.threshold,
            figure=NotMeasured(reason=error.reason, detail=error.detail),
        )


def _measured(built: Built, plan: Plan, figure: Figure, translations: tuple[Translation, ...]) -> Measured:
    return Measured(
        name=built.name,
        words=built.words,
        unit=built.unit,
        range=built.over,
        threshold=plan.threshold,
        figure=figure,
        translations=translations,
    )


def _translations(asks: Sequence[Ask]) -> tuple[Translation, ...]:
    return tuple(
        Translation(
            language="promql",
            query=one.question.query.text,
            range=one.looked_at or one.over,
            step_seconds=one.step_seconds,
            unit=one.question.unit,
            explanation=one.question.explanation,
        )
        for one in asks
    )
