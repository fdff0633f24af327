"""What things are called in an answer."""

from __future__ import annotations

from collections.abc import Sequence

from schemas.adapters import MetricAnswer


def the_service(name: str) -> str:
    """ "the payment service", but not "the payment-service service"."""
    return f"the {name}" if name.lower().endswith("service") else f"the {name} service"


def all_or(name: str | None) -> str:
    return the_service(name) if name else "all services together"


def metric_name(answer: MetricAnswer) -> str:
    if answer.metric == "error_rate":
        return "error rate"
    if answer.metric == "request_rate":
        return "request rate"
    return "mean latency" if answer.percentile is None else f"{percentile(answer.percentile)} latency"


def percentile(ratio: float) -> str:
    """0.99 is "p99", 0.999 is "p99.9"."""
    return f"p{round(ratio * 100, 6):g}"


def listed(names: Sequence[str], last: str = "and") -> str:
    """ "a, b and c" """
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} {last} {names[-1]}"


LISTED = 20
"""Names that an answer lists before it only counts the rest."""


def shortened(names: Sequence[str], last: str = "and") -> str:
    """As `listed`, the rest counted: "a, b and 12 more"."""
    if len(names) <= LISTED:
        return listed(names, last)
    return f"{', '.join(names[:LISTED])} {last} {len(names) - LISTED} more"
