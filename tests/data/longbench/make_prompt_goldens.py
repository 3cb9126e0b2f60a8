"""Writes goldens.json: the hashes of the prompts that LongBench's and KVCache-Factory's runners make of the rows here, with
the tokenizers of ../tokenizers. Without arguments it also makes the rows and templates (data/, config/), in LongBench's layout.

    python make_prompt_goldens.py                          # the rows of this folder
    python make_prompt_goldens.py LONGBENCH OUT.json       # real rows; then KVATLAS_LONGBENCH=LONGBENCH
                                                           # KVATLAS_LONGBENCH_GOLDENS=OUT.json benchmarks_test

Each protocol follows the steps of LongBench's pred.py and KVCache-Factory's run_longbench.py: fill the template in, wrap
(Llama 2), encode with special tokens, cut in the middle, wrap (Llama 3, not the few-shot and code sets), encode.
"""
import hashlib
import json
import pathlib
import random
import struct
import sys

from transformers import PreTrainedTokenizerFast

HERE = pathlib.Path(__file__).parent
FEW_SHOT = ["trec", "triviaqa", "samsum", "lsht", "lcc", "repobench-p"]
SETS = ["narrativeqa", "qasper", "multifieldqa_en", "multifieldqa_zh", "hotpotqa", "2wikimqa", "musique", "dureader", "gov_report",
        "qmsum", "multi_news", "vcsum", "trec", "triviaqa", "samsum", "lsht", "passage_count", "passage_retrieval_en",
        "passage_retrieval_zh", "lcc", "repobench-p"]
CLASSES = ["City", "Other city", "Time"]


def make_rows():
    draw = random.Random(3)
    english = (HERE.parents[2] / "resources/samples/persuasion.txt").read_text(encoding="utf-8")
    (HERE / "data").mkdir(exist_ok=True)
    (HERE / "config").mkdir(exist_ok=True)
    templates = {}
    for name in SETS:
        templates[name] = f"These are rows of {name}: {{{{ {{input}} }}}}\n\n{{context}}\n\nQuestion: {{input}} ({{length}} words)\nAnswer:"
        answer = {"passage_retrieval_en": "Paragraph 3", "passage_retrieval_zh": "段落3", "trec": "City", "lsht": "Time"}.get(name, "five ships")
        with open(HERE / "data" / (name + ".jsonl"), "w", encoding="utf-8") as out:
            for _ in range(2):
                at = draw.randrange(len(english) - 4000)
                context = english[at:at + draw.randrange(300, 1500)]
                if name in ("multifieldqa_zh", "dureader", "vcsum", "lsht", "passage_retrieval_zh"):
                    context = "".join(chr(draw.randrange(0x4E00, 0x9000)) if draw.random() < 0.9 else "。 \n，"[draw.randrange(4)] for _ in range(400))
                row = {"input": english[at + 1600:at + 1650], "context": context + " It isn 't , as one says , the end !", "answers": [answer],
                       "length": len(context.split()), "dataset": name, "language": "en", "all_classes": CLASSES if name in ("trec", "lsht") else None,
                       "_id": "x"}
                out.write(json.dumps(row, ensure_ascii=False) + "\n")
    json.dump(templates, open(HERE / "config/dataset2prompt.json", "w", encoding="utf-8"), ensure_ascii=False, indent=1)
    json.dump({name: 5 + len(name) for name in SETS}, open(HERE / "config/dataset2maxlen.json", "w"), indent=1)


def prompt_of(row, template, name, tokenizer, protocol, limit):
    prompt = template.format(**row)
    if protocol == "llama2": prompt = f"[INST] {prompt} [/INST]"
    ids = tokenizer(prompt, add_special_tokens=True).input_ids
    if len(ids) > limit:
        half = int(limit / 2)
        prompt = tokenizer.decode(ids[:half], skip_special_tokens=True) + tokenizer.decode(ids[-half:], skip_special_tokens=True)
    if protocol == "llama3" and name not in FEW_SHOT:
        prompt = f"<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\n{prompt}<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"
        return prompt, tokenizer(prompt, add_special_tokens=False).input_ids
    return prompt, tokenizer(prompt, add_special_tokens=True).input_ids


def main():
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    if folder == HERE: make_rows()
    templates = json.load(open(folder / "config/dataset2prompt.json", encoding="utf-8"))
    limits = [100, 333, 100000] if folder == HERE else [1001, 3950, 1000000]
    goldens = []
    for tokenizer_name, protocol, cleans in [("gpt2", "none", False), ("llama2", "llama2", False), ("llama3", "llama3", True), ("mistral", "none", False)]:
        # Transformers 5 refuses what the runners' Transformers 4.44 did with Llama 3's setting, unless told so.
        force = {"clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output": True} if cleans else {}
        tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(HERE.parent / "tokenizers" / tokenizer_name / "tokenizer.json"),
                                            clean_up_tokenization_spaces=cleans, **force)
        for limit in limits:
            for name in SETS:
                for number, line in enumerate(open(folder / "data" / (name + ".jsonl"), encoding="utf-8")):
                    text, ids = prompt_of(json.loads(line), templates[name], name, tokenizer, protocol, limit)
                    goldens.append({"tokenizer": tokenizer_name, "protocol": protocol, "cleans": cleans, "limit": limit, "case": f"{name}-{number}",
                                    "tokens": len(ids), "ids": hashlib.sha256(b"".join(struct.pack("<I", i) for i in ids)).hexdigest(),
                                    "text": hashlib.sha256(text.encode()).hexdigest()})
    out = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else HERE / "goldens.json"
    out.write_text("[\n" + ",\n".join(json.dumps(g) for g in goldens) + "\n]\n")


main()
