#!/usr/bin/env bash
# Checks a CUDA device for ./dev gpu-test: tests, sanitizers, benchmark. Arguments: build folder, then options of
# `kvatlas bench gpu`. With --profile [FOLDER] as the first option it only writes Nsight Compute's reports of the
# probe's kernels (default folder: <build>/profile).
set -euo pipefail
build=$1; shift
export KVATLAS_EXPECT_GPU=1  # a missing device fails the tests

say() { printf '\033[1m== %s\033[0m\n' "$*" >&2; }
die() { echo "gpu_check: error: $*" >&2; exit 1; }

# A tool on PATH or in the CUDA Toolkit; prints nothing when it is not installed.
tool() { command -v "$1" || { [ -x "/usr/local/cuda/bin/$1" ] && echo "/usr/local/cuda/bin/$1"; } || true; }

# One launch of the kernel within a session of one layer, after `skip` launches of the self-checks.
profile_kernel() {
  local name=$1 kernel=$2 skip=$3; shift 3
  say "Nsight Compute: $name"
  "$ncu" --target-processes all --kernel-name "regex:$kernel" --launch-skip "$skip" --launch-count 1 --clock-control none \
    --section LaunchStats --section Occupancy --section SpeedOfLight --section WarpStateStats --section MemoryWorkloadAnalysis \
    --page details --log-file "$folder/$name.txt" \
    "$build/bin/kvatlas" bench gpu --repeat 1 --layers 1 --max-new-tokens 2 "$@" >"$folder/$name.bench.md" ||
    die "Nsight Compute failed; $folder/$name.txt says why"
  grep -q "Speed Of Light" "$folder/$name.txt" ||
    die "Nsight Compute measured nothing; $folder/$name.txt says why (ERR_NVGPUCTRPERM: this machine denies users access to the counters)"
}

profile() {
  folder=$build/profile
  if [ $# -gt 0 ] && [[ $1 != --* ]]; then folder=$1; shift; fi
  ncu=$(tool ncu)
  [ -n "$ncu" ] || die "--profile needs Nsight Compute: no ncu on PATH or in /usr/local/cuda/bin (the CUDA Toolkit's package nsight-compute)"
  [ $# -gt 0 ] || set -- --lengths 32768
  mkdir -p "$folder"
  nvidia-smi --query-gpu=name,driver_version,clocks.max.sm --format=csv,noheader >"$folder/device.txt"
  profile_kernel probe 'probe(Wgmma|Mma)' 2 "$@"
  profile_kernel fold 'foldColumns' 2 "$@"
  profile_kernel decode 'decodeParts' 0 "$@"
  local nsys; nsys=$(tool nsys)
  if [ -n "$nsys" ]; then
    say "Nsight Systems: a session"
    "$nsys" profile --trace=cuda --force-overwrite=true --output "$folder/session" \
      "$build/bin/kvatlas" bench gpu --repeat 1 --layers 4 --max-new-tokens 2 "$@" >"$folder/session.bench.md"
    "$nsys" stats --force-export=true --report cuda_gpu_kern_sum --report cuda_gpu_mem_time_sum "$folder/session.nsys-rep" >"$folder/session.txt"
  else
    say "no nsys: skipping the session's timeline"
  fi
  say "reports: $folder"
}

if [ "${1:-}" = --profile ]; then shift; profile "$@"; exit 0; fi

say "registers and spills of every kernel"
"$build/tests/cuda_compiler_report_test" --gtest_brief=1

say "kernels against double precision, sessions against Transformers, the CPU and themselves"
for test in cuda_kernels_test gpu_test; do
  "$build/tests/$test" --gtest_brief=1 | tee "$build/$test.log"
  if grep -q SKIPPED "$build/$test.log"; then say "$test: some tests were skipped (see above)"; fi
done

sanitizer=$(tool compute-sanitizer)
[ -n "$sanitizer" ] || die "no compute-sanitizer: install it from the CUDA Toolkit (package cuda-sanitizer)"
# One of each kernel; the sanitizers are a hundred times slower.
some='CudaKernels.*:*matchesReferenceAtEveryLength*:*reportsTheFirstNonFinite*'
for check in memcheck racecheck synccheck; do
  say "compute-sanitizer $check"
  "$sanitizer" --tool "$check" --error-exitcode 9 --print-limit 5 "$build/tests/cuda_kernels_test" --gtest_brief=1 --gtest_filter="$some"
done

say "benchmark"
nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.max.sm --format=csv,noheader >&2
"$build/bin/kvatlas" bench gpu "$@"

python=${KVATLAS_PYTHON:-python3}
if "$python" -c 'import torch, transformers; assert torch.cuda.is_available()' 2>/dev/null; then
  say "Hugging Face eager attention on the same device"
  "$python" tests/bench/hf_eager.py --kvatlas "$build/bin/kvatlas" --device cuda --lengths 2048,4096,8192,32768 --repeat 3
else
  say "skipping Hugging Face eager: $python has no torch with CUDA and transformers (set KVATLAS_PYTHON to another)"
fi
