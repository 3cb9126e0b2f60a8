#!/usr/bin/env bash
# replay.sh PROGRAMMES TARGET COUNT: runs PROGRAMMES/TARGET_replay on the repository's inputs and COUNT changes of them.
set -euo pipefail
programmes="$1" target="$2" count="$3"
seeds=$(mktemp -d)
trap 'rm -rf "$seeds"' EXIT
"$(dirname "$(readlink -f "$0")")/seeds.sh" "$programmes" "$target" "$seeds"
"$programmes/${target}_replay" "$seeds" "$count" "$programmes/found-$target"
