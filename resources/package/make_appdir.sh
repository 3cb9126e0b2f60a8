#!/usr/bin/env bash
# Installs a build into FOLDER with the libraries, Qt plugins and fonts it needs: the layout of an AppImage.
# Usage: make_appdir.sh BUILD FOLDER
set -euo pipefail
build="$1"
mkdir -p "$2"
appdir="$(readlink -f "$2")"
package="$(dirname "$(readlink -f "$0")")"
own="$appdir/usr/lib/kvatlas"

# glibc and its loader must be the system's. The fallback ones belong to its graphics, fonts and C++ runtime.
of_glibc='^(ld-linux.*|lib(c|m|dl|rt|pthread|resolv|util|anl|nss_.*|mvec|BrokenLocale))\.so'
of_system='^lib(stdc\+\+|gcc_s|GL|GLX|GLdispatch|EGL|OpenGL|drm|gbm|X11|X11-xcb|xcb|fontconfig|freetype|expat|z)\.so'

plugins="$(qtpaths6 --plugin-dir 2>/dev/null || qmake6 -query QT_INSTALL_PLUGINS 2>/dev/null ||
  echo "/usr/lib/$(uname -m)-linux-gnu/qt6/plugins")"
[ -d "$plugins/platforms" ] || { echo "make_appdir: error: no Qt plugins in $plugins" >&2; exit 1; }

cmake --install "$build" --prefix "$appdir/usr" --strip >/dev/null

copy_plugins() {
  local kind
  for kind in platforms imageformats iconengines platforminputcontexts platformthemes printsupport xcbglintegrations \
    wayland-shell-integration wayland-graphics-integration-client wayland-decoration-client; do
    [ -d "$plugins/$kind" ] || continue
    mkdir -p "$own/qt6/plugins/$kind"
    cp "$plugins/$kind"/*.so "$own/qt6/plugins/$kind"
  done
  # Only for devices without a window system, or with libraries of their own.
  rm -f "$own"/qt6/plugins/platforms/libq{eglfs,linuxfb,minimalegl,vnc,vkkhrdisplay}.so "$own"/qt6/plugins/platformthemes/libqgtk3.so
  printf '[Paths]\nPrefix = ..\nPlugins = lib/kvatlas/qt6/plugins\n' >"$appdir/usr/bin/qt.conf"
}

elf_files() { find "$appdir/usr" -type f \( -name '*.so' -o -name '*.so.*' -o -path '*/bin/kvatlas*' \); }

copy_libraries() {
  local library name
  mapfile -t files < <(elf_files)
  LD_LIBRARY_PATH="$own" ldd "${files[@]}" | awk '$2 == "=>" && $3 ~ /^\// {print $3}' | sort -u | while read -r library; do
    name="$(basename "$library")"
    [[ $library == "$appdir"/* || $name =~ $of_glibc ]] && continue
    if [[ $name =~ $of_system ]]; then
      mkdir -p "$own/fallback/$name"; cp -L "$library" "$own/fallback/$name/"
    else
      cp -L "$library" "$own/"
    fi
  done
}

# DT_RPATH: it also applies to the libraries that the bundled ones open by name.
set_paths() {
  local file folder
  elf_files | while read -r file; do
    folder="$(dirname "$file")"
    [[ $folder == */fallback/* ]] && continue
    chmod u+w "$file"
    patchelf --force-rpath --set-rpath "\$ORIGIN$(realpath --relative-to="$folder" "$own" | sed 's|^\.$||; s|^\.\.|/..|')" "$file"
  done
}

copy_plugins
copy_libraries
set_paths
mkdir -p "$appdir/usr/share/fonts"
cp /usr/share/fonts/truetype/dejavu/DejaVuSans{,-Bold,Mono,Mono-Bold}.ttf "$appdir/usr/share/fonts/"
cp "$package/fonts.conf" "$appdir/usr/share/kvatlas/"
install -m 755 "$package/AppRun" "$appdir/AppRun"
cp "$package/kvatlas-explorer.desktop" "$package/kvatlas.svg" "$appdir/"
ln -sf kvatlas.svg "$appdir/.DirIcon"
for programme in kvatlas kvatlas-explorer; do
  printf '#!/bin/sh\nexec "$(dirname "$(readlink -f "$0")")/AppRun" %s "$@"\n' "$programme" >"$appdir/$programme"
  chmod 755 "$appdir/$programme"
done
