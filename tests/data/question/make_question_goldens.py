#!/usr/bin/env python3
"""What Hugging Face Transformers computes for a question behind a compressed context.

Run by hand: python make_question_goldens.py TINY_LLAMA_FOLDER   (torch 2.11, transformers 5.23 or newer; no network).
For each model, Transformers prefills the context, loses all but the kept entries of its cache (other positions in every
layer and KV head), takes the question in one pass at its original positions, and continues greedily. golden.json holds ids
and kept positions; golden.f32 the logits [question and greedy tokens, vocab] of all cases one after another, float32
little-endian, computed in float32.
"""
import json
import random
import sys
from pathlib import Path

import numpy
import torch
from transformers import AutoModelForCausalLM, DynamicCache

HERE = Path(__file__).resolve().parent
MODELS = HERE.parent / "models"
GREEDY = 5
# name: (context tokens, kept tokens per KV head, question tokens)
CASES = {"llama2-gqa": (40, 13, 9), "llama31-scaling": (150, 40, 21), "qwen3": (60, 24, 1), "tiny-llama": (300, 64, 25)}


def run(name, folder, context, kept, question):
    draw = random.Random(name)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    config = model.config
    ids = [draw.randrange(3, config.vocab_size) for _ in range(context + question)]
    cache = DynamicCache(config=config)
    model(torch.tensor([ids[:context]]), past_key_values=cache, use_cache=True)
    lists = []
    for layer in cache.layers:
        heads = [sorted(draw.sample(range(context), kept)) for _ in range(config.num_key_value_heads)]
        rows = torch.tensor(heads)[None, :, :, None].expand(-1, -1, -1, layer.keys.shape[-1])
        layer.keys, layer.values = layer.keys.gather(2, rows), layer.values.gather(2, rows)
        lists.append(heads)
    logits, fed = [], ids[context:]
    for step in range(GREEDY + 1):
        first = context if step == 0 else context + question + step - 1
        out = model(torch.tensor([fed]), past_key_values=cache, use_cache=True,
                    position_ids=torch.arange(first, first + len(fed))[None])
        logits.append(out.logits[0])
        fed = [int(out.logits[0, -1].argmax())]
    logits = torch.cat(logits)
    greedy = [int(row.argmax()) for row in logits[question - 1:-1]]
    case = {"model": name, "context": ids[:context], "question": ids[context:], "kept": lists, "greedy": greedy,
            "vocab": config.vocab_size}
    return case, logits.numpy().astype("<f4")


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    cases, numbers = [], []
    with torch.no_grad():
        for name, shape in CASES.items():
            case, logits = run(name, sys.argv[1] if name == "tiny-llama" else MODELS / name, *shape)
            cases.append(case)
            numbers.append(logits.ravel())
    (HERE / "golden.json").write_text(json.dumps({"cases": cases}) + "\n")
    (HERE / "golden.f32").write_bytes(numpy.concatenate(numbers).tobytes())


if __name__ == "__main__":
    main()
