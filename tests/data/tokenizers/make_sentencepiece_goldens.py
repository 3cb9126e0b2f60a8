#!/usr/bin/env python3
"""Trains small SentencePiece models and records what the `sentencepiece` package makes of the strings of strings.json.

Run by hand: python make_sentencepiece_goldens.py   (sentencepiece 0.2, no network)
Writes per kind sentencepiece/<kind>/tokenizer.model, tokenizer_config.json where the kind has one, and sentencepiece/<kind>.json:
  step      every step-th string; those that hold a special token's text are left out: SentencePiece does not look for them
  indices   of the strings; ids, text: what SentencePiece encodes and decodes (null: the string itself)
"""
import io
import json
import sys
from pathlib import Path

import sentencepiece

from sample_texts import training_text

HERE = Path(__file__).resolve().parent
OUT = HERE / "sentencepiece"
# Replacements of characters: a wide letter, a ligature, a no-break space, an accent that joins, one that goes.
RULES = "".join(f"{' '.join(f'{ord(c):X}' for c in source)}\t{' '.join(f'{ord(c):X}' for c in target)}\n" for source, target in [
    ("\uff21", "A"), ("\ufb01", "fi"), ("\u00a0", " "), ("e\u0301", "\u00e9"), ("\u200b", ""), ("\u3000", "  "), ("\u2026", "..."), ("\t", " "), ("A\u030a", "\u00c5")])
KINDS = {
    "bpe": (dict(model_type="bpe", byte_fallback=True, normalization_rule_name="identity", remove_extra_whitespaces=False, vocab_size=900), 2),
    "bpe-rules": (dict(model_type="bpe", vocab_size=700, user_defined_symbols=["[user]", "[user]s", "\u00df\u00df"]), 4),
    "unigram": (dict(model_type="unigram", vocab_size=500, user_defined_symbols=["[user]"]), 4),
    "unigram-bytes": (dict(model_type="unigram", byte_fallback=True, normalization_rule_name="identity", remove_extra_whitespaces=False,
                           add_dummy_prefix=False, vocab_size=800), 4),
}


def train(name, options):
    rules = OUT / "rules.tsv"
    if "normalization_rule_name" not in options:
        rules.write_text(RULES)
        options = dict(options, normalization_rule_tsv=str(rules))
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(training_text()), model_writer=model, minloglevel=2, num_threads=1,
                                             character_coverage=0.9995, hard_vocab_limit=False, **options)
    rules.unlink(missing_ok=True)
    (OUT / name).mkdir(parents=True, exist_ok=True)
    (OUT / name / "tokenizer.model").write_bytes(model.getvalue())
    return sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())


def main():
    OUT.mkdir(exist_ok=True)
    strings = json.loads((HERE / "strings.json").read_text())
    extra = ["[user]", " [user] [user]s", "a[user]b  [user]\u3000 x ", "\uff21\ufb01\u00a0 e\u0301 A\u030a\u2026\u200b", "\u200b", " \u3000 ", "stra\u00df\u00dfe"]
    for name, (options, step) in KINDS.items():
        model = train(name, options)
        golden = dict(step=step, extra=extra, indices=[], ids=[], text=[])
        for index in [i for i in range(0, len(strings), step)] + [-1 - i for i in range(len(extra))]:
            text = strings[index] if index >= 0 else extra[-1 - index]
            if not isinstance(text, str) or any(token in text for token in ("<s>", "</s>", "<unk>", "\0")):
                continue
            ids = model.encode(text)
            decoded = model.decode(ids)
            golden["indices"].append(index)
            golden["ids"].append(ids)
            golden["text"].append(None if decoded == text else decoded)
        (OUT / f"{name}.json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")
        print(name, len(golden["ids"]), (OUT / name / "tokenizer.model").stat().st_size)


if __name__ == "__main__":
    sys.path.insert(0, str(HERE))
    main()
