"""Trains small tokenizers of every kind KVAtlas reads and records what Hugging Face `tokenizers` makes of a few thousand strings.

Needs `tokenizers` from PyPI, no network:  python make_tokenizer_goldens.py [folder of the bundled model]
Writes strings.json and, per kind, <kind>/tokenizer.json and <kind>.json:
A string that is no valid UTF-8 stands in strings.json as its bytes and as Python reads these.
  before, after   ids set around every text by the post-processor
  ids             per string of strings.json, without special tokens
  text, skipped   per string, what decoding ids gives without and with skip_special_tokens; null where it is the string (skipped: text) itself
  sequences       [[ids, text, skipped], ...]: random ids, which form no text in general
"""
import json
import random
import sys
from pathlib import Path

import tokenizers
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from sample_texts import is_utf8, test_strings, training_text

HERE = Path(__file__).parent
# The published pre-tokenisation pattern of Llama 3.
LLAMA3_PATTERN = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
BYTE_PIECES = [f"<0x{byte:02X}>" for byte in range(256)]
FLAGGED = [
    AddedToken("[LEFT]", lstrip=True, normalized=False),
    AddedToken("[RIGHT]", rstrip=True, normalized=False),
    AddedToken("[BOTH]", lstrip=True, rstrip=True, normalized=False, special=True),
    AddedToken("[WORD]", single_word=True, normalized=False),
    AddedToken("Zebra word", single_word=True, normalized=True),
    AddedToken("[NORM SPACE]", normalized=True),
    AddedToken("[NORM]", normalized=True, special=True),
    AddedToken("aé", normalized=True, rstrip=True),
    AddedToken("@@", normalized=True, lstrip=True, single_word=True),
]


def byte_level(model_options, pre_tokenizer, vocabulary, alphabet=None):
    tokenizer = Tokenizer(models.BPE(**model_options))
    tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet() if alphabet is None else alphabet
    special = [model_options["unk_token"]] if "unk_token" in model_options else []
    trainer = trainers.BpeTrainer(vocab_size=vocabulary, initial_alphabet=alphabet, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator(training_text(), trainer)
    return tokenizer


def llama3():
    split = pre_tokenizers.Split(Regex(LLAMA3_PATTERN), "isolated")
    tokenizer = byte_level({"ignore_merges": True}, pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]), 1500)
    names = ["<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>", "<|start_header_id|>", "<|end_header_id|>"] + [f"<|reserved_{i}|>" for i in range(20)]
    tokenizer.add_special_tokens([AddedToken(name, normalized=False, special=True) for name in names])
    bos = tokenizer.token_to_id(names[0])
    template = processors.TemplateProcessing(single=f"{names[0]} $A", special_tokens=[(names[0], bos)])
    tokenizer.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), template])
    document = json.loads(tokenizer.to_str())
    # A piece that no merge makes: only ignore_merges finds it.
    document["model"]["merges"] = [merge for merge in document["model"]["merges"] if "".join(merge) not in ("Ġwithout", "Ġbetween", "1234")]
    return document


def gpt2():
    tokenizer = byte_level({}, pre_tokenizers.ByteLevel(add_prefix_space=True), 1100)
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=True)
    tokenizer.add_tokens(FLAGGED)
    document = json.loads(tokenizer.to_str())
    document["model"]["merges"] = [" ".join(merge) for merge in document["model"]["merges"]]  # the older way of writing them
    return document


def without(document, unwanted):
    """Takes pieces out and numbers the rest again: `tokenizers` numbers added tokens itself and expects no holes."""
    model = document["model"]
    pieces = [piece for piece, _ in sorted(model["vocab"].items(), key=lambda entry: entry[1]) if not unwanted(piece)]
    vocabulary = model["vocab"] = {piece: i for i, piece in enumerate(pieces)}
    model["merges"] = [merge for merge in model["merges"] if all(piece in vocabulary for piece in (*merge, "".join(merge)))]
    following = len(vocabulary)
    for token in document["added_tokens"]:
        token["id"] = vocabulary.get(token["content"], following)
        following += token["id"] == following
    return document


def digits():
    """Byte level with an unknown token, an alphabet with holes, splits of several behaviours and a normaliser."""
    steps = [
        pre_tokenizers.Split("--", "removed"),
        pre_tokenizers.Split(Regex(r"[.!?]+"), "merged_with_previous"),
        pre_tokenizers.Split(Regex(r"\s"), "merged_with_next"),
        pre_tokenizers.Split(Regex(r"\w+"), "contiguous", invert=True),
        pre_tokenizers.Digits(individual_digits=True),
        pre_tokenizers.ByteLevel(add_prefix_space=True, use_regex=False),
    ]
    alphabet = [c for c in pre_tokenizers.ByteLevel.alphabet() if c not in "Ã©ð~^"]
    tokenizer = byte_level({"unk_token": "<unk>", "fuse_unk": True}, pre_tokenizers.Sequence(steps), 700, alphabet)
    tokenizer.normalizer = normalizers.Sequence([normalizers.Strip(), normalizers.Replace(Regex(r"a+b"), "AB"), normalizers.Replace("C++", "see")])
    tokenizer.add_tokens(FLAGGED)
    document = json.loads(tokenizer.to_str())
    return without(document, lambda piece: any(c in piece for c in "Ã©ð~^"))


def sentencepiece(model_options, normalizer, pre_tokenizer, vocabulary, byte_pieces=True):
    """SentencePiece-style BPE: words are learnt with their leading mark, bytes stand for what is not in the vocabulary."""
    tokenizer = Tokenizer(models.BPE(**model_options))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    special = ["<unk>", "<s>", "</s>"] + (BYTE_PIECES if byte_pieces else [])
    trainer = trainers.BpeTrainer(vocab_size=vocabulary, special_tokens=special, limit_alphabet=300, show_progress=False)
    tokenizer.train_from_iterator(training_text(seed=3), trainer)
    document = json.loads(tokenizer.to_str())
    document["added_tokens"] = []
    tokenizer = Tokenizer.from_str(json.dumps(document))
    if normalizer:
        tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    tokenizer.add_special_tokens([AddedToken(name, normalized=False, special=True) for name in special[:3]])
    document = json.loads(tokenizer.to_str())
    if pre_tokenizer is None:
        document["pre_tokenizer"] = None
    return Tokenizer.from_str(json.dumps(document))


def llama2():
    normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer = sentencepiece({"byte_fallback": True, "fuse_unk": True, "unk_token": "<unk>"}, normalizer, None, 1400)
    tokenizer.add_tokens(FLAGGED)
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    return json.loads(tokenizer.to_str())


def mistral():
    """The newer way of the same: Metaspace at the very start of the text and no normaliser; also sets an end token."""
    pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    tokenizer = sentencepiece({"byte_fallback": True, "fuse_unk": True, "unk_token": "<unk>"}, None, pre_tokenizer, 1200)
    tokenizer.add_tokens(FLAGGED)
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=[("<s>", 1), ("</s>", 2)])
    return json.loads(tokenizer.to_str())


def metaspace():
    """Words split at the mark, unknown characters as one unknown token each, the Metaspace decoder."""
    pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Metaspace(prepend_scheme="always", split=True), pre_tokenizers.Digits(individual_digits=False)])
    tokenizer = sentencepiece({"fuse_unk": False, "unk_token": "<unk>"}, None, pre_tokenizer, 800, byte_pieces=False)
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="always")
    tokenizer.add_tokens(FLAGGED[:4])
    return json.loads(tokenizer.to_str())


def unknown():
    """Unknown characters fused, some bytes without a piece, others dropped to them; no decoder: pieces joined by blanks."""
    normalizer = normalizers.Replace(" ", "▁")
    tokenizer = sentencepiece({"byte_fallback": True, "fuse_unk": True, "unk_token": "<unk>"}, normalizer, None, 900)
    document = json.loads(tokenizer.to_str())
    document["decoder"] = None
    return without(document, lambda piece: piece in ("<0x9F>", "<0xB8>", "<0x00>", "<0xD7>"))


def dropped():
    """No unknown token and no bytes: what is not in the vocabulary disappears."""
    tokenizer = sentencepiece({"unk_token": "<unk>"}, None, pre_tokenizers.Metaspace(prepend_scheme="never", split=False), 500, byte_pieces=False)
    document = json.loads(tokenizer.to_str())
    document["model"]["unk_token"] = None
    return document


def record(tokenizer, strings, seed):
    golden = {"ids": [], "text": [], "skipped": [], "sequences": []}
    empty = tokenizer.encode("").ids
    with_special = tokenizer.encode("the").ids
    inner = tokenizer.encode("the", add_special_tokens=False).ids
    at = next(i for i in range(len(with_special) + 1) if with_special[i : i + len(inner)] == inner)
    golden["before"], golden["after"] = with_special[:at], with_special[at + len(inner) :]
    assert empty == golden["before"] + golden["after"]
    for item in strings:
        text = item if isinstance(item, str) else item.decode("utf-8", errors="replace")
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        assert tokenizer.encode(text).ids == golden["before"] + ids + golden["after"]
        decoded = tokenizer.decode(ids, skip_special_tokens=False)
        skipped = tokenizer.decode(ids, skip_special_tokens=True)
        golden["ids"].append(ids)
        golden["text"].append(None if decoded == text else decoded)
        golden["skipped"].append(None if skipped == decoded else skipped)
    pick = random.Random(seed)
    vocabulary = sorted(tokenizer.get_vocab(with_added_tokens=True).values())
    bytes_and_special = [i for i in vocabulary if tokenizer.id_to_token(i).startswith("<") or i >= vocabulary[-12]]
    for number in range(260):
        pool = vocabulary if number % 2 else bytes_and_special or vocabulary
        ids = [pick.choice(pool if pick.random() < 0.8 else vocabulary) for _ in range(pick.randint(0, 9))]
        golden["sequences"].append([ids, tokenizer.decode(ids, skip_special_tokens=False), tokenizer.decode(ids, skip_special_tokens=True)])
    return golden


def write(path, document):
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")


def main():
    strings = test_strings()
    assert all(isinstance(s, str) or not is_utf8(s) for s in strings)
    write(HERE / "strings.json", [s if isinstance(s, str) else {"hex": s.hex(), "text": s.decode("utf-8", errors="replace")} for s in strings])
    kinds = {kind.__name__: kind() for kind in (llama3, gpt2, digits, llama2, mistral, metaspace, unknown, dropped)}
    for name, document in kinds.items():
        write(HERE / name / "tokenizer.json", document)
    bundled = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "../../../resources/models/tiny-llama"
    files = {name: HERE / name / "tokenizer.json" for name in kinds} | {"bundled": bundled / "tokenizer.json"}
    for seed, (name, path) in enumerate(files.items()):
        tokenizer = Tokenizer.from_file(str(path))
        used = strings if name in ("llama3", "llama2", "mistral", "gpt2", "bundled") else strings[:1500]
        write(HERE / f"{name}.json", record(tokenizer, used, seed) | {"made_with": f"tokenizers {tokenizers.__version__}"})
    print(f"{len(strings)} strings, {len(files)} tokenizers")


if __name__ == "__main__":
    main()
