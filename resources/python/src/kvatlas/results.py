"""A folder of results of `kvatlas evaluate`: its settings, records, and tables as pandas frames."""

import json
import os
from math import sqrt
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Tuple

from ._errors import TraceError
from ._file import PathLike

if TYPE_CHECKING:
    import pandas as pd

_Z95 = 1.959963984540054  # two-sided 95 % quantile of the normal distribution


def wilson95(mean: float, count: int) -> Tuple[float, float]:
    """Wilson's 95 % interval of a share of `count` trials; (0, 1) without trials."""
    if count == 0:
        return 0.0, 1.0
    z2 = _Z95**2 / count
    centre, spread = mean + z2 / 2, _Z95 * sqrt(mean * (1 - mean) / count + z2 / (4 * count))
    return max(0.0, (centre - spread) / (1 + z2)), min(1.0, (centre + spread) / (1 + z2))


class Results:
    """The records of one run of `kvatlas evaluate`, in file order. A stopped run has fewer than its plan."""

    def __init__(self, folder: PathLike) -> None:
        self.folder = os.fspath(folder)
        settings = _read_json(os.path.join(self.folder, "settings.json"))
        self.format: str = settings.get("format", "")
        self.settings: Dict[str, Any] = settings.get("settings", {})
        self.records: List[Dict[str, Any]] = _read_lines(os.path.join(self.folder, "results.jsonl"))

    def __len__(self) -> int:
        return len(self.records)

    def __repr__(self) -> str:
        return f"<Results {self.folder}: {len(self)} records>"

    def frame(self) -> "pd.DataFrame":
        """A row per prompt and branch. Scores have columns of their own ("exact", "substring", …)."""
        from ._frames import frame

        rows = []
        for record in self.records:
            row = {key: value for key, value in record.items() if key not in ("scores", "details", "also_right")}
            row.update(record.get("scores", {}))
            row.update({f"details.{key}": value for key, value in record.get("details", {}).items()})
            rows.append(row)
        return frame(rows)

    def accuracy(self, score: Optional[str] = None) -> "pd.DataFrame":
        """A row per method and budget: mean score with Wilson's 95 % interval (low, high) and tokens kept per head.

        `score`: a recorded score such as "substring"; None: the run's own.
        """
        data = self._scored(score)
        table = data.groupby(["method", "label", "budget"], sort=False).agg(
            budget_nominal=("budget_nominal", "mean"), kept=("kept", "mean"), records=("_score", "size"), score=("_score", "mean")
        )
        limits = [wilson95(float(mean), int(count)) for mean, count in zip(table["score"], table["records"])]
        table["low"], table["high"] = [low for low, _ in limits], [high for _, high in limits]
        return table.reset_index()

    def grid(self, label: str, budget: str = "full", rows: str = "depth", columns: str = "length", score: Optional[str] = None) -> "pd.DataFrame":
        """Mean score of one branch by two facets, as in the needle figure."""
        data = self._scored(score)
        data = data[(data["label"] == label) & (data["budget"] == budget)]
        if data.empty:
            raise KeyError(f"{self.folder}: no records of '{label}' at budget '{budget}'")
        return data.pivot_table(index=rows, columns=columns, values="_score", aggfunc="mean")

    def _scored(self, score: Optional[str]) -> "pd.DataFrame":
        data = self.frame()
        name = score or "score"
        if name not in data.columns:
            known = sorted(self.records[0].get("scores", {})) if self.records else []
            raise KeyError(f"{self.folder}: no score '{name}'; recorded scores: {', '.join(known)}")
        return data.assign(_score=data[name])


def _read_json(path: str) -> Dict[str, Any]:
    try:
        with open(path, encoding="utf-8") as file:
            value = json.load(file)
    except FileNotFoundError:
        raise TraceError(f"{path}: no such file; expected a folder written by kvatlas evaluate") from None
    except ValueError as error:
        raise TraceError(f"{path}: is no JSON: {error}") from None
    if not isinstance(value, dict):
        raise TraceError(f"{path}: is no JSON object")
    return value


def _read_lines(path: str) -> List[Dict[str, Any]]:
    """Whole lines only: the last line of a run that was killed may be cut."""
    records = []
    try:
        with open(path, "rb") as file:
            for number, line in enumerate(file, 1):
                if not line.endswith(b"\n"):
                    break
                record = json.loads(line)
                if not isinstance(record, dict):
                    raise TraceError(f"{path}:{number}: is no JSON object")
                records.append(record)
    except FileNotFoundError:
        raise TraceError(f"{path}: no such file") from None
    except ValueError as error:
        raise TraceError(f"{path}:{number}: is no JSON: {error}") from None
    return records


def open_results(folder: PathLike) -> Results:
    """Opens a folder written by `kvatlas evaluate`."""
    return Results(folder)
