#!/usr/bin/env python3
"""Records what AutoTokenizer of Transformers 5.24 makes of a folder whose tokenizer_config.json says LlamaTokenizer.

Run by hand: python make_llama_class_goldens.py   (transformers 5.24, no network)
Writes llama-class.json: for each tokenizer_config.json beside llama2/tokenizer.json (and the model_type of a config.json) the ids of texts
with and without special tokens, and what decoding them gives.
"""
import json
import shutil
import tempfile
from pathlib import Path

from transformers import AutoTokenizer

HERE = Path(__file__).resolve().parent
BASE = dict(tokenizer_class="LlamaTokenizer", bos_token="<s>", eos_token="</s>", unk_token="<unk>")
VARIANTS = [(BASE, None), (dict(BASE, legacy=True), "llama"), (dict(BASE, legacy=False, tokenizer_class="LlamaTokenizerFast"), "llama"),
            (dict(BASE, add_prefix_space=False), "llama"), (BASE, "mistral"), (BASE, "mixtral"), (dict(BASE, tokenizer_class="PreTrainedTokenizerFast"), "llama")]


def texts():
    some = [text for text in json.loads((HERE / "strings.json").read_text()) if isinstance(text, str)][::40]
    turns = ["<s>user", "<s> user Hello</s>\nworld  x", "a</s>b</s> c", "</s>", " leading", "\u2581marked", "x<unk>y", "<s>[INST] Hi [/INST]</s>"]
    return some + turns + [f"{text}</s>{text}" for text in some[::4]]


def main():
    variants = []
    for config, model in VARIANTS:
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(HERE / "llama2" / "tokenizer.json", folder)
            (Path(folder) / "tokenizer_config.json").write_text(json.dumps(config))
            if model:
                (Path(folder) / "config.json").write_text(json.dumps(dict(model_type=model)))
            tokenizer = AutoTokenizer.from_pretrained(folder)
            ids = [tokenizer(text).input_ids for text in texts()]
            variants.append(dict(config=config, model=model, ids=ids, text=[tokenizer.decode(one, clean_up_tokenization_spaces=False) for one in ids]))
    (HERE / "llama-class.json").write_text(json.dumps(dict(texts=texts(), variants=variants), separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
