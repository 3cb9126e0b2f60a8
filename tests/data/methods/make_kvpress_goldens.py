#!/usr/bin/env python3
"""Makes kvpress.json and kvpress.f32: the scores of kvpress's presses on tiny models.

Needs torch, transformers and kvpress 0.5.5 (CPU). Run in this folder: python3 make_kvpress_goldens.py
Models: ../models/llama2-gqa and ../models/qwen3. Prompts: 160 and 400 tokens, id i = (7 i² + 3 i + 5) mod 61 + 3.
kvpress.f32 holds each row's values one after the other: scores [layers, kv_heads, N], layers as listed.
A press that masks or drops tokens is described by what it keeps: per layer the kept positions of each head, in the json.
Rows of methods that keep everything of some layers or heads name the budget and the window that cost as much.
The random sketch of LeverageScorePress is replaced by the numbers that KVAtlas draws for seed 0.
"""
import json
import struct
from pathlib import Path

import kvpress
import numpy as np
import torch
import transformers
from kvpress.presses.scorer_press import ScorerPress
from transformers import AutoModelForCausalLM, DynamicCache

HERE = Path(__file__).parent
MASK = (1 << 64) - 1
STEP = 0x9E3779B97F4A7C15


def mixed_bits(z):
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def hash_of(stream, counter):
    return mixed_bits((stream + (counter + 1) * STEP) & MASK)


def normal_of(value):
    total = sum((value >> shift) & 0xFFFF for shift in (0, 16, 32, 48))
    return (total * 2.0**-16 - 2.0) * 1.7320508075688772


def sketch(batch, heads, dim, width, **_):
    """[batch, heads, dim, width] numbers that depend on the head and the place alone."""
    rows = [[[normal_of(hash_of(hash_of(0, head), i * width + j)) for j in range(width)] for i in range(dim)]
            for head in range(heads)]
    return torch.tensor([rows] * batch, dtype=torch.float32)


def renamed_arguments(hook):
    """kvpress 0.5.5 knows the arguments of Transformers before 5.3."""
    def wrapped(self, module, inputs, kwargs, output):
        count = kwargs["hidden_states"].shape[1]
        known = {"past_key_values": kwargs.get("cache"), "cache_position": torch.arange(count)}
        return hook(self, module, inputs, {**known, **kwargs}, output)
    return wrapped


kvpress.BasePress.forward_hook = renamed_arguments(kvpress.BasePress.forward_hook)


def ids_of(count):
    return torch.tensor([[(7 * i * i + 3 * i + 5) % 61 + 3 for i in range(count)]])


def run(model, press, ids, record):
    """Calls record(layer, scores) for every layer; scores of a ScorerPress, which then drops nothing."""
    def compress(self, module, hidden_states, keys, values, attentions, kwargs):
        record(module.layer_idx, self.score(module, hidden_states, keys, values, attentions, kwargs).detach())
        return keys, values

    original = type(press).compress
    type(press).compress = compress
    try:
        with torch.no_grad(), press(model):
            model(ids, past_key_values=DynamicCache())
    finally:
        type(press).compress = original


def scores(model, press, ids):
    all_layers = {}
    run(model, press, ids, lambda layer, values: all_layers.__setitem__(layer, values[0].float()))
    return [all_layers[layer] for layer in sorted(all_layers)]


def kept_masked(model, press, ids):
    """What an AdaKV press leaves unmasked: [layer][head] positions."""
    count = ids.shape[1]
    with torch.no_grad(), press(model):
        model(ids, past_key_values=DynamicCache())
    kept = []
    for layer in model.model.layers:
        _, heads, positions = layer.self_attn.masked_key_indices
        gone = set(zip(heads.tolist(), positions.tolist()))
        kv_heads = model.config.num_key_value_heads
        kept.append([[j for j in range(count) if (head, j) not in gone] for head in range(kv_heads)])
        layer.self_attn.masked_key_indices = None
    return kept


def kept_gathered(model, press, ids):
    """The positions that a press gathers, [layer][head]: keys are marked by their position."""
    kept = []
    original = type(press).compress

    def compress(self, module, hidden_states, keys, values, attentions, kwargs):
        marks = torch.arange(keys.shape[2], dtype=values.dtype).view(1, 1, -1, 1).expand_as(values)
        _, left = original(self, module, hidden_states, keys, marks, attentions, kwargs)
        kept.append([sorted(int(one) for one in head) for head in left[0, :, :, 0]])
        return keys, values

    type(press).compress = compress
    try:
        with torch.no_grad(), press(model):
            model(ids, past_key_values=DynamicCache())
    finally:
        type(press).compress = original
    return kept


def kept_chunks(model, ratio, length, ids):
    """The same in all heads."""
    press = kvpress.ChunkKVPress(press=kvpress.SnapKVPress(compression_ratio=ratio, window_size=16), chunk_length=length)
    return [layer[0] for layer in kept_gathered(model, press, ids)]


def smallest_that_divides(lists, whole, count, first):
    """The smallest number of kept tokens from `first` on for which `lists` lists, `whole` of them of all `count` tokens,
    have a whole number of tokens on average."""
    return next(kept for kept in range(first, count)
                if (whole * count + (lists - whole) * kept) % lists == 0)


def lazy_shares(model, recent, sinks, ids):
    """[layers] the threshold below which SimLayerKVPress takes a layer for lazy, by bisection of its own answer."""
    shares = []
    original = kvpress.SimLayerKVPress.is_lazy

    def is_lazy(self, *arguments):
        low, high = 0.0, 1.0
        for _ in range(40):
            self.lazy_threshold = (low + high) / 2
            low, high = (self.lazy_threshold, high) if original(self, *arguments) else (low, self.lazy_threshold)
        self.lazy_threshold = 0.5
        shares.append(low)
        return False

    kvpress.SimLayerKVPress.is_lazy = is_lazy
    try:
        with torch.no_grad(), kvpress.SimLayerKVPress(0.5, n_recent=recent, n_initial=sinks)(model):
            model(ids, past_key_values=DynamicCache())
    finally:
        kvpress.SimLayerKVPress.is_lazy = original
    return shares


def lazy_rows(model, name, ids):
    """SimLayerKVPress with thresholds that make one layer lazy, then one more, up to all but one."""
    count, layers, sinks = ids.shape[1], model.config.num_hidden_layers, 4
    for lazy in range(1, layers):
        kept_tokens = smallest_that_divides(layers, layers - lazy, count, 36)
        recent = kept_tokens - sinks + 1  # it keeps one fewer than it looks at
        low, high = 0.0, 1.0 - 1e-9
        while True:
            press = kvpress.SimLayerKVPress(lazy_threshold=(low + high) / 2, n_recent=recent, n_initial=sinks)
            kept = kept_gathered(model, press, ids)
            found = sum(len(layer[0]) < count for layer in kept)
            if found == lazy:
                break
            low, high = ((low + high) / 2, high) if found > lazy else (low, (low + high) / 2)
        yield {"model": name, "tokens": count, "method": f"simlayerkv:near={recent},sinks={sinks}",
               "budget": ((layers - lazy) * count + lazy * kept_tokens) // layers, "window": recent - 1,
               "lazy": lazy_shares(model, recent, sinks, ids), "kept": kept}


def streaming_rows(model, name, ids):
    """DuoAttentionPress with a table of our own, written in the published shape."""
    count, layers, heads, sinks = ids.shape[1], model.config.num_hidden_layers, model.config.num_key_value_heads, 8
    table = np.array([[((5 * layer + 3 * head + 2) % 7 + 1) / 8 for head in range(heads)] for layer in range(layers)])
    file = HERE / f"kvpress_heads_{name}.tsv"
    file.write_text("".join("\t".join(map(str, row)) + "\n" for row in table.tolist()))
    for ratio in (0.25, 0.5, 0.75):
        lists, streaming = layers * heads, round(layers * heads * ratio)
        kept_tokens = smallest_that_divides(lists, lists - streaming, count, 40)
        recent = kept_tokens - sinks
        kvpress.DuoAttentionPress.load_attention_pattern = staticmethod(lambda _: (sinks, recent, table))
        yield {"model": name, "tokens": count, "method": f"duoattention:sinks={sinks},heads={file.name}",
               "budget": ((lists - streaming) * count + streaming * kept_tokens) // lists, "window": recent,
               "kept": kept_masked(model, kvpress.DuoAttentionPress(ratio), ids)}


def main():
    rows, blob = [], []
    torch.manual_seed(0)
    original_randn = torch.randn
    for name in ("llama2-gqa", "qwen3"):
        folder = HERE.parent / "models" / name
        eager = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
        sdpa = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="sdpa").eval()
        for count in (160, 400):
            ids = ids_of(count)
            lag = 32 if count == 160 else 128
            chunk = 64 if count == 160 else 256
            presses = {
                "l2norm:skip=0": (sdpa, kvpress.KnormPress(0.5)),
                "observed": (eager, kvpress.ObservedAttentionPress(0.5)),
                "cur": (sdpa, kvpress.CURPress(0.5)),
                "cur:of=mean,local=0,sinks=2": (sdpa, kvpress.CURPress(0.5, num_sinks=2, leverage_type="kv_avg",
                                                                      use_local_approximation=False)),
                "keydiff": (sdpa, kvpress.KeyDiffPress(0.5)),
                f"lagkv:lag={lag}": (sdpa, kvpress.LagKVPress(0.5, lag_size=lag)),
                "expected": (sdpa, kvpress.ExpectedAttentionPress(0.5)),
                "expected:covariance=off,values=off,future=64,sinks=2": (sdpa, kvpress.ExpectedAttentionPress(
                    0.5, use_covariance=False, use_vnorm=False, n_future_positions=64, n_sink=2)),
                f"noncausal:chunk={chunk}": (sdpa, kvpress.NonCausalAttnPress(0.5, chunk_size=chunk)),
                "leverage:sketch=6": (sdpa, kvpress.LeverageScorePress(0.5, sketch_dimension=6)),
                "criticalkv": (sdpa, kvpress.CriticalKVPress(kvpress.SnapKVPress(0.5, window_size=16))),
                "snapkv": (sdpa, kvpress.SnapKVPress(0.5, window_size=16)),
                "tova": (sdpa, kvpress.TOVAPress(0.5)),
            }
            for method, (model, press) in presses.items():
                torch.randn = sketch if method.startswith("leverage") else original_randn
                per_layer = scores(model, press, ids)
                torch.randn = original_randn
                layers = list(range(len(per_layer))) if count == 160 else [len(per_layer) - 1]
                rows.append({"model": name, "tokens": count, "method": method, "layers": layers})
                blob += [per_layer[layer].flatten() for layer in layers]
            ada = kvpress.AdaKVPress(kvpress.SnapKVPress(0.75, window_size=16))
            rows.append({"model": name, "tokens": count, "method": "adakv", "kept": kept_masked(sdpa, ada, ids)})
            rows.append({"model": name, "tokens": count, "method": "streamingllm", "kept": kept_gathered(
                sdpa, kvpress.StreamingLLMPress(0.75), ids)})
            rows.append({"model": name, "tokens": count, "method": "pyramidkv:beta=2", "kept": kept_gathered(
                sdpa, kvpress.PyramidKVPress(0.75, window_size=16, beta=2), ids)})
            for length in (20, 7):
                rows.append({"model": name, "tokens": count, "method": f"chunkkv:length={length}",
                             "kept": kept_chunks(sdpa, 0.75, length, ids)})
            rows += lazy_rows(sdpa, name, ids)
            rows += streaming_rows(sdpa, name, ids)
    values = torch.cat(blob).tolist()
    (HERE / "kvpress.f32").write_bytes(struct.pack(f"<{len(values)}f", *values))
    text = ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows)
    (HERE / "kvpress.json").write_text(f"[\n{text}\n]\n")


main()
