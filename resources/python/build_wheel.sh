#!/usr/bin/env bash
# Builds the wheel of the Python reader. Usage: build_wheel.sh FOLDER. Works on a copy: setuptools writes beside its sources.
set -euo pipefail
mkdir -p "$1"
folder="$(readlink -f "$1")"
source="$(dirname "$(readlink -f "$0")")"
copy="$(mktemp -d)"
trap 'rm -rf "$copy"' EXIT
cp -r "$source/pyproject.toml" "$source/README.md" "$source/src" "$copy"
find "$copy" -name __pycache__ -prune -exec rm -rf {} +
/usr/bin/python3 -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index -w "$folder" "$copy"
