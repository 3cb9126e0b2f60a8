#!/usr/bin/env bash
# Creates the Explorer's bundled example trace: make.sh KVATLAS. Needs h5repack (Debian: hdf5-tools), which only makes
# the file smaller; the Explorer reads it either way.
set -euo pipefail
kvatlas="$(readlink -f "$1")"
cd "$(dirname "$(readlink -f "$0")")"
"$kvatlas" capture --quiet --force --model ../models/tiny-llama --prompt marlow.txt \
  --method streamingllm --method h2o --method snapkv --method pyramidkv --budget 24 --budget 96 --max-new-tokens 8 \
  --span "needle=The secret number of Marlow is 48213." --span "question=Question: The secret number of Marlow is" \
  --map-size 128 --keep-qk -o marlow.kva.h5
h5repack -j 2 -k 2 -f SHUF -f GZIP=9 marlow.kva.h5 marlow.small.h5
mv marlow.small.h5 marlow.kva.h5
"$kvatlas" validate marlow.kva.h5
