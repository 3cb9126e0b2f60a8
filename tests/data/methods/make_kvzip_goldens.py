#!/usr/bin/env python3
"""Makes kvzip.json and kvzip.f32: the scores and choices of kvpress's KVzipPress on tiny models.

Needs torch, transformers and kvpress 0.5.5 (CPU). Run in this folder: python3 make_kvzip_goldens.py
Models: ../models/llama2-gqa and ../models/qwen3. Prompts: 160 and 400 tokens, id i = (7 i² + 3 i + 5) mod 61 + 3.
The models have no tokenizer: fixed ids stand for the words that ask for a repetition (ASK, ASK_LATER) and for the end of
the turn (SUFFIX). kvzip.f32 holds each row's scores [layers, kv_heads, N] before the sinks are put first, one row after
the other; the json, what a compression by 3/4 keeps of every head.
"""
import json
import struct
from pathlib import Path

import kvpress
import torch
from transformers import AutoModelForCausalLM, DynamicCache

HERE = Path(__file__).parent
ASK, ASK_LATER, SUFFIX = [5, 9, 11], [5, 9, 13, 7], [3]


class Words:
    """Stands for a tokenizer: knows the two requests."""

    def encode(self, text, **_):
        return torch.tensor([ASK_LATER if "part of the previous" in text else ASK])


def renamed_arguments(hook):
    """kvpress 0.5.5 knows the arguments of Transformers before 5.3."""
    def wrapped(self, module, inputs, kwargs, output):
        return hook(self, module, inputs, {"past_key_values": kwargs.get("cache"), **kwargs}, output)
    return wrapped


kvpress.KVzipPress.forward_hook = renamed_arguments(kvpress.KVzipPress.forward_hook)


def ids_of(count):
    return torch.tensor([[(7 * i * i + 3 * i + 5) % 61 + 3 for i in range(count)]])


def run(model, ids, chunk, sinks):
    press = kvpress.KVzipPress(0.75, n_sink=sinks, chunk_size=chunk)
    recorded = {}
    compress = press.compress_post

    def keep_scores(of):
        recorded["scores"] = press.score_val[:, 0].clone().float()
        compress(of)

    press.compress_post = keep_scores
    press._suffix_ids = torch.tensor([SUFFIX])
    press._context_ids = ids
    press._cache = DynamicCache()
    with torch.no_grad():
        model(ids, past_key_values=press._cache)
        for layer in model.model.layers:
            layer.self_attn.rotary_emb = model.model.rotary_emb
        press._perform_kvzip_compression(model, Words())
    kept, count = [], ids.shape[1]
    for layer in model.model.layers:
        _, heads, positions = layer.self_attn.masked_key_indices
        gone = set(zip(heads.tolist(), positions.tolist()))
        kept.append([[j for j in range(count) if (head, j) not in gone]
                     for head in range(model.config.num_key_value_heads)])
        layer.self_attn.masked_key_indices = None
    return recorded["scores"], kept


def main():
    rows, blob = [], []
    for name in ("llama2-gqa", "qwen3"):
        model = AutoModelForCausalLM.from_pretrained(HERE.parent / "models" / name, dtype=torch.float32,
                                                     attn_implementation="sdpa").eval()
        for count, chunk, sinks in ((160, 64, 4), (160, 2048, 4), (400, 150, 4), (400, 33, 2)):
            scores, kept = run(model, ids_of(count), chunk, sinks)
            rows.append({"model": name, "tokens": count, "method": f"kvzip:chunk={chunk},sinks={sinks}", "ask": ASK,
                         "ask_later": ASK_LATER, "suffix": SUFFIX, "layers": scores.shape[0], "kept": kept})
            blob.append(scores.flatten())
    values = torch.cat(blob).tolist()
    (HERE / "kvzip.f32").write_bytes(struct.pack(f"<{len(values)}f", *values))
    text = ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows)
    (HERE / "kvzip.json").write_text(f"[\n{text}\n]\n")


main()
