#!/usr/bin/env bash
# The demo on a real model, SmolLM2-135M-Instruct: a document with planted facts, five methods, three budgets; prints a
# table, writes a trace and five figures. Usage: demo_smollm2.sh KVATLAS MODEL [OUTPUT_FOLDER]
set -euo pipefail
kvatlas="$(readlink -f "$1")"
model="$(readlink -f "$2")"
resources="$(dirname "$(readlink -f "$0")")"
out="${3:-demo-output}"
mkdir -p "$out"
trace="$out/smollm2.kva.h5"

"$kvatlas" capture --model "$model" --prompt "$resources/samples/harbour.txt" --chat auto \
  --method streamingllm --method h2o --method snapkv --method pyramidkv \
  --budget 64 --budget 128 --budget 256 --max-new-tokens 24 \
  --span "needle=The captain of the ferry is called Ingrid Vale." --span "question=What is the captain of the ferry called?" \
  --answer "Ingrid Vale" --force -o "$trace"

figure() { local kind="$1" name="$2"; shift 2; for format in pdf svg png; do "$kvatlas" figure "$kind" "$trace" -o "$out/$name.$format" "$@"; done; }
figure pattern smollm2-pattern --width double
figure heatmap smollm2-heatmap --width double --layer 23 --head 2 --entropy
figure budget smollm2-budget
figure eviction smollm2-eviction --width double
figure retained smollm2-retained --width double

printf '\nTrace:   %s  (kvatlas explore, info, validate, export)\nFigures: %s/smollm2-{pattern,heatmap,budget,eviction,retained}.{pdf,svg,png}\n' "$trace" "$out"
