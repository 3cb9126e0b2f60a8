#!/usr/bin/env python3
"""Prefill of one model: KVAtlas against Transformers (sdpa) and llama.cpp, processor seconds of one thread.

Run by hand, not by CI; needs torch and transformers, and llama-cpp-python for its column:

    python3 -m venv venv && venv/bin/pip install torch transformers gguf llama-cpp-python
    venv/bin/python tests/bench/prefill.py --model SmolLM2-135M-Instruct.Q4_1.gguf --lengths 2048,8192

Every programme reads the same GGUF file: KVAtlas and Transformers compute with its weights widened to f32 or rounded to
bf16, llama.cpp with the weights as they are (and, with --f32-gguf, the same weights stored in f32, as
`llama-quantize --allow-requantize IN.gguf OUT.gguf F32` or llama_cpp.llama_model_quantize writes them). Rounds take turns,
so that a disturbance hits all alike; the least of the repetitions counts. Only the prompt's pass is timed, with the
logits of its last token; loading is not.
"""
import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path


def ids_of(count, vocabulary):
    return [(i * 2654435761 % 2**32 + 12345) % vocabulary for i in range(count)]


def least(work, repeat):
    work()
    best = float("inf")
    for _ in range(repeat):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best


def transformers_child(arguments):
    import torch
    from transformers import AutoModelForCausalLM

    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    path = Path(arguments.model)
    model = AutoModelForCausalLM.from_pretrained(
        path.parent, gguf_file=path.name, attn_implementation="sdpa",
        dtype=torch.float32 if arguments.dtype == "f32" else torch.bfloat16)
    ids = torch.tensor([ids_of(arguments.tokens, model.config.vocab_size)])
    seconds = least(lambda: model(ids, use_cache=True, logits_to_keep=1), arguments.repeat)
    print(json.dumps({"seconds": seconds}))


def llama_child(arguments):
    import llama_cpp

    model = llama_cpp.Llama(arguments.model, n_ctx=arguments.tokens, n_batch=512, n_threads=1, n_threads_batch=1,
                            flash_attn=True, verbose=False)
    ids = ids_of(arguments.tokens, model.n_vocab())

    def run():
        model.reset()
        model.eval(ids)

    print(json.dumps({"seconds": least(run, arguments.repeat)}))


def child(command):
    environment = dict(os.environ, OMP_NUM_THREADS="1")
    ended = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, env=environment)
    for line in reversed(ended.stdout.splitlines()):
        if line.startswith("{"):
            return json.loads(line)
    words = [line for line in ended.stderr.splitlines() if line.strip()]
    print(f"{' '.join(command[:4])} …: {words[-1] if words else ended.returncode}", file=sys.stderr)
    return {}


def measure(arguments):
    def python(way, tokens, dtype="f32", model=None):
        return child([sys.executable, __file__, "--way", way, "--model", str(model or arguments.model), "--dtype", dtype,
                      "--tokens", str(tokens), "--repeat", str(arguments.repeat)]).get("seconds")

    def ours(tokens, dtype):
        return child([arguments.kvatlas, "bench", "prefill", "--json", "--model", str(arguments.model), "--dtype", dtype,
                      "--lengths", str(tokens), "--repeat", str(arguments.repeat)]).get("prefill_seconds")

    columns = {"KVAtlas f32": lambda n: ours(n, "f32"), "Transformers f32": lambda n: python("transformers", n),
               "KVAtlas bf16": lambda n: ours(n, "bf16"),
               "Transformers bf16": lambda n: python("transformers", n, "bf16")}
    if not arguments.no_llama:
        columns[f"llama.cpp {Path(arguments.model).stem.split('.')[-1]}"] = lambda n: python("llama", n)
        if arguments.f32_gguf:
            columns["llama.cpp f32"] = lambda n: python("llama", n, model=arguments.f32_gguf)
    print(f"{Path(arguments.model).name}; processor seconds of one thread, least of {arguments.repeat} × "
          f"{arguments.rounds} runs\n")
    print("| tokens | " + " | ".join(columns) + " | Transformers / KVAtlas, f32 | bf16 |")
    print("|---" * (len(columns) + 3) + "|")
    for tokens in arguments.lengths:
        best = dict.fromkeys(columns)
        for _ in range(arguments.rounds):
            for name, run in columns.items():
                seconds = run(tokens)
                if seconds is not None and (best[name] is None or seconds < best[name]):
                    best[name] = seconds

        def ratio(kind):
            theirs, mine = best[f"Transformers {kind}"], best[f"KVAtlas {kind}"]
            return f"{theirs / mine:.2f}" if theirs and mine else "–"

        shown = [f"{value:.2f}" if value else "–" for value in best.values()]
        print(f"| {tokens} | " + " | ".join(shown) + f" | {ratio('f32')} | {ratio('bf16')} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kvatlas", default="build/bin/kvatlas")
    parser.add_argument("--model", required=True, help="a GGUF file")
    parser.add_argument("--f32-gguf", help="the same weights in f32, for llama.cpp")
    parser.add_argument("--lengths", default="2048,8192", type=lambda text: [int(n) for n in text.split(",")])
    parser.add_argument("--repeat", default=2, type=int, help="runs of each process, after one that warms up")
    parser.add_argument("--rounds", default=2, type=int, help="processes of each programme, in turn")
    parser.add_argument("--no-llama", action="store_true")
    parser.add_argument("--way", choices=("transformers", "llama"), help=argparse.SUPPRESS)
    parser.add_argument("--tokens", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--dtype", default="f32", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.way == "transformers":
        transformers_child(arguments)
    elif arguments.way == "llama":
        llama_child(arguments)
    else:
        measure(arguments)


if __name__ == "__main__":
    main()
