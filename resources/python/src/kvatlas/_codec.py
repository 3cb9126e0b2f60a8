"""Stored numbers to float32: log2-coded probabilities and bf16 bits."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]


def _log2_table() -> FloatArray:
    code = np.arange(65536, dtype=np.float64)
    table = np.exp2((code - 1) / 65534 * 32 - 32)
    table[0] = 0
    return table.astype(np.float32)


_LOG2 = _log2_table()


def decode_log2(codes: NDArray[np.uint16]) -> FloatArray:
    """Probabilities of log2 codes; code 0 is exactly zero or masked."""
    return _LOG2[codes]


def decode_bf16(bits: NDArray[np.uint16]) -> FloatArray:
    """float32 values of bf16 bit patterns."""
    return (np.asarray(bits, np.uint32) << np.uint32(16)).view(np.float32)


def text_of(value: Any) -> str:
    """A fixed-length string or a byte array of the file as str."""
    raw = value.tobytes() if isinstance(value, np.ndarray) else value
    return raw.decode("utf-8", "replace") if isinstance(raw, bytes) else str(raw)
