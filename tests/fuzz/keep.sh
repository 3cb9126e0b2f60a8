#!/usr/bin/env bash
# keep.sh BUILD: packs the small inputs of each target's corpus that cover the most, for tests/fuzz/seeds.sh, into
# tests/fuzz/corpus/TARGET.tar.gz. The same corpus gives the same bytes.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
programmes="$PWD/$1/fuzz" most_bytes=1500 most_files=150

export ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1
mkdir -p tests/fuzz/corpus
for programme in "$programmes"/*_fuzz; do
  target=$(basename "$programme" _fuzz) merged=$(mktemp -d) packed=$(mktemp -d)
  KVATLAS_FUZZ_FOLDER=$(mktemp -d /dev/shm/kvatlas-fuzz-XXXXXX); export KVATLAS_FUZZ_FOLDER
  find "$programmes/corpus/$target" -type f -size "+${most_bytes}c" -prune -o -type f -exec cp -t "$packed" {} +
  "$programme" -merge=1 -timeout=20 "$merged" "$packed" >/dev/null 2>&1 || true
  rm -rf "$packed"/*
  # Evenly over the sizes.
  find "$merged" -type f -printf '%s %p\n' | sort -n | cut -d' ' -f2- |
    awk -v most="$most_files" '{ line[NR] = $0 } END { for (i = 1; i <= NR; ++i) if (int(i * most / NR) > int((i - 1) * most / NR) || NR <= most) print line[i] }' |
    xargs -r cp -t "$packed"
  if [ -n "$(ls "$packed")" ]; then
    tar -C "$packed" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -cf - . | gzip -9n >"tests/fuzz/corpus/$target.tar.gz"
  fi
  echo "$target: $(ls "$packed" | wc -l) inputs, $(stat -c %s "tests/fuzz/corpus/$target.tar.gz" 2>/dev/null || echo 0) bytes"
  rm -rf "$merged" "$packed" "$KVATLAS_FUZZ_FOLDER"
done
