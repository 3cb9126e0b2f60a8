#!/usr/bin/env python3
"""Time and peak memory of KVAtlas's capture against Hugging Face eager attention that does the same reductions.

Run by hand, not by CI; needs torch and transformers (any recent version):

    python3 -m venv venv && venv/bin/pip install torch transformers
    venv/bin/python tests/bench/hf_eager.py --kvatlas build/bin/kvatlas --lengths 1024,2048,4096,8192

A random Llama of 6 layers and 8 heads of 64 (--random 1b: of 1.1 billion weights) is written once and read by both.
Three ways through the same prompt:

  attentions   model(..., output_attentions=True), then every layer's matrices are reduced
  per layer    the kinder variant nobody gets for free: a hook reduces each layer's matrix and drops it at once
  KVAtlas      kvatlas capture, trace file included

The reductions are those of a trace: column sums, sums over the last W queries and these rows themselves, row entropy,
mean and max maps of at most 512 x 512 cells. Each run is a process of its own: its time from start to end less that of
a prompt of 16 tokens, its peak resident memory, the memory beyond that of a plain prefill with the same programme.
--limit-gb stops a process that asks for more, as a machine of that size would.

On a CUDA device, with Llama 3 8B's shape and random bf16 weights made there (torch with CUDA):

    python3 tests/bench/hf_eager.py --device cuda --lengths 2048,4096,8192,32768

Here a process holds its model, so weights are no part of the time: medians of --repeat forward passes after one short
one, statistics on the host included, the reductions head by head so that they need little memory. KVAtlas's numbers are
those of `kvatlas bench gpu`. What does not fit is "–", with its reason below the table. --device cpu --shape tiny does
the same at a size for any machine.
"""
import argparse
import csv
import functools
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


@functools.lru_cache(maxsize=1)
def visible_pairs(tokens, device):
    """How many pairs of query and key each cell of the map holds."""
    import torch

    cell = cell_of(tokens)
    cells = (tokens + cell - 1) // cell
    index = torch.arange(tokens)
    pairs = torch.zeros(cells, cells)
    for column in range(cells):
        first, last = column * cell, min(tokens, (column + 1) * cell)
        seen = (index + 1 - first).clamp(0, last - first).float()
        pairs[:, column] = torch.zeros(cells).index_add_(0, index // cell, seen)
    return pairs.to(device)


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
    out["map_mean"] = blocks.sum((2, 4)) / visible_pairs(tokens, p.device).clamp(min=1)
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


def reduced_on_host(p):
    """The same, a head at a time in float32, for matrices that fill the device."""
    import torch

    parts = [reductions(p[head : head + 1].float()) for head in range(p.shape[0])]
    return {name: torch.cat([part[name] for part in parts]).cpu() for name in parts[0]}


# tiny: as `kvatlas bench gpu --shape tiny`.
SHAPES = {
    "8b": dict(vocab_size=128256, hidden_size=4096, intermediate_size=14336, num_hidden_layers=32,
               num_attention_heads=32, num_key_value_heads=8, head_dim=128, rope_theta=500000.0),
    "tiny": dict(vocab_size=1024, hidden_size=192, intermediate_size=512, num_hidden_layers=6,
                 num_attention_heads=6, num_key_value_heads=3, head_dim=32),
}


def random_model(arguments):
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(1)
    config = LlamaConfig(max_position_embeddings=1 << 20, rms_norm_eps=1e-5, **SHAPES[arguments.shape])
    dtype = torch.float32 if arguments.device == "cpu" else torch.bfloat16
    attention = "sdpa" if arguments.way == "plain" else "eager"
    with torch.device(arguments.device):
        return LlamaForCausalLM._from_config(config, attn_implementation=attention, dtype=dtype).eval()


def device_pass(model, ids, way):
    """One prompt; what a trace holds is on the host at the end."""
    kept = []
    hooks = []
    if way == "layerwise":
        hooks = [layer.self_attn.register_forward_hook(lambda _m, _i, output: kept.append(reduced_on_host(output[1][0])))
                 for layer in model.model.layers]
    output = model(ids, output_attentions=way == "attentions", use_cache=True, logits_to_keep=1)
    if way == "attentions":
        kept = [reduced_on_host(layer[0]) for layer in output.attentions]
    for hook in hooks:
        hook.remove()
    return output.logits.float().cpu(), kept


def device_child(arguments):
    import torch

    torch.set_grad_enabled(False)
    on_cuda = torch.device(arguments.device).type == "cuda"
    try:
        model = random_model(arguments)
        ids = torch.randint(0, model.config.vocab_size, (1, arguments.tokens), device=arguments.device)
        device_pass(model, ids[:, :16], arguments.way)
        weights = torch.cuda.memory_allocated() if on_cuda else 0
        if on_cuda:
            torch.cuda.reset_peak_memory_stats()
        seconds = []
        for _ in range(arguments.repeat):
            start = time.monotonic()
            device_pass(model, ids, arguments.way)  # ends on the host: the device is done
            seconds.append(time.monotonic() - start)
        peak = torch.cuda.max_memory_allocated() if on_cuda else 0
        print(json.dumps({"seconds": sorted(seconds)[len(seconds) // 2], "peak": peak, "beyond": peak - weights}))
    except torch.OutOfMemoryError as error:
        print(json.dumps({"missing": str(error).split(" GPU ")[0].splitlines()[0]}))


# The parent: children one after another.


MODELS = {
    "six-layer": dict(hidden_size=512, intermediate_size=1376, num_hidden_layers=6, num_attention_heads=8,
                      num_key_value_heads=8, initializer_range=0.05),
    "1b": dict(hidden_size=2048, intermediate_size=5632, num_hidden_layers=22, num_attention_heads=32,
               num_key_value_heads=4, initializer_range=0.02),
}


def write_model(folder, shape):
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(1)
    config = LlamaConfig(vocab_size=32000, head_dim=64, max_position_embeddings=1 << 20, rms_norm_eps=1e-5, **shape)
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
        write_model(self.model, arguments.of)
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
        return command + (["--force", "-o", str(self.scratch / "trace.kva.h5")] if way == "capture" else [])

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
        captured = run(self.command("capture", tokens), self.arguments.limit_gb)
        if captured.words:
            raise SystemExit(f"capture at {tokens} tokens: {captured.words}")
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
        of = arguments.of
        print(f"random model ({of['num_hidden_layers']} layers, {of['num_attention_heads']} heads of 64, "
              f"{of['num_key_value_heads']} KV heads), f32; at most {arguments.limit_gb:g} GB a process; "
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


def last_line_of(command):
    """The last line as JSON, or why there is none."""
    ended = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if ended.returncode == 0 and ended.stdout.strip():
        return json.loads(ended.stdout.splitlines()[-1])
    words = [line for line in ended.stderr.splitlines() if line.strip()]
    return {"missing": words[-1] if words else f"status {ended.returncode}"}


def measure_device(arguments):
    common = ["--device", arguments.device, "--repeat", str(arguments.repeat)]
    shape = ["--shape", arguments.shape] if arguments.shape != "8b" else []
    print("| tokens | KVAtlas plain prefill, s | KVAtlas capture, s | sdpa prefill, s | output_attentions, s | "
          "a hook per layer, s | output_attentions / capture | hook / capture | KVAtlas peak, GB | "
          "output_attentions peak, GB | hook peak, GB |")
    print("|---" * 11 + "|")
    missing = []

    def number(value, form="{:.3f}"):
        return "–" if value is None else form.format(value)

    for tokens in arguments.lengths:
        ours = last_line_of([arguments.kvatlas, "bench", "gpu", "--json", "--lengths", str(tokens),
                             "--max-new-tokens", "1", *common, *shape])
        theirs = {way: last_line_of([sys.executable, __file__, "--way", way, "--tokens", str(tokens), "--shape",
                                     arguments.shape, *common]) for way in WAYS}
        for name, result in (("KVAtlas", ours), *theirs.items()):
            if isinstance(result.get("missing"), str):
                missing.append(f"{tokens} tokens, {name}: {result['missing']}")
        capture = ours.get("capture_seconds")
        seconds = [theirs[way].get("seconds") for way in WAYS]
        ratios = [s / capture if s and capture else None for s in seconds[1:]]
        peaks = [ours.get("peak_device_bytes"), *(theirs[way].get("peak") for way in WAYS[1:])]
        row = [number(ours.get("prefill_seconds")), number(capture), *map(number, seconds),
               *(number(r, "{:.1f}") for r in ratios), *(number(p / 1e9 if p else None, "{:.1f}") for p in peaks)]
        print(f"| {tokens} | " + " | ".join(row) + " |", flush=True)
    if missing:
        print("\n–: " + "; ".join(missing))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kvatlas", default="build/bin/kvatlas")
    parser.add_argument("--lengths", default="1024,2048,4096,8192", type=lambda text: [int(n) for n in text.split(",")])
    parser.add_argument("--random", default="six-layer", choices=tuple(MODELS), help="the random model on the processor")
    parser.add_argument("--layers", type=int, help="layers of the random model instead of its own")
    parser.add_argument("--repeat", default=2, type=int)
    parser.add_argument("--limit-gb", default=16.0, type=float)
    parser.add_argument("--device", default="cpu", help="cuda, cuda:<i>: see above")
    parser.add_argument("--shape", choices=tuple(SHAPES), help="random weights made on the device (cuda: 8b)")
    parser.add_argument("--tokens", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--model", help=argparse.SUPPRESS)
    parser.add_argument("--ids", help=argparse.SUPPRESS)
    parser.add_argument("--received", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    arguments.of = MODELS[arguments.random] | ({"num_hidden_layers": arguments.layers} if arguments.layers else {})
    if arguments.device != "cpu" and arguments.shape is None:
        arguments.shape = "8b"
    if arguments.way and arguments.shape:
        device_child(arguments)
    elif arguments.way:
        forward(arguments)
    elif arguments.shape:
        measure_device(arguments)
    else:
        measure(arguments)


if __name__ == "__main__":
    main()
