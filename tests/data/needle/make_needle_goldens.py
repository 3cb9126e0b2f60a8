"""Greedy answers of Hugging Face transformers to the prompts of a small needle run, for tests/app/evaluate_test.cpp.

python3 make_needle_goldens.py ../../../build/bin/kvatlas ../../../resources/models/tiny-llama      (needs torch, transformers, h5py)

The prompts are KVAtlas's own, taken as token ids from captures of each case; the answers are not.
"""
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import h5py
import torch
from transformers import AutoModelForCausalLM

ARGUMENTS = ["--lengths", "120,400,900", "--depths", "0,50,100", "--kind", "number,words,distractor", "--split", "training",
             "--seed", "7", "--max-new-tokens", "24", "--method", "full"]

kvatlas, model = sys.argv[1:3]
torch.set_num_threads(2)
reference = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32).eval()
cases = {}
with tempfile.TemporaryDirectory() as scratch:
    results = Path(scratch) / "results"
    subprocess.run([kvatlas, "evaluate", "needle", "--model", model, *ARGUMENTS, "-q", "-o", results], check=True)
    records = [json.loads(line) for line in (results / "results.jsonl").read_text().splitlines()]
    for record in records:
        trace = Path(scratch) / "case.kva.h5"
        subprocess.run([kvatlas, "capture", "--from", results, "--case", record["case_id"], "--map-size", "0", "--layers", "0", "-q", "--force",
                        "-o", trace], check=True)
        with h5py.File(trace) as file:
            ids = file["prompt/ids"][:].tolist()
        with torch.no_grad():
            answer = reference.generate(torch.tensor([ids]), attention_mask=torch.ones(1, len(ids), dtype=torch.long), max_new_tokens=24, do_sample=False, pad_token_id=0)[0, len(ids):]
            logits = reference(torch.cat([torch.tensor(ids), answer]).unsqueeze(0)).logits[0, len(ids) - 1:-1]
        best = logits.topk(2).values
        # Where two tokens are nearly as likely, rounding may choose; such a prompt proves nothing.
        if (best[:, 0] - best[:, 1]).min() < 1e-3:
            continue
        cases[record["case_id"]] = dict(prompt_sha256=record["prompt_sha256"], ids=answer.tolist())
assert len(cases) >= 20, len(cases)
json.dump(dict(arguments=ARGUMENTS, cases=cases), open(Path(__file__).parent / "answers.json", "w"), indent=0)
