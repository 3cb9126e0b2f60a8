#!/usr/bin/env bash
# run.sh BUILD TARGET|all SECONDS: fuzzes from the repository's own inputs; each target gets SECONDS. What it finds is
# written to BUILD/fuzz/found/TARGET; add a small one to tests/fuzz/found/TARGET.tar.gz with its fix.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
programmes="$PWD/$1/fuzz" chosen="$2" seconds="$3"

export ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1
failed=()
for programme in "$programmes"/*_fuzz; do
  target=$(basename "$programme" _fuzz)
  [ "$chosen" = all ] || [ "$chosen" = "$target" ] || continue
  corpus="$programmes/corpus/$target" found="$programmes/found/$target" seeds=$(mktemp -d)
  KVATLAS_FUZZ_FOLDER=$(mktemp -d /dev/shm/kvatlas-fuzz-XXXXXX); export KVATLAS_FUZZ_FOLDER
  mkdir -p "$corpus" "$found"
  tests/fuzz/seeds.sh "$programmes" "$target" "$seeds"
  # HDF5 asks for the size that a block claims before it sees that the file is shorter; nothing touches that memory.
  # And many a look ends with a report that nobody reads.
  malloc_limit=() options="$ASAN_OPTIONS"
  [ "$target" != trace ] || { malloc_limit=(-malloc_limit_mb=1000000) options="$options:symbolize=0"; }
  echo "== fuzz $target, $seconds s"
  ASAN_OPTIONS="$options" "$programme" "$corpus" "$seeds" -artifact_prefix="$found/" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=3000 \
    "${malloc_limit[@]}" -max_len=200000 -print_final_stats=1 -verbosity=1 2>"$programmes/$target.log" >&2 || failed+=("$target")
  grep -E 'stat::number_of_executed_units|cov:' "$programmes/$target.log" | tail -2 || true
  rm -rf "$seeds" "$KVATLAS_FUZZ_FOLDER"
done
[ ${#failed[@]} -eq 0 ] || { tail -40 "$programmes/${failed[0]}.log"; echo "findings: ${failed[*]} (see $programmes/found)" >&2; exit 1; }
