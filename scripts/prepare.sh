#!/usr/bin/env bash
# Installs the missing system packages that the build needs. As root it runs apt-get. Otherwise it prints the command to
# type and stops. The build compiles libjpeg-turbo from source, with cmake, nasm and a C compiler. Each argument
# COMMAND:PACKAGE adds a command that must exist, with its Debian package. For python3-venv, Python must also be able to
# make a virtual environment, which Debian's python3 alone cannot. Perl must have its modules, which Debian's perl-base lacks.
set -euo pipefail

missing=()
need() { command -v "$1" >/dev/null 2>&1 || missing+=("$2"); }
need cc build-essential
need cmake cmake
need nasm nasm
need git git
for also in "$@"; do
  need "${also%%:*}" "${also##*:}"
  if [[ "${also##*:}" == python3-venv ]] && ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
    missing+=(python3-venv)
  fi
  # Debian's perl-base alone has too few modules.
  if [[ "${also##*:}" == perl ]] && ! perl -MTime::Local -MFile::Path -e 1 2>/dev/null; then
    missing+=(perl)
  fi
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
