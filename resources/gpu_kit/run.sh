#!/usr/bin/env bash
# Checks KVAtlas on this machine's CUDA device, the most important first. Everything known so far is in
# report/report.txt at any moment. Usage: run.sh [--from N] [--only N] [--budget SECONDS] [--report FOLDER]
# `run.sh kvatlas …` runs the programme itself with this machine's libtorch.
set -uo pipefail
kit="$(dirname "$(readlink -f "$0")")"
first=1 only="" budget=840 out="$PWD/report"
run_programme=""
[ "${1:-}" != kvatlas ] || { run_programme=1; shift; }
while [ -z "$run_programme" ] && [ $# -gt 0 ]; do
  [ $# -ge 2 ] || { echo "run.sh: error: $1 needs a value" >&2; exit 2; }
  case "$1" in
    --from) first="$2" ;; --only) only="$2" ;; --budget) budget="$2" ;; --report) out="$2" ;;
    *) echo "usage: run.sh [--from N] [--only N] [--budget SECONDS] [--report FOLDER]" >&2; exit 2 ;;
  esac
  shift 2
done
for number in "$first" "${only:-1}" "$budget"; do
  [[ $number =~ ^[0-9]+$ ]] || { echo "run.sh: error: '$number' is no whole number" >&2; exit 2; }
done
report="$out/report.txt"
deadline=$((SECONDS + budget))
ok=0 failed=0 without=0
python="${KVATLAS_PYTHON:-python3}"
export KVATLAS_SOURCE="$kit/source" KVATLAS_DUMPS="$out/dumps" KVATLAS_EXPECT_GPU=1

line() { printf '%s\n' "$*" | tee -a "$report"; }
quote() { sed 's/^/  | /' | tee -a "$report"; }
tool() { command -v "$1" || { [ -x "/usr/local/cuda/bin/$1" ] && echo "/usr/local/cuda/bin/$1"; } || true; }

# --- this machine -----------------------------------------------------------------------------------------------------
device="$(nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader 2>/dev/null | head -1)"
[ -n "$device" ] || ! ls /dev/nvidia[0-9]* >/dev/null 2>&1 || device="a device without nvidia-smi"
libtorch="" libtorch_problem=""
find_libtorch() {
  local version=""
  if [ -n "${KVATLAS_LIBTORCH:-}" ]; then
    libtorch="$KVATLAS_LIBTORCH"
    version="$(sed -n "s/^__version__ = '\(.*\)'/\1/p" "$libtorch/version.py" 2>/dev/null)"
    [ -n "$version" ] || version="$(cat "$libtorch/build-version" 2>/dev/null || ls -d "$libtorch"/../torch-*.dist-info 2>/dev/null | sed 's/.*torch-\(.*\)\.dist-info/\1/')"
  else
    libtorch="$("$python" -c 'import importlib.util as u; print(u.find_spec("torch").submodule_search_locations[0])' 2>/dev/null)"
    version="$(sed -n "s/^__version__ = '\(.*\)'/\1/p" "$libtorch/version.py" 2>/dev/null)"
  fi
  if [ ! -e "$libtorch/lib/libtorch_cpu.so" ]; then
    libtorch_problem="no libtorch: set KVATLAS_LIBTORCH to the folder of torch 2.11 (it has lib/libtorch_cpu.so), or KVATLAS_PYTHON to a Python that has it"
    libtorch=""
  elif [[ $version != 2.11.* ]]; then
    libtorch_problem="libtorch 2.11 is needed; $libtorch is ${version:-of an unknown version}"
    libtorch=""
  fi
}
find_libtorch
[ -z "$libtorch" ] || export LD_LIBRARY_PATH="$libtorch/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
export LD_LIBRARY_PATH="${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$kit/lib/gomp"
system_cxx="$( (/sbin/ldconfig -p || ldconfig -p) 2>/dev/null | sed -n 's/.*libstdc++\.so\.6.* => //p' | head -1)"
if [ -z "$system_cxx" ] || ! grep -q GLIBCXX_3.4.30 "$system_cxx"; then
  export LD_LIBRARY_PATH="$kit/lib/fallback${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
fi

if [ -n "$run_programme" ]; then
  [ -z "$libtorch_problem" ] || echo "run.sh: $libtorch_problem" >&2
  exec "$kit/bin/kvatlas" "$@"
fi
mkdir -p "$out/dumps"

# --- one step ---------------------------------------------------------------------------------------------------------
# step NUMBER NAME LIMIT NEEDS… -- COMMAND…: a line when it starts, a line when it ends. NEEDS: device, libtorch.
# The command prints to the step's log; exit status 0 is ok, 77 not possible here (its last line says why).
step() {
  local number="$1" name="$2" limit="$3" need reason=""; shift 3
  local needs=()
  while [ "$1" != -- ]; do needs+=("$1"); shift; done
  shift
  if [ -n "$only" ]; then [ "$number" = "$only" ] || return 0; elif [ "$number" -lt "$first" ]; then return 0; fi
  for need in "${needs[@]:-}"; do
    [ "$need" = libtorch ] && [ -z "$libtorch$reason" ] && reason="$libtorch_problem"
    [ "$need" = device ] && [ -z "$device" ] && reason="no device"
  done
  local left=$((deadline - SECONDS)) log="$out/step-$number.txt" status begin=$SECONDS
  [ -n "$reason" ] || [ "$left" -ge 5 ] || reason="the budget of $budget s is spent"
  if [ -n "$reason" ]; then without=$((without + 1)); line "STEP $number $name: not run: $reason"; return 0; fi
  [ "$limit" -le "$left" ] || limit="$left"
  line "STEP $number $name: started, at most $limit s"
  export -f "$1"
  timeout --kill-after=5 "$limit" bash -o pipefail -c '"$@"' step "$@" 2>&1 | tee "$log" |
    grep --line-buffered -E '^(BENCH|EAGER|FACT) ' | tee -a "$report"  # at once: the run may be cut off
  status=${PIPESTATUS[0]}
  local counts; counts="$(counted "$log")"
  case "$status" in
    0) ok=$((ok + 1)); line "STEP $number $name: ok, $counts$((SECONDS - begin)) s" ;;
    77) without=$((without + 1)); line "STEP $number $name: not run: $(tail -1 "$log")" ;;
    124 | 137) failed=$((failed + 1)); line "STEP $number $name: cut off after $limit s, $counts"; failures "$log" ;;
    *) failed=$((failed + 1)); line "STEP $number $name: FAILED (exit status $status), $counts$((SECONDS - begin)) s"; failures "$log" ;;
  esac
}
counted() {
  grep -q '^\[ RUN  ' "$1" || return 0
  printf '%s passed, %s failed, %s skipped, ' "$(grep -c '^\[       OK ' "$1")" "$(grep -c '^\[  FAILED  \].*ms)' "$1")" "$(grep -c '^\[  SKIPPED \].*ms)' "$1")"
}
# What someone far away needs: which tests failed, each message once; else the end of the log.
failures() {
  if ! grep -q 'Failure$' "$1"; then tail -25 "$1" | quote; return; fi
  grep -E '^\[  FAILED  \].*ms\)' "$1" | awk '{print $4}' | head -40 | paste -sd' ' | sed 's/^/failed: /' | quote
  awk 'function show() { if (message != "" && !(message in seen)) { seen[message] = 1; printf "%s: %s", name, message } message = ""; lines = 0 }
    /^\[ RUN/ { show(); name = $4; next }
    /^\[/ { show(); next }
    /Failure$/ { show(); message = $0 "\n"; lines = 1; next }
    lines > 0 && lines < 16 { message = message $0 "\n"; ++lines }
    END { show() }' "$1" | head -120 | quote
}

# --- the steps --------------------------------------------------------------------------------------------------------
export kit out python libtorch libtorch_problem
machine() {
  echo "FACT kit: $(paste -sd' ' "$kit/VERSION")"
  echo "FACT device: $(nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.max.sm --format=csv,noheader 2>/dev/null | paste -sd';' || true)"
  echo "FACT system: $(. /etc/os-release && echo "$PRETTY_NAME"), $(ldd --version | head -1 | grep -o '[0-9.]*$'), $(nproc) processors, $(awk '/MemTotal/ {print int($2/1048576)}' /proc/meminfo) GiB"
  echo "FACT libtorch: ${libtorch:-$libtorch_problem}"
  local file missing=""
  for file in "$kit"/bin/kvatlas "$kit"/tests/cuda_kernels_test "$kit"/lib/libkvatlas_cuda.so ${libtorch:+"$kit"/tests/gpu_test "$kit"/lib/libkvatlas_capture.so}; do
    missing+="$(ldd "$file" 2>&1 | grep -E 'not found' | sed "s|^|$(basename "$file"): |")"
  done
  [ -z "$missing" ] || { echo "libraries are missing:"; echo "$missing"; return 1; }
  "$kit/bin/kvatlas" --version && "$kit/bin/kvatlas" bench codec --repeat 1 | tail -2 || return 1
  [ -z "$libtorch" ] || "$kit/bin/kvatlas" generate --model "$kit/share/kvatlas/models/tiny-llama" --text "The secret number of Marlow is" --device cpu --max-new-tokens 4 -q
}
kernels() { "$kit/tests/cuda_kernels_test"; }
selfchecks() {  # the tiny shape: self-checks run, warnings name what falls back
  "$kit/bin/kvatlas" bench gpu --shape tiny --lengths 512 --repeat 1 --max-new-tokens 2 --json | sed 's/^{/FACT self-check {/'
}
session() { "$kit/tests/gpu_test"; }
sanitizer() {
  local tool check some='CudaKernels.*:*matchesReferenceAtEveryLength*:*reportsTheFirstNonFinite*' few='CudaKernels.*:*matchesReferenceAtEveryLength*64'
  tool="$(command -v compute-sanitizer || ls /usr/local/cuda/bin/compute-sanitizer 2>/dev/null)" || { echo "no compute-sanitizer"; return 77; }
  "$tool" --tool memcheck --error-exitcode 9 --print-limit 5 "$kit/tests/cuda_kernels_test" --gtest_filter="$some" || return 9
  for check in racecheck synccheck; do
    "$tool" --tool "$check" --error-exitcode 9 --print-limit 5 "$kit/tests/cuda_kernels_test" --gtest_filter="$few" || return 9
  done
}
bench() { "$kit/bin/kvatlas" bench gpu --json --repeat 3 --lengths 2048,8192,32768,131072 | while IFS= read -r row; do echo "BENCH $row"; done; }
smollm2() {
  local model; model="$(ls "$kit"/model/*.gguf 2>/dev/null | head -1)"
  [ -n "$model" ] || { echo "no model was packed (./dev gpu-kit --model FILE)"; return 77; }
  for place in cuda cpu; do
    "$kit/bin/kvatlas" generate --model "$model" --prompt "$kit/source/resources/samples/harbour.txt" --chat auto --device "$place" --dtype f32 \
      --method snapkv --method pyramidkv --budget 128 --max-new-tokens 24 -q >"$out/smollm2-$place.txt" || return 1
  done
  cat "$out/smollm2-cuda.txt"
  cmp "$out/smollm2-cuda.txt" "$out/smollm2-cpu.txt"
}
nsight() {
  local ncu; ncu="$(command -v ncu || ls /usr/local/cuda/bin/ncu 2>/dev/null)" || { echo "no ncu (Nsight Compute)"; return 77; }
  "$ncu" --target-processes all --kernel-name 'regex:probe(Wgmma|Mma)' --launch-skip 2 --launch-count 1 --clock-control none \
    --section LaunchStats --section Occupancy --section SpeedOfLight --section WarpStateStats --section MemoryWorkloadAnalysis --page details \
    "$kit/bin/kvatlas" bench gpu --repeat 1 --layers 1 --max-new-tokens 2 --lengths 32768
}
eager() {
  "$python" -c 'import torch, transformers; assert torch.cuda.is_available()' 2>/dev/null || { echo "$python has no torch with CUDA and transformers"; return 77; }
  "$python" "$kit/source/tests/bench/hf_eager.py" --kvatlas "$kit/bin/kvatlas" --device cuda --lengths 2048,4096,8192 --repeat 2 | sed -u 's/^/EAGER /'
}

line "KVAtlas GPU kit, $(date -u +%FT%TZ), budget $budget s"
step 1 machine 60 -- machine
step 2 kernels 150 device -- kernels
step 3 self-checks 60 device libtorch -- selfchecks
step 4 session 120 device libtorch -- session
step 5 sanitizer 240 device -- sanitizer
step 6 bench 240 device libtorch -- bench
step 7 smollm2 90 device libtorch -- smollm2
step 8 nsight 90 device libtorch -- nsight
step 9 eager 180 device libtorch -- eager
line "END $ok ok, $failed failed, $without not run; report: $out"
[ "$failed" -eq 0 ]
