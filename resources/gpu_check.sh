#!/usr/bin/env bash
# The whole check of a CUDA device, by ./dev gpu-test: tests, sanitizers, numbers. Arguments: build folder, then options of
# `kvatlas bench gpu`.
set -euo pipefail
build=$1; shift
export KVATLAS_EXPECT_GPU=1  # here a device that cannot be had fails the tests

say() { printf '\033[1m== %s\033[0m\n' "$*" >&2; }

say "registers and spills of every kernel"
"$build/tests/cuda_compiler_report_test" --gtest_brief=1

say "kernels against double precision, sessions against Transformers, the CPU and themselves"
for test in cuda_kernels_test gpu_test; do
  "$build/tests/$test" --gtest_brief=1 | tee "$build/$test.log"
  if grep -q SKIPPED "$build/$test.log"; then say "$test: some tests were skipped (see above)"; fi
done

sanitizer=$(command -v compute-sanitizer || echo /usr/local/cuda/bin/compute-sanitizer)
if [ ! -x "$sanitizer" ]; then
  echo "gpu_check: error: no compute-sanitizer: install the CUDA Toolkit's (package cuda-sanitizer)" >&2
  exit 1
fi
# One of each kernel; the sanitizers are a hundred times slower.
some='CudaKernels.*:*matchesReferenceAtEveryLength*:*reportsTheFirstNonFinite*'
for tool in memcheck racecheck synccheck; do
  say "compute-sanitizer $tool"
  "$sanitizer" --tool "$tool" --error-exitcode 9 --print-limit 5 "$build/tests/cuda_kernels_test" --gtest_brief=1 --gtest_filter="$some"
done

say "numbers"
nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.max.sm --format=csv,noheader >&2
exec "$build/bin/kvatlas" bench gpu "$@"
