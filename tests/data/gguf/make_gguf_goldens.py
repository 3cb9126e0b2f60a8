#!/usr/bin/env python3
"""Makes the GGUF files of this folder and what the `gguf` package, Transformers and `tokenizers` make of them.

Run by hand: python make_gguf_goldens.py   (gguf 0.19, transformers 5.24, torch 2.11, tokenizers; no network)
  blocks.json, blocks.bin   per tensor type: random blocks and, after them, their values in float32 as gguf.dequantize gives them
  quantised.gguf, .json, .f32   a tiny random Llama with a tensor type per matrix; ids, greedy continuation and logits of Transformers reading it
  NAME.gguf, NAME.json      vocabularies: "spm" (SentencePiece BPE by scores) and one for each rule for words; ids of
                            tests/data/tokenizers/strings.json (every STEP-th valid string), without special tokens, and ids around them
"""
import json
import sys
import tempfile
from pathlib import Path

import gguf
import numpy as np
import torch
from gguf import GGMLQuantizationType as Type
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoModelForCausalLM, AutoTokenizer

HERE = Path(__file__).resolve().parent
TOKENIZERS = HERE.parent / "tokenizers"
sys.path.insert(0, str(TOKENIZERS))
from sample_texts import training_text  # noqa: E402

# Byte offsets of the halves in a block: random bytes there would be infinite now and then.
HALVES = {"Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0], "Q2_K": [80, 82], "Q3_K": [108], "Q4_K": [0, 2],
          "Q5_K": [0, 2], "Q6_K": [208], "IQ4_NL": [0], "IQ4_XS": [0]}
BLOCKS = 6


def finite_halves(random, count):
    halves = random.normal(0, 0.02, count).astype(np.float16)
    halves[0] = np.float16(6e-8)  # subnormal
    return halves


def make_blocks():
    random = np.random.default_rng(7)
    index, data = [], b""
    for name in ["F32", "F16", "BF16", *HALVES]:
        kind = Type[name]
        elements, size = gguf.GGML_QUANT_SIZES[kind]
        if name == "F32":
            raw = random.normal(0, 1, 32).astype(np.float32).view(np.uint8)
        elif name == "F16":
            raw = np.concatenate([finite_halves(random, 30), np.array([np.inf, -0.0], np.float16)]).view(np.uint8)
        elif name == "BF16":
            raw = (random.normal(0, 1, 32).astype(np.float32).view(np.uint32) >> 16).astype(np.uint16).view(np.uint8)
        else:
            raw = random.integers(0, 256, (BLOCKS, size), dtype=np.uint8)
            for offset in HALVES[name]:
                raw[:, offset:offset + 2] = finite_halves(random, BLOCKS).view(np.uint8).reshape(BLOCKS, 2)
            raw = raw.reshape(-1)
        values = gguf.dequantize(raw.reshape(1, -1), kind).astype(np.float32).reshape(-1)
        assert values.size == raw.size // size * elements
        index.append({"type": name, "number": int(kind), "at": len(data), "bytes": raw.size, "values": int(values.size)})
        data += raw.tobytes() + values.tobytes()
    (HERE / "blocks.json").write_text(json.dumps(index, indent=1) + "\n")
    (HERE / "blocks.bin").write_bytes(data)


LAYERS, HIDDEN, INNER, HEADS, KV_HEADS, VOCAB = 2, 32, 64, 4, 2, 64
KINDS = {"attn_q": "Q8_0", "attn_k": "Q5_1", "attn_v": "Q5_0", "attn_output": "Q4_1", "ffn_gate": "Q4_0", "ffn_up": "F16", "ffn_down": "BF16"}


def make_model():
    random = np.random.default_rng(11)
    writer = gguf.GGUFWriter(HERE / "quantised.gguf", "llama")
    writer.add_name("Tiny")
    writer.add_block_count(LAYERS)
    writer.add_context_length(512)
    writer.add_embedding_length(HIDDEN)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_rope_freq_base(10000.0)
    writer.add_rope_dimension_count(HIDDEN // HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(VOCAB)
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list([f"t{i}" for i in range(VOCAB)])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)

    def add(name, shape, kind, scale):
        values = (random.normal(0, scale, shape)).astype(np.float32)
        if name.endswith("norm.weight"):
            values += 1
        quantised = values if kind == "F32" else gguf.quantize(values, Type[kind])
        writer.add_tensor(name, quantised, raw_dtype=Type[kind])

    add("token_embd.weight", (VOCAB, HIDDEN), "Q8_0", 0.4)
    for layer in range(LAYERS):
        key = KV_HEADS * HIDDEN // HEADS
        shapes = {"attn_q": (HIDDEN, HIDDEN), "attn_k": (key, HIDDEN), "attn_v": (key, HIDDEN), "attn_output": (HIDDEN, HIDDEN),
                  "ffn_gate": (INNER, HIDDEN), "ffn_up": (INNER, HIDDEN), "ffn_down": (HIDDEN, INNER)}
        add(f"blk.{layer}.attn_norm.weight", (HIDDEN,), "F32", 0.2)
        add(f"blk.{layer}.ffn_norm.weight", (HIDDEN,), "F32", 0.2)
        for name, shape in shapes.items():
            add(f"blk.{layer}.{name}.weight", shape, KINDS[name], 1.6 / shape[1] ** 0.5)
    add("output_norm.weight", (HIDDEN,), "F32", 0.2)
    add("output.weight", (VOCAB, HIDDEN), "F32", 0.4)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()

    model = AutoModelForCausalLM.from_pretrained(HERE, gguf_file="quantised.gguf", dtype=torch.float32).eval()
    ids = random.integers(0, VOCAB, 40).tolist()
    with torch.no_grad():
        logits = model(torch.tensor([ids])).logits[0]
        greedy = list(ids)
        while len(greedy) < len(ids) + 20:
            greedy.append(int(model(torch.tensor([greedy])).logits[0, -1].argmax()))
    (HERE / "quantised.json").write_text(json.dumps({"ids": ids, "greedy": greedy[len(ids):], "vocab": VOCAB}) + "\n")
    (HERE / "quantised.f32").write_bytes(logits.numpy().astype("<f4").tobytes())


def strings(step):
    return [s for s in json.loads((TOKENIZERS / "strings.json").read_text()) if isinstance(s, str)][::step]


def write_vocabulary(name, model, tokens, types, *, scores=None, merges=None, pre=None, special=(), flags=()):
    writer = gguf.GGUFWriter(HERE / f"{name}.gguf", "llama")
    for add, value in [(writer.add_block_count, 1), (writer.add_context_length, 64), (writer.add_embedding_length, 8), (writer.add_head_count, 1),
                       (writer.add_feed_forward_length, 8), (writer.add_head_count_kv, 1), (writer.add_layer_norm_rms_eps, 1e-5), (writer.add_rope_freq_base, 1e4)]:
        add(value)
    writer.add_tokenizer_model(model)
    if pre:
        writer.add_tokenizer_pre(pre)
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    if scores is not None:
        writer.add_token_scores(scores)
    if merges is not None:
        writer.add_token_merges(merges)
    for key, token in special:
        getattr(writer, f"add_{key}_token_id")(tokens.index(token))
    for key, value in flags:
        getattr(writer, f"add_add_{key}")(value)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write_golden(name, encode, step, before):
    texts = strings(step)
    (HERE / f"{name}.json").write_text(json.dumps({"step": step, "before": before, "ids": [encode(text) for text in texts]}, separators=(",", ":")) + "\n")


def make_spm():
    # Pieces from merges learned on the training text; the score of a piece is the rank of the merge that makes it, as SentencePiece gives it.
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.Metaspace(replacement="\u2581", prepend_scheme="always", split=True)
    trained.train_from_iterator(training_text(), trainers.BpeTrainer(vocab_size=900, show_progress=False))
    document = json.loads(trained.to_str())["model"]
    made = ["".join(merge) for merge in document["merges"]]
    characters = [piece for piece in document["vocab"] if piece not in set(made)]
    made = list(dict.fromkeys(made))
    tokens = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)] + made + characters + ["<|turn|>", "<think>"]
    types = [2, 3, 3] + [6] * 256 + [1] * (len(made) + len(characters)) + [3, 4]
    scores = [0.0] * 259 + [-float(i) for i in range(len(made) + len(characters))] + [0.0, 0.0]
    write_vocabulary("spm", "llama", tokens, types, scores=scores, special=[("bos", "<s>"), ("eos", "</s>"), ("unk", "<unk>")])
    tokenizer = AutoTokenizer.from_pretrained(HERE, gguf_file="spm.gguf")
    assert tokenizer("a").input_ids[0] == 1
    write_golden("spm", lambda text: tokenizer(text, add_special_tokens=False).input_ids, 2, [1])


def make_byte_level(name, pre, step, oracle=None):
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = oracle or pre_tokenizers.ByteLevel(add_prefix_space=False)
    trained.train_from_iterator(training_text(), trainers.BpeTrainer(vocab_size=700, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    document = json.loads(trained.to_str())["model"]
    tokens = ["<|end|>", "<|user|>"] + sorted(document["vocab"], key=document["vocab"].get) + ["<think>"]
    types = [3, 3] + [1] * len(document["vocab"]) + [4]
    merges = [" ".join(merge) for merge in document["merges"]]
    before = [0] if pre in ("llama-bpe", "tekken") else []
    write_vocabulary(name, "gpt2", tokens, types, merges=merges, pre=pre, special=[("bos", "<|end|>"), ("eos", "<|end|>")])
    if oracle is None:  # Transformers knows the rule
        tokenizer = AutoTokenizer.from_pretrained(HERE, gguf_file=f"{name}.gguf")
        encode = lambda text: tokenizer(text, add_special_tokens=False).input_ids  # noqa: E731
    else:
        tokenizer = Tokenizer(models.BPE(vocab={token: i for i, token in enumerate(tokens)}, merges=[tuple(merge) for merge in document["merges"]]))
        tokenizer.pre_tokenizer = oracle
        tokenizer.add_special_tokens([AddedToken("<|end|>", normalized=False), AddedToken("<|user|>", normalized=False)])
        tokenizer.add_tokens([AddedToken("<think>", normalized=False)])
        encode = lambda text: tokenizer.encode(text, add_special_tokens=False).ids  # noqa: E731
    write_golden(name, encode, step, before)


if __name__ == "__main__":
    make_blocks()
    make_model()
    make_spm()
    make_byte_level("smollm", "smollm", 2, pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]))
    for name, pre in [("gpt2", "gpt-2"), ("llama-bpe", "llama-bpe"), ("qwen2", "qwen2"), ("tekken", "tekken")]:
        make_byte_level(name, pre, 6)
