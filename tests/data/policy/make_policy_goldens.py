#!/usr/bin/env python3
"""Makes pyramid_budgets.json and selections.json: the published PyramidKV layer budgets and the published token selection.

Needs torch (any version from 1.13 on, CPU). Run in this folder: python3 make_policy_goldens.py
Both files are deterministic. Nothing here shares code with KVAtlas; the rules are written down anew:
budgets with exact fractions and repeated subtraction, selections with torch's own softmax, pooling and top-k.
"""
import json
import math
from fractions import Fraction

import torch

BETA = 20


def layer_budgets(layers, window, budget, tokens):
    """Kept tokens per layer, window included."""
    if tokens < budget:
        return [tokens] * layers
    mean = budget - window
    if tokens < 2 * mean:
        return [min(tokens, budget)] * layers
    low = math.floor(Fraction(mean, BETA))
    high = 2 * mean - low
    surplus = high - (tokens - window)
    if surplus >= 0:  # the first layer cannot hold that much: the last one takes it
        high, low = high - surplus, low + surplus
    step, left = 0, high - low
    while left >= layers - 1:
        step, left = step + 1, left - (layers - 1)
    kept, current = [], high
    for _ in range(layers):
        kept.append(current + window)
        current -= step
    return kept


def budget_rows():
    rows = []
    pairs = [(8, c) for c in (64, 96, 128, 256, 512, 1024, 2048)] + [(32, 64), (32, 128)]
    for layers in (28, 32, 40, 80):
        for window, budget in pairs:
            mean = budget - window
            clamp = 2 * mean + window - mean // BETA
            lengths = [budget - 1, budget, 2 * mean - 1, 2 * mean, 2 * mean + 1, clamp - 1, clamp, clamp + 1, 100000]
            for tokens in sorted(set(n for n in lengths if n >= budget - 1)):
                rows.append({"layers": layers, "window": window, "budget": budget, "tokens": tokens,
                             "kept": layer_budgets(layers, window, budget, tokens)})
    return rows


def causal_attention(query, key):
    """Probabilities [heads, n, n] in float32; query head h reads key head h // group."""
    group = query.shape[0] // key.shape[0]
    logits = query @ key.repeat_interleave(group, 0).transpose(1, 2) / math.sqrt(query.shape[2])
    n = query.shape[1]
    hidden = torch.ones(n, n, dtype=torch.bool).triu(1)
    return torch.softmax(logits.masked_fill(hidden, torch.finfo(torch.float32).min), dim=-1, dtype=torch.float32)


def select(score, kernel, pooling, count):
    if pooling == "max":
        score = torch.nn.functional.max_pool1d(score[None], kernel, stride=1, padding=kernel // 2)[0]
    elif pooling == "avg":
        score = torch.nn.functional.avg_pool1d(score[None], kernel, stride=1, padding=kernel // 2)[0]
    values = torch.topk(score, count, dim=-1).values
    last = values[:, -1:]
    above = [torch.nonzero(row > bound).flatten().tolist() for row, bound in zip(score, last)]
    return values.tolist(), above


def selection_case(seed, method, n, window, budget, kv_heads, group, dim, kernel, pooling, reduction, granularity):
    generator = torch.Generator().manual_seed(seed)
    query = torch.randn(kv_heads * group, n, dim, generator=generator) * 1.7
    key = torch.randn(kv_heads, n, dim, generator=generator)
    attention = causal_attention(query, key)
    signal = attention.sum(1) if method == "h2o" else attention[:, -window:].sum(1)
    score = signal[:, : n - window]
    if granularity == "kv-head":
        grouped = score.reshape(kv_heads, group, n - window)
        score = {"mean": grouped.mean(1), "max": grouped.max(1).values, "sum": grouped.sum(1)}[reduction]
    values, above = select(score, kernel, "none" if method == "h2o" else pooling, budget - window)
    shorten = lambda rows: [[float(f"{v:.9g}") for v in row] for row in rows]
    return {"seed": seed, "method": method, "tokens": n, "window": window, "budget": budget, "kv_heads": kv_heads,
            "query_heads": kv_heads * group, "kernel": kernel, "pooling": pooling, "group": reduction,
            "granularity": granularity, "signal": shorten(signal.tolist()), "kept_scores": shorten(values),
            "above_last": above}


CASES = [
    (1, "snapkv", 96, 8, 24, 2, 4, 16, 7, "max", "mean", "query-head"),
    (2, "snapkv", 96, 8, 24, 2, 4, 16, 7, "max", "mean", "kv-head"),
    (3, "snapkv", 90, 4, 30, 2, 2, 16, 5, "avg", "max", "kv-head"),
    (4, "snapkv", 80, 16, 32, 1, 3, 8, 3, "avg", "sum", "kv-head"),
    (5, "snapkv", 33, 8, 32, 2, 2, 8, 7, "max", "mean", "kv-head"),
    (6, "h2o", 96, 8, 24, 2, 4, 16, 7, "none", "mean", "query-head"),
    (7, "h2o", 70, 6, 20, 2, 2, 16, 7, "none", "max", "kv-head"),
    (8, "snapkv", 40, 8, 20, 2, 1, 8, 63, "avg", "mean", "query-head"),
]


def write(name, rows):
    with open(name, "w", encoding="utf-8") as file:
        file.write("[\n" + ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows) + "\n]\n")


if __name__ == "__main__":
    write("pyramid_budgets.json", budget_rows())
    write("selections.json", [selection_case(*case) for case in CASES])
