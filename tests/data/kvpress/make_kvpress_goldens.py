#!/usr/bin/env python3
"""What kvpress evicts while it decodes, for the method that both have: TOVA.

Run by hand: python make_kvpress_goldens.py   (kvpress 0.5.5, transformers 5.2, torch; no network).
kvpress prunes the prompt's cache to `budget` tokens per head and, with its DecodingPress, prunes again after every `every`
generated tokens. It does not say which positions it keeps: each row of its key cache is found among the rows seen so far.
Its rolling StreamingLLM is another thing: torch.topk leaves the rows of equal scores in any order, and the next pruning takes
the first rows for the oldest tokens. golden.json: per case the prompt, the fed tokens, and per step, layer and KV head the positions held when the step's
attention is done and pruned.
"""
import json
import random
from pathlib import Path

import torch
from kvpress import DecodingPress, TOVAPress
from transformers import AutoModelForCausalLM, DynamicCache

HERE = Path(__file__).resolve().parent
STEPS, EOS = 12, 2  # a prompt whose answer does not end earlier is chosen
# model, method of KVAtlas, press, tokens, budget, every
CASES = [("llama2-gqa", "tova:every=1", TOVAPress, 40, 9, 1), ("llama2-gqa", "tova:every=4", TOVAPress, 40, 14, 4),
         ("llama31-scaling", "tova:every=1", TOVAPress, 70, 20, 1)]


class Positions:
    """Finds the rows of a cache among all rows that were ever appended."""

    def __init__(self):
        self.known = {}

    def held(self, layer, keys):
        heads = []
        for head, rows in enumerate(keys[0]):
            known = self.known.setdefault((layer, head), {})
            heads.append(sorted(known[row.numpy().tobytes()] for row in rows))
        return heads

    def add(self, layer, keys, first):
        for head, rows in enumerate(keys[0]):
            known = self.known.setdefault((layer, head), {})
            for i, row in enumerate(rows):
                known[row.numpy().tobytes()] = first + i


def run(model_name, method, press, tokens, budget, every, seed):
    draw = random.Random(f"{model_name} {method} {seed}")
    model = AutoModelForCausalLM.from_pretrained(HERE.parent / "models" / model_name, dtype=torch.float32,
                                                 attn_implementation="eager").eval()
    prompt = [draw.randrange(3, model.config.vocab_size) for _ in range(tokens)]
    positions, cache = Positions(), DynamicCache(config=model.config)
    seen = DynamicCache(config=model.config)
    out = model(torch.tensor([prompt]), past_key_values=seen, use_cache=True)
    for layer, of in enumerate(seen.layers):
        positions.add(layer, of.keys, 0)
    ratio = DecodingPress(press())._find_target_compression_ratio(tokens, budget)
    with press(compression_ratio=ratio)(model):
        model(torch.tensor([prompt]), past_key_values=cache, use_cache=True)

    def held():
        return [positions.held(layer, of.keys) for layer, of in enumerate(cache.layers)]

    def catch(module, args, kwargs, output):  # before the press prunes: the newest row is the last one
        keys = kwargs["past_key_values"].layers[module.layer_idx].keys
        positions.add(module.layer_idx, keys[:, :, -1:], at)

    fed, steps = [int(out.logits[0, -1].argmax())], [held()]
    hooks = [layer.self_attn.register_forward_hook(catch, with_kwargs=True) for layer in model.model.layers]
    with DecodingPress(press(), compression_interval=every, target_size=budget)(model):
        for step in range(1, STEPS):
            at = tokens + step - 1
            out = model(torch.tensor([[fed[-1]]]), past_key_values=cache, use_cache=True, position_ids=torch.tensor([[at]]),
                        cache_position=torch.tensor([at]))
            fed.append(int(out.logits[0, -1].argmax()))
            steps.append(held())
    for hook in hooks:
        hook.remove()
    return {"model": model_name, "method": method, "prompt": prompt, "budget": budget, "every": every, "generated": fed,
            "held": steps}


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    with torch.no_grad():
        cases = [next(made for seed in range(100) if EOS not in (made := run(*case, seed))["generated"]) for case in CASES]
    (HERE / "golden.json").write_text(json.dumps({"cases": cases}, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
