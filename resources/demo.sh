#!/usr/bin/env bash
# The demo: one document, five methods, three budgets; prints a table, writes a trace and five figures. Usage: demo.sh
# KVATLAS [OUTPUT_FOLDER]
set -euo pipefail
kvatlas="$(readlink -f "$1")"
resources="$(dirname "$(readlink -f "$0")")"
out="${2:-demo-output}"
mkdir -p "$out"
trace="$out/kellynch.kva.h5"

"$kvatlas" capture --model "$resources/models/tiny-llama" --prompt "$resources/samples/kellynch.txt" \
  --method streamingllm --method h2o --method snapkv --method pyramidkv \
  --budget 24 --budget 64 --budget 192 --max-new-tokens 8 \
  --span "needle=The secret number of Marlow is 48213." --span "question=Question: The secret number of Marlow is" \
  --answer 48213 --force -o "$trace"

figure() { local kind="$1" name="$2"; shift 2; for format in pdf svg png; do "$kvatlas" figure "$kind" "$trace" -o "$out/$name.$format" "$@"; done; }
figure pattern pattern --width double
figure heatmap heatmap --width double --layer 3 --head 1 --entropy
figure budget budget
figure eviction eviction --width double
figure retained retained --width double

printf '\nTrace:   %s  (kvatlas explore, info, validate, export)\nFigures: %s/{pattern,heatmap,budget,eviction,retained}.{pdf,svg,png}\n' "$trace" "$out"
