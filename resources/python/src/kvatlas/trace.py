"""A trace: model, prompt, recorded attention and runs. Opening reads the index; methods read the data they return."""

from dataclasses import dataclass
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any, List, Optional, Tuple, Type

import numpy as np
from numpy.typing import NDArray

from ._codec import FloatArray, decode_bf16, decode_log2, text_of
from ._errors import NotCaptured, TraceError
from ._file import PathLike, TraceFile
from .runs import Runs

if TYPE_CHECKING:
    import pandas as pd

#: Signals of a layer, with the number of heads they have: "query" or "kv".
SIGNALS = {
    "lse": "query",
    "entropy": "query",
    "received": "query",
    "window_sum": "query",
    "key_norm": "kv",
    "value_norm": "kv",
}


@dataclass(frozen=True)
class Model:
    """The model of a trace, as its `/model` group has it."""

    name: str
    architecture: str
    layers: int
    query_heads: int
    kv_heads: int
    head_dim: int
    hidden_size: int
    vocab_size: int
    rope_theta: float
    sliding_window: int  # 0: none
    compute_dtype: str
    weights_fingerprint: str

    @property
    def group_size(self) -> int:
        """Query heads per KV head."""
        return self.query_heads // self.kv_heads


@dataclass(frozen=True)
class Span:
    """A named range of prompt tokens [begin, end)."""

    name: str
    begin: int
    end: int

    def __len__(self) -> int:
        return self.end - self.begin

    @property
    def positions(self) -> range:
        return range(self.begin, self.end)


@dataclass(frozen=True)
class Prompt:
    """The prompt's ids [N] and text. `offsets` [N + 1] are byte ranges in the UTF-8 text, all zero without a tokenizer."""

    ids: NDArray[np.uint32]
    text: str
    offsets: NDArray[np.uint64]
    spans: Tuple[Span, ...]
    question_ids: NDArray[np.uint32]  # [Q]; the question behind a compressed context, empty without one
    question: str
    _bytes: bytes

    def __len__(self) -> int:
        return len(self.ids)

    def token(self, position: int) -> str:
        """Text of one token. A token that ends inside a character shows U+FFFD for it."""
        begin, end = int(self.offsets[position]), int(self.offsets[position + 1])
        return self._bytes[begin:end].decode("utf-8", "replace")

    @property
    def tokens(self) -> List[str]:
        return [self.token(i) for i in range(len(self))]

    def span(self, name: str) -> Span:
        """The first span of this name. KeyError if there is none."""
        for span in self.spans:
            if span.name == name:
                return span
        raise KeyError(f"no span '{name}'; the trace has {[s.name for s in self.spans]}")


class Trace:
    """One open trace file. Close it, or use it in a `with` statement."""

    def __init__(self, path: PathLike) -> None:
        self._file = TraceFile(path)
        self.path: str = self._file.path
        try:
            root = self._file.attributes()
            self.complete: bool = root.get("status") == "complete"
            self.generator: str = root.get("generator", "")
            self.created: str = root.get("created", "")
            self.model = self._read_model()
            self.prompt = self._read_prompt()
            attention = self._file.attributes("attention")
            self.window: int = int(attention["window"])
            self.heads: Tuple[int, ...] = self._read_heads(attention.get("heads"))
            self.layers: Tuple[int, ...] = self._read_layers()
            self.runs = Runs(self._file, self.model, self.prompt)
        except (KeyError, TypeError) as error:
            self.close()
            raise TraceError(f"{self.path}: a required member is missing: {error}") from None
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "Trace":
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]) -> None:
        self.close()

    def __repr__(self) -> str:
        model = self.model
        return f"<Trace {self.path}: {model.name}, {model.layers} layers, {len(self.prompt)} tokens, {len(self.runs)} runs>"

    def close(self) -> None:
        self._file.close()

    # Attention -------------------------------------------------------------------------------------------------------

    def signal(self, name: str, layer: int, head: Optional[int] = None) -> FloatArray:
        """A signal of one layer: [heads, N], or [N] for one head.

        `lse`, `entropy`, `received` and `window_sum` have a row per query head, `key_norm` and `value_norm` one per KV
        head. Rows of heads that were not recorded are NaN. NotCaptured if the layer or the signal was not recorded.
        """
        if name not in SIGNALS:
            raise ValueError(f"unknown signal '{name}'; signals are {', '.join(SIGNALS)}")
        per_query = SIGNALS[name] == "query"
        heads = self.model.query_heads if per_query else self.model.kv_heads
        data = self._file.dataset(self._of_layer(layer, name), (heads, len(self.prompt)), "<f4")
        if head is not None:
            self._check_head(head, heads, recorded_only=per_query)
            return self._file.slice(data, head)
        values = self._file.slice(data, ())
        if per_query:
            values[[h for h in range(heads) if h not in self.heads]] = np.nan
        return values

    def window_rows(self, layer: int, head: int) -> FloatArray:
        """Attention of the last W queries of one query head: [W, N]."""
        shape = (self.model.query_heads, self.window, len(self.prompt))
        return decode_log2(self._head_of(layer, "window_rows", shape, head))

    @cached_property
    def cells(self) -> Tuple[int, ...]:
        """Tokens per map cell at each level, the finest first. Empty if no maps were recorded."""
        for layer in self.layers:
            levels = self._file.children(self._of_layer(layer, "map/mean"))
            return tuple(int(self._file.attributes(self._of_layer(layer, f"map/mean/{k}"))["cell"]) for k in sorted(levels, key=int))
        return ()

    def map(self, layer: int, head: int, reduction: str = "mean", level: int = 0) -> FloatArray:
        """A pooled attention map [n, n] of one query head; rows are queries, cells above the diagonal are 0.

        `reduction` is "mean" or "max" over the visible pairs of a cell, `level` 0 is the finest (see `cells`).
        """
        if reduction not in ("mean", "max"):
            raise ValueError(f"reduction '{reduction}': mean or max")
        if not 0 <= level < len(self.cells):
            raise NotCaptured(f"{self.path}: map level {level}: the trace has {len(self.cells)} levels")
        side = -(-len(self.prompt) // self.cells[level])
        shape = (self.model.query_heads, side, side)
        return decode_log2(self._head_of(layer, f"map/{reduction}/{level}", shape, head))

    def queries(self, layer: int, head: int) -> FloatArray:
        """Rotated queries [N, d] of one query head (recorded with --keep-qk)."""
        shape = (self.model.query_heads, len(self.prompt), self.model.head_dim)
        return decode_bf16(self._head_of(layer, "query", shape, head))

    def keys(self, layer: int, kv_head: int) -> FloatArray:
        """Rotated keys [N, d] of one KV head (recorded with --keep-qk)."""
        shape = (self.model.kv_heads, len(self.prompt), self.model.head_dim)
        data = self._file.dataset(self._of_layer(layer, "key"), shape, "<u2")
        readers = range(kv_head * self.model.group_size, (kv_head + 1) * self.model.group_size)
        if not 0 <= kv_head < self.model.kv_heads or not any(h in self.heads for h in readers):
            raise NotCaptured(f"{self.path}: KV head {kv_head}: was not captured")
        return decode_bf16(self._file.slice(data, kv_head))

    def attention(self, layer: int, head: int, queries: slice = slice(None), keys: slice = slice(None)) -> FloatArray:
        """Exact attention probabilities [queries, keys], recomputed from stored queries and keys; 0 where masked."""
        rows, columns = (np.arange(len(self.prompt))[part] for part in (queries, keys))
        q = self.queries(layer, head)[rows]
        k = self.keys(layer, head // self.model.group_size)[columns]
        logits = q @ k.T / np.sqrt(np.float32(self.model.head_dim)) - self.signal("lse", layer, head)[rows, None]
        visible = columns[None, :] <= rows[:, None]
        if self.model.sliding_window:
            visible &= columns[None, :] > rows[:, None] - self.model.sliding_window
        out: FloatArray = np.where(visible, np.exp(np.where(visible, logits, 0)), 0).astype(np.float32)
        return out

    def next_logits(self) -> FloatArray:
        """Logits [vocabulary] after the last prompt token, with the full cache."""
        return self._file.read("prompt/next_logits", (self.model.vocab_size,), "<f4")

    def tokens_frame(self, layer: int, head: int) -> "pd.DataFrame":
        """A row per prompt token: position, id, text, and the recorded signals of one query head."""
        from ._frames import frame

        columns: dict[str, Any] = {"position": np.arange(len(self.prompt)), "id": self.prompt.ids, "text": self.prompt.tokens}
        for name, kind in SIGNALS.items():
            try:
                columns[name] = self.signal(name, layer, head if kind == "query" else head // self.model.group_size)
            except NotCaptured:
                continue
        return frame(columns)

    # Reading ---------------------------------------------------------------------------------------------------------

    @staticmethod
    def _of_layer(layer: int, name: str) -> str:
        return f"attention/{layer:03d}/{name}"

    def _check_head(self, head: int, heads: int, recorded_only: bool = True) -> None:
        if not 0 <= head < heads:
            raise IndexError(f"head {head}: the model has {heads}")
        if recorded_only and head not in self.heads:
            raise NotCaptured(f"{self.path}: head {head}: was not captured; recorded heads: {list(self.heads)}")

    def _head_of(self, layer: int, name: str, shape: Tuple[int, ...], head: int) -> NDArray[Any]:
        data = self._file.dataset(self._of_layer(layer, name), shape, "<u2")
        self._check_head(head, shape[0])
        return self._file.slice(data, head)

    def _read_model(self) -> Model:
        known = Model.__dataclass_fields__
        return Model(**{key: value for key, value in self._file.attributes("model").items() if key in known})

    def _read_prompt(self) -> Prompt:
        ids = self._file.read("prompt/ids", (None,), "<u4")
        raw = self._file.read("prompt/text", (None,), "u1").tobytes()
        offsets = self._file.read("prompt/offsets", (len(ids) + 1,), "<u8")
        if np.any(offsets[1:] < offsets[:-1]) or offsets[-1] > len(raw):
            raise TraceError(f"{self.path}: prompt/offsets: are no ascending byte ranges of the text")
        ranges = self._file.read("prompt/spans", (None, 2), "<u8")
        names = self._file.read("prompt/span_names", (len(ranges),), self._file.dtype_of("prompt/span_names"))
        spans = tuple(Span(text_of(name), int(a), int(b)) for name, (a, b) in zip(names, ranges))
        question_ids, question = np.zeros(0, np.uint32), ""
        if self._file.has("prompt/question"):
            question_ids = self._file.read("prompt/question/ids", (None,), "<u4")
            question = text_of(self._file.read("prompt/question/text", (None,), "u1"))
        return Prompt(ids, raw.decode("utf-8", "replace"), offsets, spans, question_ids, question, raw)

    def _read_heads(self, given: Any) -> Tuple[int, ...]:
        return tuple(range(self.model.query_heads)) if given is None else tuple(int(h) for h in np.atleast_1d(given))

    def _read_layers(self) -> Tuple[int, ...]:
        groups = [name for name in self._file.children("attention") if name.isdigit()]
        return tuple(int(name) for name in groups if self._file.attributes(f"attention/{name}").get("recorded") == 1)


def open(path: PathLike) -> Trace:
    """Opens a trace (`*.kva.h5`), also one that is still being written or whose writer was killed (`*.part`)."""
    return Trace(path)
