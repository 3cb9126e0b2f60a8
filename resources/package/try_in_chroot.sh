#!/usr/bin/env bash
# Tries a package in a Debian system that has nothing else: unpacks SUITE with mmdebstrap, installs the .deb with apt or
# unpacks the .tar.gz, runs the demo, starts the Explorer on a virtual screen, checks the fonts of a figure.
# Needs root, mmdebstrap, xvfb, imagemagick, poppler-utils. Usage: try_in_chroot.sh PACKAGE [SUITE] [SCREENSHOT.png]
set -euo pipefail
package="$(readlink -f "$1")"
suite="${2:-bookworm}"
picture="${3:-explorer-in-chroot.png}"
root="$(mktemp -d)"
display=":$((90 + RANDOM % 900))"
screen=""
die() { echo "try_in_chroot: error: $*" >&2; exit 1; }
say() { printf '\033[1m== %s\033[0m\n' "$*" >&2; }
finish() {
  [ -z "$screen" ] || kill "$screen" 2>/dev/null || true
  umount "$root/proc" "$root/dev" 2>/dev/null || true
  rm -rf --one-file-system "$root"
}
trap finish EXIT
# KVATLAS_CHROOT_TAR: a system unpacked before, as `mmdebstrap --variant=minbase SUITE FILE.tar` makes it.
say "a bare $suite"
if [ -n "${KVATLAS_CHROOT_TAR:-}" ]; then tar -C "$root" -xf "$KVATLAS_CHROOT_TAR"; else mmdebstrap --quiet --variant=minbase "$suite" "$root"; fi
mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"
cp /etc/resolv.conf "$root/etc/resolv.conf"
inside() { env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DISPLAY="$display" chroot "$root" "$@"; }

case "$package" in
  *.deb)
    say "installing with apt"
    cp "$package" "$root/root/kvatlas.deb"
    cp -r /etc/apt/apt.conf.d/. "$root/etc/apt/apt.conf.d/" 2>/dev/null || true
    inside apt-get update -qq
    inside env DEBIAN_FRONTEND=noninteractive apt-get -o Dpkg::Use-Pty=0 install -y -qq --no-install-recommends /root/kvatlas.deb >/dev/null 2>&1
    kvatlas=/usr/bin/kvatlas explorer=/usr/bin/kvatlas-explorer share=/usr/share/kvatlas ;;
  *.tar.gz)
    say "unpacking"
    tar -C "$root/opt" -xzf "$package"
    folder="/opt/$(basename "$package" .tar.gz)"
    kvatlas="$folder/kvatlas" explorer="$folder/kvatlas-explorer" share="$folder/usr/share/kvatlas" ;;
  *) die "$package: neither .deb nor .tar.gz" ;;
esac

inside "$kvatlas" --version
say "demo"
inside bash -c "cd /root && $share/demo.sh $kvatlas demo 2>/root/demo.err" || { cat "$root/root/demo.err" >&2; die "the demo failed"; }
pdf="$(ls "$root"/root/demo/*.pdf | head -1)"
pdffonts "$pdf" | tee /dev/stderr | grep -qi dejavu || die "$pdf: has no DejaVu font"

say "Explorer"
Xvfb "$display" -screen 0 1440x900x24 >/dev/null 2>&1 & screen=$!
sleep 2
inside timeout 20 "$explorer" "$share/examples/marlow.kva.h5" >"$root/root/explorer.log" 2>&1 & running=$!
sleep 12
kill -0 "$running" 2>/dev/null || { cat "$root/root/explorer.log" >&2; die "the Explorer did not start"; }
DISPLAY="$display" import -window root "$picture"
wait "$running" || [ $? -eq 124 ] || { cat "$root/root/explorer.log" >&2; die "the Explorer stopped by itself"; }
[ ! -s "$root/root/explorer.log" ] || { echo "messages of the Explorer:" >&2; cat "$root/root/explorer.log" >&2; }
colours="$(convert "$picture" -unique-colors -format '%w' info:)"
[ "$colours" -gt 100 ] || die "$picture: has $colours colours; nothing was drawn"
say "the package works in $suite; picture: $picture"
