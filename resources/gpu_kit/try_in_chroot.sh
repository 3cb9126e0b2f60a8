#!/usr/bin/env bash
# Tries the kit in a Debian system without development packages: unpacks SUITE with mmdebstrap, runs the kit there without
# and, if LIBTORCH names a folder, with libtorch. Needs root and mmdebstrap. Usage: try_in_chroot.sh KIT.tar.gz [SUITE] [LIBTORCH]
set -euo pipefail
kit="$(readlink -f "$1")"
suite="${2:-trixie}"
libtorch="${3:-}"
root="$(mktemp -d)"
finish() { umount "$root/proc" 2>/dev/null || true; rm -rf --one-file-system "$root"; }
trap finish EXIT
# KVATLAS_CHROOT_TAR: a system unpacked before.
if [ -n "${KVATLAS_CHROOT_TAR:-}" ]; then tar -C "$root" -xf "$KVATLAS_CHROOT_TAR"; else mmdebstrap --quiet --variant=minbase "$suite" "$root"; fi
mount -t proc proc "$root/proc"
tar -C "$root/opt" -xzf "$kit"
inside() { env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 "$@"; }
inside chroot "$root" /opt/kvatlas-gpu-kit/run.sh --report /root/report
if [ -n "$libtorch" ]; then
  mkdir -p "$root/opt/torch"
  cp -rL "$libtorch/lib" "$root/opt/torch/"
  cp -L "$(dirname "$libtorch")"/cuda/lib/*.so* "$root/opt/torch/lib/" 2>/dev/null || true
  echo 2.11.0 >"$root/opt/torch/build-version"
  inside KVATLAS_LIBTORCH=/opt/torch chroot "$root" /opt/kvatlas-gpu-kit/run.sh --report /root/report-torch
  cat "$root/root/report-torch/step-1.txt"
fi
