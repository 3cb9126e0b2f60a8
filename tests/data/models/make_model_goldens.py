#!/usr/bin/env python3
"""Makes the tiny random checkpoints of this folder and what Hugging Face Transformers computes from them.

Run by hand: python make_model_goldens.py [TINY_LLAMA_FOLDER [--bundled-only]]   (torch 2.11, transformers 5.23 or newer, safetensors;
no network), or with --only and the names of folders for those alone.
Each folder becomes a checkpoint with golden.json (token ids of its runs, greedy continuations, weights fingerprint) and golden.f32:
the logits [positions, vocab] of all runs one after another, float32 little-endian, computed in float32.
Some have statistics.f32 too: what the attention of the run of 40 tokens amounts to, in double precision from Transformers' queries and
keys. Per layer: lse, entropy, received, window_sum [heads, N], window_rows [heads, W, N], key_norm, value_norm [kv_heads, N].
With TINY_LLAMA_FOLDER the bundled model's goldens are made too (or only they): tiny-llama/golden.json and golden.f32.
"""
import hashlib
import json
import shutil
import struct
import sys
from pathlib import Path

import torch
from transformers import (AttentionInterface, AttentionMaskInterface, AutoModelForCausalLM, GraniteConfig, GraniteForCausalLM, LlamaConfig, LlamaForCausalLM, MistralConfig, MistralForCausalLM, MixtralConfig,
                          MixtralForCausalLM, Qwen2Config, Qwen2ForCausalLM, Qwen3Config, Qwen3ForCausalLM)
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS

HERE = Path(__file__).resolve().parent
GREEDY_TOKENS = 20
WINDOW = 8
WITH_STATISTICS = ("llama2-gqa", "mistral-window", "qwen2", "qwen3", "qwen3-biases", "qwen2-yarn", "mixtral", "mixtral-stacked", "granite")
BASE = dict(vocab_size=64, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=2, max_position_embeddings=512, bos_token_id=1, eos_token_id=2, rms_norm_eps=1e-5)
LLAMA3 = dict(rope_type="llama3", rope_theta=500000.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
              original_max_position_embeddings=64)
YARN = dict(rope_type="yarn", rope_theta=10000.0, factor=4.0, original_max_position_embeddings=64)
LONGROPE = dict(rope_type="longrope", rope_theta=10000.0, short_factor=[1.0, 1.1, 1.3, 1.6], long_factor=[1.0, 2.5, 6.0, 8.0],
                original_max_position_embeddings=32)


def longrope(config):
    """As Phi-3 writes it: the trained length beside the factors, not among them."""
    config["original_max_position_embeddings"] = config["rope_parameters"].pop("original_max_position_embeddings")
    return classic(config, "type")


def classic(config, type_key="rope_type", drop=()):
    """The config.json that older versions of Transformers wrote: rope_theta and rope_scaling."""
    rope = config.pop("rope_parameters")
    config["rope_theta"] = rope.pop("rope_theta")
    kind = rope.pop("rope_type")
    config["rope_scaling"] = None if kind == "default" else {type_key: kind, **rope}
    for key in drop:
        config.pop(key, None)
    return config


# name: (architecture, overrides, edit of config.json, stored dtype, shard size, prompt lengths)
VARIANTS = {
    "llama1-mha": ("llama", dict(num_key_value_heads=4, rms_norm_eps=1e-6),
                   lambda c: classic(c, drop=("num_key_value_heads", "rope_theta", "head_dim", "rope_scaling")), None, None, [40]),
    "llama2-gqa": ("llama", dict(num_hidden_layers=3), lambda c: classic(c, drop=("head_dim",)), None, None, [1, 40]),
    "llama3-theta": ("llama", dict(rope_parameters=dict(rope_type="default", rope_theta=500000.0), num_key_value_heads=1),
                     classic, None, None, [40]),
    "llama31-scaling": ("llama", dict(rope_parameters=LLAMA3, head_dim=16), classic, None, None, [200]),
    "llama32-tied": ("llama", dict(rope_parameters=LLAMA3, head_dim=16, tie_word_embeddings=True), lambda c: c, None, None, [200]),
    "linear": ("llama", dict(rope_parameters=dict(rope_type="linear", factor=4.0, rope_theta=10000.0)),
               lambda c: classic(c, "type"), None, None, [40]),
    "dynamic": ("llama", dict(rope_parameters=dict(rope_type="dynamic", factor=3.0, rope_theta=10000.0), max_position_embeddings=32),
                lambda c: classic(c, "type"), None, None, [16, 60]),
    "head-dim": ("llama", dict(head_dim=24, rope_parameters=dict(rope_type="linear", factor=2.0, rope_theta=20000.0)),
                 lambda c: c, None, None, [40]),
    "biases": ("llama", dict(attention_bias=True, mlp_bias=True), lambda c: c, None, None, [40]),
    "mistral": ("mistral", dict(sliding_window=None), classic, None, None, [40]),
    "mistral-window": ("mistral", dict(sliding_window=12), lambda c: {**c, "head_dim": None}, None, None, [8, 12, 13, 40, 300]),
    "qwen2": ("qwen2", {}, classic, None, None, [1, 40]),
    "qwen2-tied": ("qwen2", dict(tie_word_embeddings=True, rope_parameters=dict(rope_type="default", rope_theta=1000000.0)), lambda c: c,
                   None, None, [40]),
    "qwen3": ("qwen3", dict(head_dim=16, rope_parameters=dict(rope_type="default", rope_theta=1000000.0)), lambda c: c, None, None, [1, 40]),
    "qwen3-biases": ("qwen3", dict(head_dim=12, attention_bias=True, num_key_value_heads=1), classic, None, None, [40]),
    "qwen2-yarn": ("qwen2", dict(head_dim=16, rope_parameters=YARN), classic, None, None, [40, 200]),
    "yarn-mscale": ("llama", dict(head_dim=16, rope_parameters=dict(YARN, mscale=1.4, mscale_all_dim=0.7, beta_fast=16, beta_slow=2,
                                                                   truncate=False)), lambda c: c, None, None, [120]),
    "longrope": ("llama", dict(rope_parameters=LONGROPE, max_position_embeddings=256), longrope, None, None, [24, 40, 200]),
    "granite": ("granite", dict(attention_multiplier=0.2, embedding_multiplier=6.0, residual_multiplier=0.4, logits_scaling=3.0,
                                tie_word_embeddings=True), lambda c: c, None, None, [1, 40]),
    "mixtral": ("mixtral", dict(intermediate_size=24, num_local_experts=5, rope_parameters=dict(rope_type="default", rope_theta=1000000.0)),
                classic, None, None, [1, 40, 200]),
    "mixtral-stacked": ("mixtral", dict(intermediate_size=16, num_local_experts=3, num_experts_per_tok=1, sliding_window=12), lambda c: c,
                        torch.float16, None, [40]),
    "bf16": ("llama", {}, classic, torch.bfloat16, None, [40]),
    "f16": ("llama", {}, classic, torch.float16, None, [40]),
    "sharded": ("llama", {}, classic, None, "40KB", [40]),
}


def randomise(model, generator):
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if "experts" in name or ".gate.weight" in name:
                parameter.copy_(1.6 * noise / parameter.shape[-1] ** 0.5)
            elif "norm" in name:
                parameter.copy_(1 + 0.2 * noise)
            elif parameter.dim() == 1:
                parameter.copy_(0.3 * noise)
            elif "embed" in name or "lm_head" in name:
                parameter.copy_(0.4 * noise)
            else:
                parameter.copy_(1.6 * noise / parameter.shape[1] ** 0.5)


def fingerprint(folder):
    """SHA-256 over name, zero byte, size and header of each shard in name order."""
    sha = hashlib.sha256()
    for shard in sorted(folder.glob("*.safetensors")):
        data = shard.read_bytes()
        length = struct.unpack("<Q", data[:8])[0]
        sha.update(shard.name.encode() + b"\0" + struct.pack("<Q", len(data)) + data[:8 + length])
    return sha.hexdigest()


def expert_use(model, ids):
    """Per layer and expert: the prompt's tokens sent to it, and the mean of the weight it gets."""
    found = {}
    hooks = [layer.mlp.gate.register_forward_hook(lambda module, given, out, index=index: found.setdefault(index, out))
             for index, layer in enumerate(model.model.layers)]
    with torch.no_grad():
        model(torch.tensor([ids]))
    for hook in hooks:
        hook.remove()
    experts, tokens, weights = model.config.num_local_experts, [], []
    for index in sorted(found):
        logits, scores, chosen = found[index]
        one_hot = torch.nn.functional.one_hot(chosen, experts).double()
        tokens.append(one_hot.sum((0, 1)).long().tolist())
        weights.append(((one_hot * scores.double()[..., None]).sum((0, 1)) / len(ids)).tolist())
    return dict(tokens=tokens, weight=weights)


def run(model, ids, positions):
    """Logits of the chosen positions, the greedy continuation with a cache, and how clearly each token won."""
    with torch.no_grad():
        logits = model(torch.tensor([ids])).logits[0]
        step = model(torch.tensor([ids]), use_cache=True)
        greedy, margin = [], float("inf")
        for _ in range(GREEDY_TOKENS):
            last = step.logits[0, -1]
            best = last.topk(2).values
            margin = min(margin, ((best[0] - best[1]) / last.abs().max()).item())
            greedy.append(int(last.argmax()))
            step = model(torch.tensor([[greedy[-1]]]), past_key_values=step.past_key_values, use_cache=True)
    return logits[positions], greedy, margin


def record_attention(module, query, key, value, mask, scaling, **unused):
    """Eager attention that keeps what it saw, as an implementation Transformers can be told to use."""
    group = query.shape[1] // key.shape[1]
    scores = query.double() @ key.double().repeat_interleave(group, 1).transpose(2, 3) * scaling
    count = query.shape[2]
    if mask is None:
        visible = torch.ones(count, count, dtype=torch.bool).tril()
    else:
        visible = mask[0, 0] if mask.dtype == torch.bool else mask[0, 0] == 0
    scores = scores.masked_fill(~visible, float("-inf"))
    seen.append((scores[0], key[0].double(), value[0].double()))
    return (scores.softmax(-1).to(value.dtype) @ value.repeat_interleave(group, 1)).transpose(1, 2).contiguous(), None


seen = []
AttentionInterface.register("recorded", record_attention)
AttentionMaskInterface.register("recorded", ALL_MASK_ATTENTION_FUNCTIONS["eager"])


def write_statistics(folder, ids):
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="recorded").eval()
    seen.clear()
    with torch.no_grad():
        model(torch.tensor([ids]))
    parts = []
    for scores, key, value in seen:
        rows = scores.softmax(-1)
        logs = torch.where(rows > 0, rows.log(), 0.0)
        last = rows[:, -WINDOW:]
        parts += [scores.logsumexp(-1), -(rows * logs).sum(-1), rows.sum(1), last.sum(1), last, key.norm(dim=-1), value.norm(dim=-1)]
    (folder / "statistics.f32").write_bytes(b"".join(part.float().contiguous().numpy().astype("<f4").tobytes() for part in parts))


def write_golden(folder, reference, model_folder, prompts):
    entries, blobs = [], []
    for ids in prompts:
        count = len(ids)
        positions = sorted({*range(min(count, 64)), *range(max(0, count - 24), count)}) if count <= 300 and reference.config.vocab_size < 100 \
            else sorted({0, 1, count // 2, count - 2, count - 1})
        logits, greedy, margin = run(reference, ids, positions)
        assert margin > 1e-3, f"{folder.name}: a greedy token won by {margin} only; choose another seed"
        entries.append(dict(ids=ids, positions=positions, greedy=greedy))
        if hasattr(reference.config, "num_local_experts"):
            entries[-1]["experts"] = expert_use(reference, ids)
        blobs.append(logits.float().contiguous().numpy().astype("<f4").tobytes())
    golden = dict(vocab=reference.config.vocab_size, fingerprint=fingerprint(model_folder), runs=entries)
    (folder / "golden.json").write_text(json.dumps(golden) + "\n")
    (folder / "golden.f32").write_bytes(b"".join(blobs))


def make(name, seed):
    architecture, overrides, edit, dtype, shard, lengths = VARIANTS[name]
    folder = HERE / name
    shutil.rmtree(folder, ignore_errors=True)
    config_class, model_class = {"llama": (LlamaConfig, LlamaForCausalLM), "mistral": (MistralConfig, MistralForCausalLM), "mixtral": (MixtralConfig, MixtralForCausalLM), "granite": (GraniteConfig, GraniteForCausalLM),
                                 "qwen2": (Qwen2Config, Qwen2ForCausalLM), "qwen3": (Qwen3Config, Qwen3ForCausalLM)}[architecture]
    generator = torch.Generator().manual_seed(seed)
    model = model_class(config_class(**{**BASE, **overrides}))
    randomise(model, generator)
    if dtype is not None:
        model = model.to(dtype)
    if name == "llama3-theta":
        model.generation_config.eos_token_id = [2, 5]
    model.save_pretrained(folder, **({"max_shard_size": shard} if shard else {}), **({"save_original_format": False} if "stacked" in name else {}))
    config = edit(json.loads((folder / "config.json").read_text()))
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    # What is compared is what Transformers itself reads from the folder, edited configuration included.
    reference = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    prompts = [torch.randint(3, BASE["vocab_size"], (length,), generator=generator).tolist() for length in lengths]
    write_golden(folder, reference, folder, prompts)
    if name in WITH_STATISTICS:
        write_statistics(folder, next(ids for ids in prompts if len(ids) == 40))


def make_bundled(source, seed):
    folder = HERE / "tiny-llama"
    folder.mkdir(exist_ok=True)
    reference = AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32).eval()
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(3, reference.config.vocab_size, (300,), generator=generator).tolist()
    write_golden(folder, reference, source, [ids])


def first_clear(make_golden):
    """Tries seeds until no greedy token is a near tie."""
    for attempt in range(50):
        try:
            return make_golden(attempt)
        except AssertionError as error:
            print(error)


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    only = sys.argv[sys.argv.index("--only") + 1:] if "--only" in sys.argv else list(VARIANTS)
    if "--bundled-only" not in sys.argv:
        for index, name in enumerate(VARIANTS):
            if name not in only:
                continue
            first_clear(lambda attempt: make(name, 1000 * attempt + index))
    if len(sys.argv) > 1 and "--only" not in sys.argv:
        first_clear(lambda attempt: make_bundled(Path(sys.argv[1]), 3 + attempt))


if __name__ == "__main__":
    main()
