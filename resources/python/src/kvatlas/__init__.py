"""Reads KVAtlas traces (attention maps and KV-cache evictions) and folders of results.

>>> import kvatlas
>>> with kvatlas.open("kellynch.kva.h5") as trace:
...     trace.runs["snapkv 64"].kept(layer=3, head=1)
"""

from ._errors import NotCaptured, TraceError
from .results import Results, open_results
from .runs import Decode, Run, Runs
from .trace import Model, Prompt, Span, Trace, open

__version__ = "0.1.0"
__all__ = [
    "Decode",
    "Model",
    "NotCaptured",
    "Prompt",
    "Results",
    "Run",
    "Runs",
    "Span",
    "Trace",
    "TraceError",
    "open",
    "open_results",
]
