#!/usr/bin/env python3
"""Time and peak memory of KVAtlas's capture against Hugging Face eager attention that does the same reductions.

Run by hand, not by CI; needs torch and transformers (any recent version):

    python3 -m venv venv && venv/bin/pip install torch transformers
    venv/bin/python tests/bench/hf_eager.py --kvatlas build/bin/kvatlas --lengths 1024,2048,4096,8192

A random Llama of 6 layers and 8 heads of 64 is written once and read by both. Three ways through the same prompt:

  attentions   model(..., output_attentions=True), then every layer's matrices are reduced
  per layer    the kinder variant nobody gets for free: a hook reduces each layer's matrix and drops it at once
  KVAtlas      kvatlas capture, trace file included

The reductions are those of a trace: column sums, sums over the last W queries and these rows themselves, row entropy,
mean and max maps of at most 512 x 512 cells. Each run is a process of its own: its time from start to end less that of
a prompt of 16 tokens, its peak resident memory, the memory beyond that of a plain prefill with the same programme.
--limit-gb stops a process that asks for more, as a machine of that size would.
"""
import argparse
import csv
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

WINDOW, MAP_SIZE = 8, 512
WAYS = ("plain", "attentions", "layerwise")


def cell_of(tokens):
    cell = 1
    while (tokens + cell - 1) // cell > MAP_SIZE:
        cell *= 2
    return cell


# The child: one forward pass in this process.


def reductions(p):
    """Everything a trace holds of one layer's probabilities p [heads, N, N]."""
    import torch
    from torch.nn.functional import pad

    heads, tokens, _ = p.shape
    cell = cell_of(tokens)
    cells = (tokens + cell - 1) // cell
    out = {
        "received": p.sum(1),
        "window_sum": p[:, -WINDOW:].sum(1),
        "window_rows": p[:, -WINDOW:].clone(),
        "entropy": -torch.special.xlogy(p, p).sum(2),
    }
    rest = cells * cell - tokens
    blocks = pad(p, (0, rest, 0, rest)) if rest else p
    blocks = blocks.view(heads, cells, cell, cells, cell)
    index = torch.arange(tokens)
    row_cells = index // cell
    pairs = torch.zeros(cells, cells)
    for column in range(cells):
        first, last = column * cell, min(tokens, (column + 1) * cell)
        seen = (index + 1 - first).clamp(0, last - first).float()
        pairs[:, column] = torch.zeros(cells).index_add_(0, row_cells, seen)
    out["map_mean"] = blocks.sum((2, 4)) / pairs.clamp(min=1)
    out["map_max"] = blocks.amax((2, 4))
    return out


def forward(arguments):
    import torch
    from transformers import AutoModelForCausalLM

    torch.set_grad_enabled(False)
    ids = torch.tensor([[int(word) for word in Path(arguments.ids).read_text().split()]])
    attention = "sdpa" if arguments.way == "plain" else "eager"
    model = AutoModelForCausalLM.from_pretrained(arguments.model, attn_implementation=attention, dtype=torch.float32)
    kept = []
    if arguments.way == "layerwise":
        for layer in model.model.layers:
            # Eager attention gives (output, weights); only this layer's are alive here.
            layer.self_attn.register_forward_hook(lambda _m, _i, output: kept.append(reductions(output[1][0])))
    output = model(ids, output_attentions=arguments.way == "attentions", use_cache=True, logits_to_keep=1)
    if arguments.way == "attentions":
        kept = [reductions(layer[0]) for layer in output.attentions]
    if arguments.received and kept:
        with open(arguments.received, "w", encoding="utf-8") as file:
            json.dump([layer["received"].tolist() for layer in kept], file)


# The parent: children one after another.


def write_model(folder, layers):
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(1)
    config = LlamaConfig(
        vocab_size=32000, hidden_size=512, intermediate_size=1376, num_hidden_layers=layers, num_attention_heads=8,
        num_key_value_heads=8, head_dim=64, max_position_embeddings=1 << 20, rms_norm_eps=1e-5, initializer_range=0.05)
    LlamaForCausalLM(config).save_pretrained(folder)


class Ended:
    def __init__(self, seconds, processor, peak, words):
        self.seconds, self.processor, self.peak, self.words = seconds, processor, peak, words


def run(command, limit_gb):
    def limit():
        resource.setrlimit(resource.RLIMIT_DATA, (int(limit_gb * 2**30), int(limit_gb * 2**30)))

    start = time.monotonic()
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as errors:
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors, preexec_fn=limit)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - start
        errors.seek(0)
        lines = [line for line in errors.read().splitlines() if line.strip()]
    words = "" if child.returncode == 0 else (lines[-1] if lines else f"status {child.returncode}")
    return Ended(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, words)


class Bench:
    def __init__(self, arguments, scratch):
        self.arguments, self.scratch = arguments, scratch
        self.model = scratch / "model"
        write_model(self.model, arguments.layers)
        self.dead = set()

    def ids(self, tokens):
        path = self.scratch / f"ids-{tokens}.txt"
        if not path.exists():
            source = random.Random(1)
            path.write_text(" ".join(str(source.randrange(32000)) for _ in range(tokens)), encoding="utf-8")
        return path

    def command(self, way, tokens, received=None):
        if way in WAYS:
            command = [sys.executable, __file__, "--way", way, "--model", str(self.model), "--ids", str(self.ids(tokens))]
            return command + (["--received", str(received)] if received else [])
        command = [self.arguments.kvatlas, "capture" if way == "capture" else "generate", "--quiet", "--device", "cpu",
                   "--model", str(self.model), "--ids", str(self.ids(tokens)), "--max-new-tokens", "0"]
        return command + (["-o", str(self.scratch / "trace.kva.h5")] if way == "capture" else [])

    def least(self, way, tokens):
        """The run with the least time; None once it died of memory."""
        best = None
        for _ in range(self.arguments.repeat):
            if way in self.dead:
                return None
            ended = run(self.command(way, tokens), self.arguments.limit_gb)
            if ended.words:
                self.dead.add(way)
                print(f"{way} at {tokens} tokens: {ended.words}", file=sys.stderr)
                return None
            if best is None or ended.seconds < best.seconds:
                best = ended
        return best

    def agreement(self, tokens):
        """Largest difference of the column sums, relative to the largest: both compute the same thing."""
        theirs = self.scratch / "received.json"
        run(self.command("attentions", tokens, theirs), self.arguments.limit_gb)
        run(self.command("capture", tokens), self.arguments.limit_gb)
        expected = json.loads(theirs.read_text(encoding="utf-8"))
        exported = self.scratch / "received.csv"
        subprocess.run([self.arguments.kvatlas, "export", str(self.scratch / "trace.kva.h5"), "received", "-o", str(exported)],
                       check=True, stdout=subprocess.DEVNULL)
        worst = top = 0.0
        with open(exported, newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                value = expected[int(row["layer"])][int(row["head"])][int(row["position"])]
                worst, top = max(worst, abs(value - float(row["value"]))), max(top, value)
        return worst / top


def shown(ended, start, plain):
    if ended is None:
        return "does not fit", "–"
    extra = (ended.peak - plain.peak) / 1e6 if plain else float("nan")
    return (f"{ended.seconds - start.seconds:.2f} / {ended.processor - start.processor:.2f}",
            f"{ended.peak / 1e6:.0f} ({extra:.0f} more)")


def ratio(best, start, way):
    """How many times longer than KVAtlas, in seconds waited and in processor seconds, which others hardly disturb."""
    if best[way] is None:
        return "–"

    def beyond(name, what):
        return getattr(best[name], what) - getattr(start[name], what)

    return " / ".join(f"{beyond(way, what) / beyond('capture', what):.1f}" for what in ("seconds", "processor"))


def measure(arguments):
    scratch = Path(tempfile.mkdtemp(prefix="kvatlas-hf-"))
    try:
        bench = Bench(arguments, scratch)
        start = {way: bench.least(way, 16) for way in ("plain", "attentions", "layerwise", "generate", "capture")}
        print(f"random model ({arguments.layers} layers, 8 heads of 64), f32; at most {arguments.limit_gb:g} GB a process; "
              f"least of {arguments.repeat} runs beyond that of 16 tokens: seconds waited / processor seconds; "
              "peak memory, MB (beyond a plain prefill of the same programme)\n")
        print("column sums of both at 512 tokens differ by at most "
              f"{bench.agreement(512):.1e} of the largest\n")
        print("| tokens | KVAtlas | output_attentions | a hook per layer | ratios waited / processor | KVAtlas, MB | "
              "output_attentions, MB | a hook per layer, MB |")
        print("|---|---|---|---|---|---|---|---|")
        for tokens in arguments.lengths:
            best = {way: bench.least(way, tokens) for way in start}
            ratios = [ratio(best, start, way) for way in ("attentions", "layerwise")]
            cells = {w: shown(best[w], start[w], best["generate" if w == "capture" else "plain"])
                     for w in ("capture", "attentions", "layerwise")}
            print(f"| {tokens} | {cells['capture'][0]} | {cells['attentions'][0]} | {cells['layerwise'][0]} | "
                  f"{' and '.join(ratios)} | {cells['capture'][1]} | {cells['attentions'][1]} | {cells['layerwise'][1]} |",
                  flush=True)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kvatlas", default="build/bin/kvatlas")
    parser.add_argument("--lengths", default="1024,2048,4096,8192", type=lambda text: [int(n) for n in text.split(",")])
    parser.add_argument("--layers", default=6, type=int)
    parser.add_argument("--repeat", default=2, type=int)
    parser.add_argument("--limit-gb", default=16.0, type=float)
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--model", help=argparse.SUPPRESS)
    parser.add_argument("--ids", help=argparse.SUPPRESS)
    parser.add_argument("--received", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.way:
        forward(arguments)
    else:
        measure(arguments)


if __name__ == "__main__":
    main()
