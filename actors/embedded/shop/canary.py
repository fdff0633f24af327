"""Which requests a canary gets: a lot for each call, drawn from what identifies it and from nothing else."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from actors.embedded.shop.spans import Spans
from actors.embedded.shop.timeline import Life

# The finaliser of splitmix64 (Steele, Lea, Flood 2014), and two odd factors to set the parts apart.
_CHUNK, _NODE = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)
_STEPS = ((np.uint64(30), np.uint64(0xBF58476D1CE4E5B9)), (np.uint64(27), np.uint64(0x94D049BB133111EB)))
_LAST = np.uint64(31)
_MANTISSA = np.uint64(11)


def lots(chunk: int, requests: NDArray[np.int64], node: int) -> NDArray[np.float64]:
    """A number in [0, 1) for each request's call of a node; below the share, the canary handles it."""
    with np.errstate(over="ignore"):
        mixed = requests.astype(np.uint64) + np.uint64(chunk) * _CHUNK + np.uint64(node) * _NODE
        for shift, factor in _STEPS:
            mixed = (mixed ^ mixed >> shift) * factor
    return ((mixed ^ mixed >> _LAST) >> _MANTISSA) / 2.0**53


def version_of(life: Life, spans: Spans, row: int) -> str:
    """The version that handled a span, given the life of its service at the span's start."""
    if life.canary is None:
        return life.version
    lot = lots(int(spans.chunk[row]), spans.request[row : row + 1], int(spans.node[row]))[0]
    return life.canary.version if lot < life.canary.share else life.version
