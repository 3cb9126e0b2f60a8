#!/usr/bin/env bash
# Makes the packages of a build: kvatlas_<version>_<arch>.deb, and a folder that runs from anywhere, as an AppImage where
# appimagetool is installed, else as KVAtlas-<version>-<arch>.tar.gz. Usage: package.sh BUILD FOLDER
set -euo pipefail
build="$1"
mkdir -p "$2"
out="$(readlink -f "$2")"
package="$(dirname "$(readlink -f "$0")")"
say() { printf '\033[1m== %s\033[0m\n' "$*" >&2; }

say "Debian package"
(cd "$build" && cpack -G DEB -B "$out/.cpack" >"$out/.cpack.log" 2>&1) || { cat "$out/.cpack.log" >&2; exit 1; }
mv "$out"/.cpack/*.deb "$out/"
rm -rf "$out/.cpack" "$out/.cpack.log"

say "folder that runs from anywhere"
version="$(sed -n 's/^CMAKE_PROJECT_VERSION:STATIC=//p' "$build/CMakeCache.txt")"
name="KVAtlas-$version-$(uname -m)"
rm -rf "${out:?}/$name"
"$package/make_appdir.sh" "$build" "$out/$name"
if command -v appimagetool >/dev/null; then
  ARCH="$(uname -m)" appimagetool "$out/$name" "$out/$name.AppImage"
else
  tar -C "$out" --owner=0 --group=0 -czf "$out/$name.tar.gz" "$name"
fi
rm -rf "${out:?}/$name"
ls -sh "$out" >&2
