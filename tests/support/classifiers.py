"""Fitted classifiers are shared by all that the tests start: fitting takes seconds, and each has a data directory
of its own."""

from __future__ import annotations

from pathlib import Path

SHARED = {"COPILOT_NLP__CACHE_DIR": str(Path(__file__).parents[2] / ".pytest_cache" / "classifiers")}
