"""Everything that the text itself names: `find` gives it typed, `entities` as the contract shows it."""

from actors.nlp.entities.find import find
from actors.nlp.entities.found import (
    Found,
    FoundAggregation,
    FoundComparison,
    FoundMetric,
    FoundPercentile,
    FoundQuantity,
    FoundService,
    FoundThreshold,
    Kind,
    Named,
)
from actors.nlp.entities.listing import entities

__all__ = [
    "Found",
    "FoundAggregation",
    "FoundComparison",
    "FoundMetric",
    "FoundPercentile",
    "FoundQuantity",
    "FoundService",
    "FoundThreshold",
    "Kind",
    "Named",
    "entities",
    "find",
]
