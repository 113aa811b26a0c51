#!/usr/bin/env bash
# Installs missing system packages that building needs. As root it runs apt; otherwise it prints the line to type and stops.
# libjpeg-turbo is built from source, with cmake, nasm and a C compiler. Arguments COMMAND:PACKAGE name further needs.
set -euo pipefail

missing=()
need() { command -v "$1" >/dev/null 2>&1 || missing+=("$2"); }
need cc build-essential
need cmake cmake
need nasm nasm
need git git
for also in "$@"; do
  need "${also%%:*}" "${also##*:}"
done

if ((${#missing[@]})); then
  line="apt-get update && apt-get install -y ${missing[*]}"
  if [[ $(id -u) -eq 0 ]] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing ${missing[*]} …" >&2
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${missing[@]}" >/dev/null
  else
    echo "Building needs ${missing[*]}. Type this, then run make again:" >&2
    echo "  sudo sh -c '$line'" >&2
    exit 2
  fi
fi

if ! command -v cargo >/dev/null 2>&1; then
  echo "Building needs Rust (https://rustup.rs). Type this, then run make again:" >&2
  echo "  curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y && . \"\$HOME/.cargo/env\"" >&2
  exit 2
fi
