#!/bin/sh
# Runs a CUDA compilation, saves the ptxas report as <object>.ptxas and prints all other output.
object=""; previous=""
for word in "$@"; do
  [ "$previous" = -o ] && object="$word"
  previous="$word"
done
[ -n "$object" ] || exec "$@"
report="$object.ptxas"
"$@" 2>"$report"
status=$?
if [ "$status" -ne 0 ]; then cat "$report" >&2; else grep -v -e '^ptxas info' -e 'bytes stack frame' -e '^$' "$report" >&2; fi
exit "$status"
