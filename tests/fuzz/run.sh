#!/usr/bin/env bash
# run.sh BUILD TARGET|all SECONDS: fuzzes from the repository's own inputs; each target gets SECONDS. What it finds is
# written to BUILD/fuzz/found/TARGET; commit a small one to tests/fuzz/found/TARGET with its fix.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
programmes="$PWD/$1/fuzz" chosen="$2" seconds="$3" data=tests/data

seed() { # TARGET FOLDER
  case "$1" in
    config) local file; for file in "$data"/models/*/config.json; do cp "$file" "$2/$(basename "$(dirname "$file")")"; done ;;
    gguf) cp "$data"/gguf/*.gguf "$2" ;;
    index) cp "$data/models/sharded/model.safetensors.index.json" "$2/sharded" ;;
    json) cp "$data"/models/llama2-gqa/*.json "$data/gguf/blocks.json" "$2" ;;
    lines)
      printf '1 2 3, [4]\n' >"$2/ids"; head -c 3000 resources/samples/kellynch.txt >"$2/text"
      printf '{"context": "A. B.", "question": "Who?", "answers": ["A", "B"], "set": "s"}\n{"context": "A. B.", "set": "s", "questions": [{"question": "Two?", "answer": "B", "metric": "rouge_l"}]}\n' >"$2/rows"
      printf '{"data": [{"title": "t", "paragraphs": [{"context": "A. B.", "qas": [{"question": "Who?", "is_impossible": false, "answers": [{"text": "A", "answer_start": 0}]}]}]}]}' >"$2/squad"
      printf '[{"question": "Who?", "answer": "A", "context": [["t", ["A.", "B."]]], "supporting_facts": [["t", 0]]}]' >"$2/hotpot" ;;
    method) printf 'snapkv:kernel=7,pooling=avg' >"$2/parameters"; printf 'window_sum * value_norm / (1 + 0.01*age)' >"$2/expression"; printf '{"0-0": [0.5, 1], "0-1": 0.25}' >"$2/heads" ;;
    notes)
      printf '{"layer": 3, "heads": "group-max", "head": 1, "reduction": "mean", "cursor": [9, 4], "keys": [2, 8], "focus": 1, "compare": null, "step": 2, "hidden": [2, 3], "view": {"mode": "split", "window": [0, 10, 0.5, 10]}}' >"$2/state"
      printf '{"format": "kvatlas-notes", "bookmarks": [{"name": "a", "note": "n", "state": {"layer": 1}}], "last": {"heads": "max"}, "spans": [{"name": "s", "begin": 1, "end": 4}], "answer": "Marlow"}' >"$2/notes" ;;
    predictions) printf '{"pred": "a b", "answers": ["a"], "dataset": "qasper", "all_classes": ["x"]}\n{"pred": "7", "outputs": "7", "metric": "rouge"}\n' >"$2/lines" ;;
    results) { cat "$data/needle/old_run/settings.json"; printf '\0'; cat "$data/needle/old_run/results.jsonl"; } >"$2/old_run" ;;
    safetensors) head -c 4096 "$data/models/llama2-gqa/model.safetensors" >"$2/cut"; cp "$data/models/llama2-gqa/model.safetensors" "$2/whole" ;;
    template) python3 - "$data/chat/templates.json" "$2" <<'PY'
import json, pathlib, sys
def texts(value):
    if isinstance(value, str) and "{" in value: yield value
    elif isinstance(value, list): yield from (t for v in value for t in texts(v))
    elif isinstance(value, dict): yield from (t for v in value.values() for t in texts(v))
for i, text in enumerate(sorted(set(texts(json.load(open(sys.argv[1])))))): pathlib.Path(sys.argv[2], str(i)).write_text(text)
PY
      ;;
    tokenizer) local file; for file in "$data"/tokenizers/*/tokenizer.json; do cp "$file" "$2/$(basename "$(dirname "$file")")"; done ;;
    tokenizer_config) cp resources/models/tiny-llama/tokenizer_config.json "$2/tiny" ;;
    trace) "$programmes/trace_seed" "$2" ;;
  esac
}

export ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1
failed=()
for programme in "$programmes"/*_fuzz; do
  target=$(basename "$programme" _fuzz)
  [ "$chosen" = all ] || [ "$chosen" = "$target" ] || continue
  corpus="$programmes/corpus/$target" found="$programmes/found/$target" seeds=$(mktemp -d)
  mkdir -p "$corpus" "$found"
  seed "$target" "$seeds"
  [ -d "tests/fuzz/found/$target" ] && cp tests/fuzz/found/"$target"/* "$seeds"
  echo "== fuzz $target, $seconds s"
  "$programme" "$corpus" "$seeds" -artifact_prefix="$found/" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=3000 \
    -max_len=200000 -print_final_stats=1 -verbosity=1 2>"$programmes/$target.log" >&2 || failed+=("$target")
  grep -E 'stat::number_of_executed_units|cov:' "$programmes/$target.log" | tail -2 || true
  rm -rf "$seeds" /dev/shm/kvatlas-fuzz-*
done
[ ${#failed[@]} -eq 0 ] || { tail -40 "$programmes/${failed[0]}.log"; echo "findings: ${failed[*]} (see $programmes/found)" >&2; exit 1; }
