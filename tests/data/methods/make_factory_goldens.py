#!/usr/bin/env python3
"""Makes factory.json, factory.f32 and factory_heads.json: what KVCache-Factory's own code keeps of random attention.

Needs torch, transformers (CPU) and a checkout of KVCache-Factory (Zefan-Cai/KVCache-Factory, c97f9d7). Run in this folder:
  python3 make_factory_goldens.py --kvcache-factory DIR

factory.f32 holds queries [8, N, 8], keys and values [2, N, 8] of one layer for each prompt; a row of factory.json says
where they lie, how a selector was called and which positions it keeps: kept[layer] has a list for each stored head; one
layer stands for all where they keep the same.
"query-head" repeats keys and values for every query head before the selector, as its runners do. Values are positions
while a selector runs, so that what it gathers says what it keeps.
"""
import argparse
import importlib
import json
import math
import struct
import sys
from pathlib import Path

import torch

HERE = Path(__file__).parent
QUERY_HEADS, KV_HEADS, DIM, WINDOW, LAYERS = 8, 2, 8, 8, 4
GROUP = QUERY_HEADS // KV_HEADS


def load(folder, name):
    sys.path.insert(0, str(folder / "pyramidkv"))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.pop(0)


def prompt(seed, tokens):
    """Keys with channels and tokens of unequal size, so that scores differ."""
    generator = torch.Generator().manual_seed(seed)
    query = torch.randn(QUERY_HEADS, tokens, DIM, generator=generator) * 1.5
    key = torch.randn(KV_HEADS, tokens, DIM, generator=generator) * (0.5 + torch.rand(1, tokens, 1, generator=generator))
    value = torch.randn(KV_HEADS, tokens, DIM, generator=generator)
    return query, key, value


def causal_attention(query, key):
    logits = query @ key.repeat_interleave(GROUP, 0).transpose(1, 2) / math.sqrt(DIM)
    hidden = torch.ones(query.shape[1], query.shape[1], dtype=torch.bool).triu(1)
    return torch.softmax(logits.masked_fill(hidden, torch.finfo(torch.float32).min), dim=-1)


def marked(key):
    return torch.arange(key.shape[1], dtype=torch.float32).view(1, -1, 1).expand_as(key).contiguous()


def gathered(values, heads):
    """[1, heads, kept, d], or the flat rows of a selector that gives heads unequal lengths."""
    return [sorted(int(one) for one in head) for head in values[0, :, :, 0]]


def flat(values, lengths):
    rows, kept = [int(one) for one in values[:, 0]], []
    for length in lengths:
        kept.append(sorted(rows[:length]))
        rows = rows[length:]
    return kept


def head_capacities(table, budget, beta):
    """As the LongBench runner spreads a budget over heads by their scores."""
    scores = torch.tensor(table)
    share = scores / scores.sum()
    pool = (budget // beta) * scores.numel()
    return torch.round(share * pool + (budget - budget // beta)).int()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kvcache-factory", type=Path, required=True)
    folder = parser.parse_args().kvcache_factory
    utils, quest, nacl, scissorhands = (load(folder, name)
                                        for name in ("pyramidkv_utils", "quest", "nacl", "scissorhands"))
    table = [[round(((7 * layer + 3 * head) % 11 + 1) / 20, 3) for head in range(QUERY_HEADS)] for layer in range(LAYERS)]
    (HERE / "factory_heads.json").write_text(json.dumps(
        {f"{layer}-{head}": [table[layer][head]] for layer in range(LAYERS) for head in range(QUERY_HEADS)}) + "\n")
    rows, blob = [], []
    for seed, tokens, budget in ((1, 160, 40), (2, 400, 72)):
        query, key, value = prompt(seed, tokens)
        at = sum(part.numel() for part in blob)
        blob += [query.flatten(), key.flatten(), value.flatten()]
        attention = causal_attention(query, key)

        def add(method, mode, kept):
            kept = kept[:1] if all(layer == kept[0] for layer in kept) else kept
            rows.append({"method": method, "granularity": mode, "tokens": tokens, "budget": budget, "window": WINDOW,
                         "query_heads": QUERY_HEADS, "kv_heads": KV_HEADS, "dim": DIM, "layers": LAYERS, "at": at, "kept": kept})

        for mode in ("query-head", "kv-head"):
            heads = QUERY_HEADS if mode == "query-head" else KV_HEADS
            k = key.repeat_interleave(GROUP, 0) if mode == "query-head" else key
            states = (k[None], query[None], marked(k)[None])

            def layers(make):
                return [gathered(make(layer).update_kv(*states, None, GROUP)[1], heads) for layer in range(LAYERS)]

            for pooling, kernel in (("maxpool", 7), ("avgpool", 5)):
                pooled = f"pooling={pooling[:3]},kernel={kernel}"
                common = {"window_size": WINDOW, "max_capacity_prompt": budget, "kernel_size": kernel, "pooling": pooling}
                add(f"snapkv:{pooled}", mode, layers(lambda layer: utils.SnapKVCluster(**common)))
                add(f"pyramidkv:{pooled}", mode, layers(lambda layer: utils.PyramidKVCluster(
                    num_hidden_layers=LAYERS, layer_idx=layer, **common)))
                for normalise in (True, False):
                    kept = []
                    for layer in range(LAYERS):
                        ada = utils.AdaKVCluster(floor=0.2, normalize=normalise, layer_idx=layer, num_hidden_layers=LAYERS,
                                                 **common)
                        kept.append(flat(ada.update_kv(*states)[1], ada.head_lens.tolist()))
                    add(f"adakv:{pooled},normalise={'on' if normalise else 'off'}", mode, kept)
                kept = []
                for layer in range(LAYERS):
                    head = utils.HeadKVCluster(head_capacity=head_capacities(table, budget, 1.01), layer_idx=layer,
                                               num_hidden_layers=LAYERS, **common)
                    kept.append(flat(head.update_kv(*states)[1], head.head_lens.tolist()))
                add(f"headkv:{pooled},beta=1.01", mode, kept)
            add("h2o", mode, layers(lambda layer: utils.H2OKVCluster(window_size=WINDOW, max_capacity_prompt=budget)))
            add("streamingllm", mode, layers(lambda layer: utils.StreamingLLMKVCluster(
                window_size=budget - 4, max_capacity_prompt=budget)))
            add("l2norm", mode, layers(lambda layer: utils.L2NormCluster(max_capacity_prompt=budget, layer_idx=layer,
                                                                         skip_layers=[0, 1])))
        # Modules that know query heads alone.
        repeated = key.repeat_interleave(GROUP, 0)[None]
        same = lambda kept: [[head.tolist() for head in kept[0]]] * LAYERS
        for page in (8, 4):
            add(f"quest:evict=on,page={page}", "query-head", same(quest.select_quest_tokens(
                query[None], repeated, page_size=page, token_budget=budget, recent_size=WINDOW)))
        add("nacl:share=0", "query-head", same(nacl.select_nacl_tokens(
            attention[None], token_budget=budget, proxy_indices=nacl.select_nacl_proxy_indices(tokens, proxy_size=WINDOW))))
        add("scissorhands", "query-head", same(scissorhands.select_scissorhands_tokens(
            scissorhands.reduce_scissorhands_scores(attention[None], history_window=WINDOW), token_budget=budget,
            recent_size=WINDOW)))
    values = torch.cat(blob).tolist()
    (HERE / "factory.f32").write_bytes(struct.pack(f"<{len(values)}f", *values))
    text = ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows)
    (HERE / "factory.json").write_text(f"[\n{text}\n]\n")


main()
