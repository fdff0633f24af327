"""Tokens and cost of the calls to the language model, worked out from their spans."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from actors.embedded.shop.scenario import OK, SECOND, STATUSES, ModelPrices
from actors.embedded.shop.spans import Column, Spans

MODEL = "model"
NANO = 1_000_000_000
_OK = STATUSES.index(OK)


@dataclass(frozen=True, slots=True)
class Usage:
    """Columns, one row per call: whole tokens, and billionths of a US dollar."""

    input_tokens: Column
    output_tokens: Column
    cost_nano_usd: Column


def usage(prices: ModelPrices, calls: Spans) -> Usage:
    """A prompt has a length of its own; the longer the answer takes the longer it is. Failures cost nothing."""
    low, high = prices.input_tokens
    served = calls.status == _OK
    scattered = (calls.request * 2_654_435_761 + calls.chunk * 40_503) % 65_536
    given = np.where(served, low + scattered * (high - low) // 65_536, 0)
    written = (calls.own * prices.output_tokens_per_second / SECOND).astype(np.int64) + 1
    written = np.where(served, written, 0)
    per_input = round(prices.input_usd_per_million * NANO / 1_000_000)
    per_output = round(prices.output_usd_per_million * NANO / 1_000_000)
    return Usage(given, written, given * per_input + written * per_output)
