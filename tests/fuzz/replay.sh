#!/usr/bin/env bash
# replay.sh PROGRAMMES TARGET COUNT: runs PROGRAMMES/TARGET_replay on the repository's inputs and COUNT changes of them.
set -euo pipefail
programmes="$1" target="$2" count="$3"
seeds=$(mktemp -d)
trap 'rm -rf "$seeds"' EXIT
"$(dirname "$(readlink -f "$0")")/seeds.sh" "$programmes" "$target" "$seeds"
# As in the program, what looks into a trace ends at a read beyond an allocation; sanitizers see that by themselves.
guard="$programmes/../lib/libkvatlas_guard.so"
[ -e "$guard" ] || guard=
LD_PRELOAD="$guard" "$programmes/${target}_replay" "$seeds" "$count" "$programmes/found-$target"
