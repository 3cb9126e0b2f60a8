"""The runs of a trace: what each method kept at each budget, and what the model generated with it."""

import json
from functools import cached_property
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Optional, Tuple, Union

import numpy as np
from numpy.typing import NDArray

from ._codec import FloatArray
from ._errors import NotCaptured, TraceError
from ._file import TraceFile

if TYPE_CHECKING:
    import pandas as pd

    from .trace import Model, Prompt

Positions = NDArray[np.uint32]
NO_KEY = 4294967295  #: entry of `Decode.attended` beyond the visible keys


class Decode:
    """The tokens that one run generated. T steps; step 0 follows the prompt."""

    def __init__(self, run: "Run") -> None:
        self._run = run

    def _read(self, name: str, shape: Tuple[Optional[int], ...], dtype: str) -> NDArray[Any]:
        return self._run._file.read(f"{self._run._group}/decode/{name}", shape, dtype)

    @cached_property
    def ids(self) -> NDArray[np.uint32]:
        return self._read("ids", (None,), "<u4")

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def _bytes(self) -> bytes:
        return self._read("text", (None,), "u1").tobytes()

    @property
    def text(self) -> str:
        return self._bytes.decode("utf-8", "replace")

    @property
    def tokens(self) -> List[str]:
        """Text of each generated token; empty strings if the file has no byte ranges."""
        try:
            offsets = self._read("offsets", (None,), "<u8")
        except NotCaptured:
            offsets = np.zeros(0, np.uint64)
        if len(offsets) != len(self.ids) + 1:
            return [""] * len(self.ids)
        return [self._bytes[int(a) : int(b)].decode("utf-8", "replace") for a, b in zip(offsets[:-1], offsets[1:])]

    @property
    def kl(self) -> FloatArray:
        """KL(full cache ‖ run) in nats [T]; NaN once the texts differ. NotCaptured for the full cache."""
        return self._read("kl", (len(self),), "<f4")

    @property
    def evicted(self) -> NDArray[np.uint32]:
        """Evictions while decoding [E, 4]: step, layer, head, position."""
        return self._read("evicted", (None, 4), "<u4")

    @property
    def attended(self) -> NDArray[np.uint32]:
        """Keys with the most attention [T, layers, query heads, K], descending; NO_KEY beyond the visible keys."""
        return self._read("attended", (len(self), *self._run._by_query_head, None), "<u4")

    @property
    def attended_mass(self) -> FloatArray:
        """Attention on `attended`, same shape."""
        return self._read("attended_mass", (len(self), *self._run._by_query_head, None), "<f4")

    @property
    def cache_bytes(self) -> NDArray[np.uint64]:
        """Bytes of the cache at each step [T], for runs that decide again while decoding."""
        return self._read("cache_bytes", (len(self),), "<u8")

    def frame(self) -> "pd.DataFrame":
        """A row per step: step, id, text, kl, and retained mass (mean over layers and heads)."""
        from ._frames import frame

        columns: Dict[str, Any] = {"step": np.arange(len(self)), "id": self.ids, "text": self.tokens}
        if not self._run.is_full:
            columns["kl"] = self.kl
            columns["retained"] = self._run.retained.mean(axis=(1, 2))
        return frame(columns)


class Run:
    """One method at one budget."""

    def __init__(self, file: TraceFile, index: int, model: "Model", prompt: "Prompt") -> None:
        self._file, self._model, self._prompt = file, model, prompt
        self._group = f"runs/{index:03d}"
        values = file.attributes(self._group)
        self.index = index
        self.label: str = values["label"]
        self.method: str = values["method"]
        self.budget: str = values["budget"]  #: as given: "128", "20%", "full"
        self.budget_nominal: float = values["budget_nominal"]
        self.budget_realised: float = values["budget_realised"]  #: tokens per head really kept
        self.granularity: str = values["granularity"]  #: "kv-head" or "query-head"
        self.cache_bytes: int = values["cache_bytes"]
        self.seconds: float = values["seconds"]
        self.every: int = int(values.get("every", 0))  #: decides again after so many tokens; 0: never
        self.recorded: bool = values.get("recorded") == 1  #: False: the capture stopped before it
        self._parameters: str = values["parameters"]
        self.decode = Decode(self)

    def __repr__(self) -> str:
        return f"<Run {self.index} '{self.label}'>"

    @property
    def parameters(self) -> Dict[str, Any]:
        """The method's parameters, with "window", "preset" and "follow"."""
        try:
            values = json.loads(self._parameters)
        except ValueError:
            raise TraceError(f"{self._file.path}: {self._group}: parameters are no JSON") from None
        return dict(values)

    @property
    def is_full(self) -> bool:
        """Whether this is the reference run, which evicts nothing."""
        return self.index == 0

    @property
    def heads(self) -> int:
        """Lists per layer: the model's KV heads, or its query heads in that granularity."""
        return self._model.query_heads if self.granularity == "query-head" else self._model.kv_heads

    @property
    def _by_query_head(self) -> Tuple[int, int]:
        return self._model.layers, self._model.query_heads

    def stored_head(self, query_head: int) -> int:
        """The list that serves a query head."""
        return query_head // (self._model.query_heads // self.heads)

    @cached_property
    def capacity(self) -> NDArray[np.uint32]:
        """Prompt tokens that each list keeps [layers, heads]."""
        return self._file.read(f"{self._group}/capacity", (self._model.layers, self.heads), "<u4")

    @cached_property
    def _offsets(self) -> NDArray[np.uint64]:
        self._require_recorded()
        offsets = self._file.read(f"{self._group}/kept/offsets", (self._model.layers * self.heads + 1,), "<u8")
        if np.any(offsets[1:] < offsets[:-1]):
            raise TraceError(f"{self._file.path}: {self._group}/kept/offsets: not ascending")
        return offsets

    def _require_recorded(self) -> None:
        if not self.recorded:
            raise NotCaptured(f"{self._file.path}: run '{self.label}': was not finished")

    def _list(self, layer: int, head: Optional[int], query_head: Optional[int]) -> int:
        if (head is None) == (query_head is None):
            raise TypeError("give either head or query_head")
        index = self.stored_head(query_head) if query_head is not None else int(head or 0)
        if not 0 <= layer < self._model.layers or not 0 <= index < self.heads:
            raise IndexError(f"layer {layer}, head {index}: the run has {self._model.layers} layers of {self.heads} heads")
        return layer * self.heads + index

    def kept(self, layer: int, head: Optional[int] = None, *, query_head: Optional[int] = None) -> Positions:
        """Ascending prompt positions that a head keeps at the end of the prompt.

        `head` counts the lists of the run: KV heads, or query heads where `granularity` says so. `query_head` finds the
        list that serves this query head.
        """
        which = self._list(layer, head, query_head)
        begin, end = int(self._offsets[which]), int(self._offsets[which + 1])
        data = self._file.dataset(f"{self._group}/kept/positions", (int(self._offsets[-1]),), "<u4")
        return self._file.slice(data, slice(begin, end))

    def mask(self, layer: int, head: Optional[int] = None, *, query_head: Optional[int] = None) -> NDArray[np.bool_]:
        """Whether a head keeps each prompt token: bool [N]."""
        mask = np.zeros(len(self._prompt), np.bool_)
        mask[self.kept(layer, head, query_head=query_head)] = True
        return mask

    def evicted(self, layer: int, head: Optional[int] = None, *, query_head: Optional[int] = None) -> Positions:
        """Ascending prompt positions that a head evicts at the end of the prompt."""
        return np.flatnonzero(~self.mask(layer, head, query_head=query_head)).astype(np.uint32)

    def masks(self) -> NDArray[np.bool_]:
        """Whether each head of each layer keeps each prompt token: bool [layers, heads, N]."""
        offsets = self._offsets
        positions = self._file.read(f"{self._group}/kept/positions", (int(offsets[-1]),), "<u4")
        lists = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets).astype(np.int64))
        masks = np.zeros((len(offsets) - 1, len(self._prompt)), np.bool_)
        masks[lists, positions] = True
        return masks.reshape(self._model.layers, self.heads, -1)

    def held(self, step: int, layer: int, head: Optional[int] = None, *, query_head: Optional[int] = None) -> Positions:
        """Ascending positions that a head holds at a decoding step.

        Behind the prompt's N positions come those of the question, if the context was compressed without it, then those
        of the generated tokens.
        """
        if not 0 <= step < max(1, len(self.decode)):
            raise IndexError(f"step {step}: the run generated {len(self.decode)} tokens")
        which = self._list(layer, head, query_head)
        tokens = len(self._prompt)
        fed = np.arange(tokens, tokens + len(self._prompt.question_ids) + step, dtype=np.uint32)
        held = np.concatenate([self.kept(layer, head, query_head=query_head), fed])
        if not self.every:
            return held
        log = self.decode.evicted
        of_list = (log[:, 1] == which // self.heads) & (log[:, 2] == which % self.heads) & (log[:, 0] < step)
        return np.setdiff1d(held, log[of_list, 3])

    @property
    def retained(self) -> FloatArray:
        """Share of the full cache's attention on what the run holds [T, layers, query heads]. Not in the full run."""
        return self._file.read(f"{self._group}/retained", (len(self.decode), *self._by_query_head), "<f4")

    @property
    def oracle(self) -> FloatArray:
        """Share on the best set of the same size, same shape as `retained`."""
        return self._file.read(f"{self._group}/oracle", (len(self.decode), *self._by_query_head), "<f4")


class Runs:
    """The runs of a trace, by number or by label: `runs[0]`, `runs["snapkv 128"]`."""

    def __init__(self, file: TraceFile, model: "Model", prompt: "Prompt") -> None:
        groups = [name for name in file.children("runs") if name.isdigit()]
        self._runs = [Run(file, int(name), model, prompt) for name in groups]
        self._path = file.path

    def __len__(self) -> int:
        return len(self._runs)

    def __iter__(self) -> Iterator[Run]:
        return iter(self._runs)

    def __contains__(self, label: object) -> bool:
        return label in self.labels

    def __getitem__(self, which: Union[int, str]) -> Run:
        if isinstance(which, int):
            return self._runs[which]
        for run in self._runs:
            if run.label == which:
                return run
        raise KeyError(f"{self._path}: no run '{which}'; runs are {', '.join(self.labels)}")

    @property
    def labels(self) -> List[str]:
        return [run.label for run in self._runs]

    def of_method(self, method: str) -> List[Run]:
        """Runs of one method, by ascending budget."""
        return sorted((run for run in self._runs if run.method == method), key=lambda run: run.budget_nominal)

    def frame(self) -> "pd.DataFrame":
        """A row per run: the columns of `kvatlas export FILE runs`, and the means of retained, oracle and KL."""
        from ._frames import frame

        return frame([_row(run) for run in self._runs])


def _mean(run: Run, name: str) -> float:
    try:
        values = run.decode.kl if name == "kl" else getattr(run, name)
    except NotCaptured:
        return float("nan")
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else float("nan")


def _row(run: Run) -> Dict[str, Any]:
    names = ("label", "method", "budget", "budget_nominal", "budget_realised", "granularity", "cache_bytes", "seconds")
    row: Dict[str, Any] = {"run": run.index, **{name: getattr(run, name) for name in names}}
    row.update(generated_tokens=len(run.decode) if run.recorded else 0, text=run.decode.text if run.recorded else "")
    row.update({name: _mean(run, name) for name in ("retained", "oracle", "kl")})
    return row
