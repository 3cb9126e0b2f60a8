#!/usr/bin/env bash
# Packs what checks a CUDA device on a machine without a compiler or Debian packages: programme, libraries, GPU tests,
# test checkpoints, one script. libtorch stays the machine's own. Usage: pack.sh BUILD FOLDER [--model FILE.gguf]
set -euo pipefail
build="$(readlink -f "$1")"
mkdir -p "$2"
out="$(readlink -f "$2")"
model=""
if [ "${3:-}" = --model ]; then model="$(readlink -f "${4:?gpu-kit: error: --model needs a file}")"; fi
here="$(dirname "$(readlink -f "$0")")"
source="$(readlink -f "$here/../..")"
die() { echo "gpu-kit: error: $*" >&2; exit 1; }
for file in bin/kvatlas lib/libkvatlas_capture.so lib/libkvatlas_cuda.so lib/libkvatlas_guard.so tests/cuda_kernels_test tests/gpu_test; do
  [ -e "$build/$file" ] || die "$build/$file: not built (needs nvcc and libtorch)"
done

kit="$out/kvatlas-gpu-kit"
rm -rf "$kit"
mkdir -p "$kit"/{bin,lib/fallback,lib/gomp,tests,share,source/tests/{data,bench},source/resources/{models,samples}}
cp "$here/run.sh" "$here/draw_table.py" "$kit/"
install -s "$build/bin/kvatlas" "$kit/bin/"
install -s "$build/tests/cuda_kernels_test" "$build/tests/gpu_test" "$kit/tests/"
install -s "$build/lib/libkvatlas_capture.so" "$build/lib/libkvatlas_cuda.so" "$build/lib/libkvatlas_guard.so" "$kit/lib/"
# Only the checkpoints that gpu_test reads; the source's layout, so that tests find them.
cp -r "$source/resources/models/tiny-llama" "$kit/source/resources/models/"
cp "$source/resources/samples/harbour.txt" "$kit/source/resources/samples/"
mkdir "$kit/source/tests/data/models"
for name in llama1-mha llama2-gqa llama32-tied biases mistral-window tiny-llama; do
  cp -r "$source/tests/data/models/$name" "$kit/source/tests/data/models/"
done
cp "$source/tests/bench/hf_eager.py" "$kit/source/tests/bench/"
ln -s ../source/resources "$kit/share/kvatlas"
[ -z "$model" ] || { mkdir "$kit/model"; cp "$model" "$kit/model/"; }

# glibc is the machine's; libtorch and what comes with it too. The C++ runtime only where the machine's is older.
not_ours='^(ld-linux.*|lib(c|m|dl|rt|pthread|resolv|util|torch.*|c10.*|cudart|cupti|gomp.*))[.-]'
ldd "$kit"/bin/kvatlas "$kit"/tests/* "$kit"/lib/*.so | awk '$2 == "=>" && $3 ~ /^\// {print $3}' | sort -u | while read -r library; do
  name="$(basename "$library")"
  [[ $name =~ $not_ours ]] && continue
  case "$name" in libstdc++.so* | libgcc_s.so*) cp -L "$library" "$kit/lib/fallback/" ;; *) cp -L "$library" "$kit/lib/" ;; esac
done
# The process loads one OpenMP runtime: libtorch's where it has one of that name, else this.
cp -L "$(ldd "$build/bin/kvatlas" | awk '$1 == "libgomp.so.1" {print $3}')" "$kit/lib/gomp/"
# DT_RPATH: it also holds for libraries of libraries. libtorch is found by LD_LIBRARY_PATH, which run.sh sets.
for file in "$kit"/bin/kvatlas "$kit"/tests/*; do patchelf --force-rpath --set-rpath '$ORIGIN/../lib' "$file"; done
for file in "$kit"/lib/*.so*; do chmod u+w "$file"; patchelf --force-rpath --set-rpath '$ORIGIN' "$file"; done
"$build/bin/kvatlas" --version >"$kit/VERSION"
git -C "$source" describe --always --dirty >>"$kit/VERSION" 2>/dev/null || true

tar -C "$out" --owner=0 --group=0 -czf "$out/kvatlas-gpu-kit.tar.gz" kvatlas-gpu-kit
size="$(($(stat -c %s "$out/kvatlas-gpu-kit.tar.gz") >> 20))"
rm -rf "$kit"
[ -n "$model" ] || [ "$size" -le 60 ] || die "$out/kvatlas-gpu-kit.tar.gz has $size MB, more than 60"
echo "$out/kvatlas-gpu-kit.tar.gz: $size MB" >&2
