#!/usr/bin/env python3
"""Makes stores.json and stores.f32: what published code makes of keys and values, run as it is.

Needs torch, transformers and kvpress 0.5.5 (CPU), and checkouts of KIVI (jy-yuan/KIVI, 876b4d2) and KVCache-Factory
(Zefan-Cai/KVCache-Factory, c97f9d7). Run in this folder:
  python3 make_store_goldens.py --kivi DIR --kvcache-factory DIR

KVQuant's outliers and GEAR's low-rank part have no CPU code that runs by itself: numpy computes them from the papers'
formulas. Every array is f32; a row of stores.json says where each lies in stores.f32 and with what it was made.
"""
import argparse
import importlib
import json
import math
import sys
import types
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).parent
VALUES, ROWS = [], []


def add(case, parameters, **arrays):
    row = {"case": case, **parameters, "arrays": {}}
    for name, array in arrays.items():
        flat = np.ascontiguousarray(np.asarray(array), dtype=np.float32).ravel()
        row["arrays"][name] = [sum(len(v) for v in VALUES), len(flat)]
        VALUES.append(flat)
    ROWS.append(row)


def random(seed, *shape):
    """Numbers with channels of unequal size, as keys have."""
    numbers = np.random.default_rng(seed).standard_normal(shape) * np.linspace(0.2, 3, shape[-1])
    return torch.tensor(numbers.astype(np.float32))


def load(folder, name):
    sys.path.insert(0, str(folder))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.pop(0)


def kivi(folder):
    real = {name: sys.modules.pop(name, None) for name in ("triton", "triton.language")}
    for name in real:
        sys.modules[name] = types.ModuleType(name)
        sys.modules[name].jit = lambda function: function
        sys.modules[name].constexpr = int
    sys.modules["triton"].language = sys.modules["triton.language"]
    pack = load(folder / "quant", "new_pack")
    for name, module in real.items():
        sys.modules.pop(name)
        if module is not None:
            sys.modules[name] = module
    for bits in (2, 4, 8):
        key, value = random(bits, 1, 1, 64, 32), random(bits + 10, 1, 1, 64, 32)
        back = pack.unpack_and_dequant_kcache(*pack.quant_and_pack_kcache(key, 32, bits), 32, bits)
        back_v = pack.unpack_and_dequant_vcache(*pack.quant_and_pack_vcache(value, 32, bits), 32, bits)
        add("kivi", {"bits": bits, "block": 32, "d": 32}, key=key, value=value, key_back=back, value_back=back_v)


def coded(x, bits, exact):
    """A block [n] as codes and back, except where `exact`."""
    rest = x[~exact]
    if len(rest) == 0:
        return x
    low, high = rest.min(), rest.max()
    scale = np.float32((high - low) / np.float32(2**bits - 1))
    steps = np.round((x - low) / scale) if scale > 0 else np.zeros_like(x)
    return np.where(exact, x, np.clip(steps, 0, 2**bits - 1) * scale + low).astype(np.float32)


def outliers(x, share):
    """The smallest and largest of [n], half of the share on each side, rounded up."""
    side = min(math.ceil(share * len(x) / 2), len(x) // 2)
    order = np.argsort(x, kind="stable")
    exact = np.zeros(len(x), bool)
    if side > 0:
        exact[order[:side]] = exact[order[-side:]] = True
    return exact


def dense_and_sparse(key, value, bits, block, share):
    key, value = key.numpy().copy(), value.numpy().copy()
    for channel in range(key.shape[1]):
        exact = outliers(key[:, channel], share)
        for first in range(0, len(key), block):
            part = slice(first, first + block)
            key[part, channel] = coded(key[part, channel], bits, exact[part])
    for token in range(value.shape[0]):
        exact = outliers(value[token], share)
        for first in range(0, value.shape[1], block):
            part = slice(first, first + block)
            value[token, part] = coded(value[token, part], bits, exact[part])
    return key, value


def kvquant():
    key, value = random(21, 64, 48), random(22, 64, 48)
    back = dense_and_sparse(key, value, 4, 32, 0.05)
    add("kvquant", {"bits": 4, "block": 32, "d": 48, "outliers": 0.05}, key=key, value=value, key_back=back[0],
        value_back=back[1])


def gear():
    key, value = random(31, 96, 32), random(32, 96, 32)
    back = dense_and_sparse(key, value, 2, 32, 0.02)
    with_rank = []
    for whole, rough in zip((key, value), back):
        u, s, v = np.linalg.svd((whole.numpy() - rough).astype(np.float64), full_matrices=False)
        with_rank.append(rough + (u[:, :4] * s[:4]) @ v[:4])
    add("gear", {"bits": 2, "block": 32, "d": 32, "outliers": 0.02, "rank": 4}, key=key, value=value,
        key_back=with_rank[0], value_back=with_rank[1])


def merging(factory):
    for rule in ("pivot", "weighted"):
        for heads, tokens, window, kept in ((2, 60, 8, 20), (2, 120, 16, 24)):
            key, value = random(tokens, heads, tokens, 16), random(tokens + 1, heads, tokens, 16)
            chosen = torch.stack([torch.randperm(tokens - window, generator=torch.Generator().manual_seed(h))[:kept]
                                  .sort().values for h in range(heads)])
            back = factory.merge_kv(key[None], value[None], chosen[None], window, rule)
            positions = torch.cat([chosen, torch.arange(tokens - window, tokens).expand(heads, -1)], dim=1)
            add("merge", {"rule": rule, "d": 16, "heads": heads, "tokens": tokens, "kept": kept + window}, key=key,
                value=value, positions=positions, key_back=back[0], value_back=back[1])


def averaged():
    """LOOK-M's averaged merging: the mean of a kept row and all that went into it."""
    key, value = random(41, 60, 16).numpy(), random(42, 60, 16).numpy()
    kept = np.r_[np.arange(0, 50, 4), np.arange(52, 60)]
    dropped = np.setdiff1d(np.arange(60), kept)
    unit = key / np.linalg.norm(key, axis=1, keepdims=True)
    target = (unit[dropped] @ unit[kept].T).argmax(1)
    back = []
    for x in (key, value):
        rows = [np.mean([x[k], *x[dropped[target == i]]], axis=0) for i, k in enumerate(kept)]
        back.append(np.stack(rows))
    add("merge", {"rule": "average", "d": 16, "heads": 1, "tokens": 60, "kept": len(kept)}, key=key, value=value,
        positions=kept, key_back=back[0], value_back=back[1])


def think(factory):
    for heads, tokens, d, ratio, recent in ((2, 80, 16, 0.4, 32), (1, 50, 64, 0.25, 8)):
        key, query = random(tokens, heads, tokens, d), random(tokens + 5, heads, tokens + 20, d)
        pruned, whole, mask = factory.key_pruner_query_driven(key[None], query[None], recent, ratio)
        back = torch.zeros_like(key)
        back[:, tokens - recent:] = whole[0]
        for head in range(heads):
            back[head, :tokens - recent, mask[0, head]] = pruned[0, head]
        add("think", {"d": d, "heads": heads, "tokens": tokens, "ratio": ratio, "whole": recent}, key=key, query=query,
            key_back=back)


def minicache(folder):
    module = load(folder / "pyramidkv", "minicache")
    lower, upper = random(51, 1, 2, 90, 16), random(52, 1, 2, 90, 16) * 0.4 + random(51, 1, 2, 90, 16)
    parts = module.compress_minicache_pair(upper, lower)
    back = module.restore_minicache_pair(*parts[:3], current_retained=parts[4], previous_retained=parts[5],
                                         retained_indices=parts[6])
    add("minicache", {"d": 16, "heads": 2, "tokens": 90}, lower=lower, upper=upper, lower_back=back[1],
        upper_back=back[0])


def cam():
    """CAMPress.compress of kvpress with its Bernoulli draws replaced by given uniform numbers."""
    from kvpress.presses.cam_press import CAMPress
    from kvpress.presses.knorm_press import KnormPress
    tokens, target, d, budget = 40, 36, 16, 6
    key, value = random(61, 1, 1, tokens, d), random(62, 1, 1, tokens, d)
    received = torch.rand(1, 1, tokens, generator=torch.Generator().manual_seed(7)) ** 3
    uniform = torch.rand(tokens, generator=torch.Generator().manual_seed(8))
    press = CAMPress(base_press=KnormPress(), compression_interval=4, target_size=target, merge_budget=budget)
    press.layer_step_counts[0] = tokens - target
    press._running_attn_sum[0] = received.clone()
    evicted = (-key.norm(dim=-1)).mean(1).topk(tokens - target, dim=-1, largest=False).indices.sort().values[0]
    original = torch.bernoulli
    torch.bernoulli = lambda chance: (uniform[evicted].view_as(chance) < chance).float()
    try:
        kept_key, kept_value = press.compress(types.SimpleNamespace(layer_idx=0), None, key, value.clone(), received,
                                              {})
    finally:
        torch.bernoulli = original
    add("cam", {"d": d, "tokens": tokens, "spread": budget}, key=key, value=value, received=received, uniform=uniform,
        evicted=evicted, value_back=kept_value)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kivi", type=Path, required=True)
    parser.add_argument("--kvcache-factory", type=Path, required=True)
    arguments = parser.parse_args()
    kivi(arguments.kivi)
    kvquant()
    gear()
    factory = load(arguments.kvcache_factory / "pyramidkv", "pyramidkv_utils")
    merging(factory)
    averaged()
    think(factory)
    minicache(arguments.kvcache_factory)
    cam()
    (HERE / "stores.json").write_text("[\n" + ",\n".join(json.dumps(row) for row in ROWS) + "\n]\n")
    np.concatenate(VALUES).tofile(HERE / "stores.f32")


if __name__ == "__main__":
    main()
