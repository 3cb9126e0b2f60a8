#!/usr/bin/env bash
# seeds.sh PROGRAMMES TARGET FOLDER: copies the repository's own inputs of a fuzz target, the small inputs of its corpus
# (keep.sh) and what was once found for it to FOLDER. PROGRAMMES: the folder of trace_seed.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
programmes="$1" target="$2" folder="$3" data=tests/data
mkdir -p "$folder"

case "$target" in
  config) for file in "$data"/models/*/config.json; do cp "$file" "$folder/$(basename "$(dirname "$file")")"; done ;;
  gguf) cp "$data"/gguf/*.gguf "$folder" ;;
  index) cp "$data/models/sharded/model.safetensors.index.json" "$folder/sharded" ;;
  json) cp "$data"/models/llama2-gqa/*.json "$data/gguf/blocks.json" "$folder" ;;
  lines)
    printf '1 2 3, [4]\n' >"$folder/ids"; head -c 3000 resources/samples/kellynch.txt >"$folder/text"
    printf '{"context": "A. B.", "question": "Who?", "answers": ["A", "B"], "set": "s"}\n{"context": "A. B.", "set": "s", "questions": [{"question": "Two?", "answer": "B", "metric": "rouge_l"}]}\n' >"$folder/rows"
    printf '{"data": [{"title": "t", "paragraphs": [{"context": "A. B.", "qas": [{"question": "Who?", "is_impossible": false, "answers": [{"text": "A", "answer_start": 0}]}]}]}]}' >"$folder/squad"
    printf '[{"question": "Who?", "answer": "A", "context": [["t", ["A.", "B."]]], "supporting_facts": [["t", 0]]}]' >"$folder/hotpot" ;;
  method) printf 'snapkv:kernel=7,pooling=avg' >"$folder/parameters"; printf 'window_sum * value_norm / (1 + 0.01*age)' >"$folder/expression"; printf '{"0-0": [0.5, 1], "0-1": 0.25}' >"$folder/heads" ;;
  notes)
    printf '{"layer": 3, "heads": "group-max", "head": 1, "reduction": "mean", "cursor": [9, 4], "keys": [2, 8], "focus": 1, "compare": null, "step": 2, "hidden": [2, 3], "view": {"mode": "split", "window": [0, 10, 0.5, 10]}}' >"$folder/state"
    printf '{"format": "kvatlas-notes", "bookmarks": [{"name": "a", "note": "n", "state": {"layer": 1}}], "last": {"heads": "max"}, "spans": [{"name": "s", "begin": 1, "end": 4}], "answer": "Marlow"}' >"$folder/notes" ;;
  predictions) printf '{"pred": "a b", "answers": ["a"], "dataset": "qasper", "all_classes": ["x"]}\n{"pred": "7", "outputs": "7", "metric": "rouge"}\n' >"$folder/lines" ;;
  results)
    for run in "$data/needle/old_run" "$data/evaluation/questions_run"; do
      { cat "$run/settings.json"; printf '\0'; cat "$run/results.jsonl"; } >"$folder/$(basename "$run")"
    done ;;
  safetensors) head -c 4096 "$data/models/llama2-gqa/model.safetensors" >"$folder/cut"; cp "$data/models/llama2-gqa/model.safetensors" "$folder/whole" ;;
  template) python3 - "$data/chat/templates.json" "$folder" <<'PY'
import json, pathlib, sys
def texts(value):
  if isinstance(value, str) and "{" in value: yield value
  elif isinstance(value, list): yield from (t for v in value for t in texts(v))
  elif isinstance(value, dict): yield from (t for v in value.values() for t in texts(v))
for i, text in enumerate(sorted(set(texts(json.load(open(sys.argv[1])))))): pathlib.Path(sys.argv[2], str(i)).write_text(text)
PY
    ;;
  tokenizer) for file in "$data"/tokenizers/*/tokenizer.json; do cp "$file" "$folder/$(basename "$(dirname "$file")")"; done ;;
  tokenizer_config) cp resources/models/tiny-llama/tokenizer_config.json "$folder/tiny" ;;
  trace) "$programmes/trace_seed" "$folder" ;;
esac
for kept in "tests/fuzz/corpus/$target.tar.gz" "tests/fuzz/found/$target.tar.gz"; do
  if [ -e "$kept" ]; then tar -C "$folder" -xzf "$kept"; fi
done
