#!/usr/bin/env bash
# One shard of a `kvatlas evaluate` run per task of a Slurm array. A task that is killed or requeued resumes its shard.
#   sbatch --array=1-8 slurm_array.sh OUT longbench --model MODEL --data LONGBENCH …     (without --shard and -o)
# then, when all tasks have ended: kvatlas evaluate merge OUT/shard-* -o OUT/all
#SBATCH --job-name=kvatlas --requeue --open-mode=append --signal=B:INT@60
set -euo pipefail
[ $# -ge 2 ] || { echo "usage: sbatch --array=1-N $0 OUT needle|longbench|ruler|questions OPTION…" >&2; exit 2; }
: "${SLURM_ARRAY_TASK_ID:?run it with sbatch --array=1-N}" "${SLURM_ARRAY_TASK_COUNT:?}"
[ "${SLURM_ARRAY_TASK_MIN:-1}" = 1 ] || { echo "the array must begin at 1: --array=1-N" >&2; exit 2; }
out="$1"; shift
mkdir -p "$out"
exec "${KVATLAS:-kvatlas}" evaluate "$@" --shard "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT" -o "$out/shard-$SLURM_ARRAY_TASK_ID"
