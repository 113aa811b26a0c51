#!/usr/bin/env bash
# Checks the dependencies before a release: licences, banned and duplicate crates, and the registries of the crates.
# Checks known vulnerabilities too if their database can be reached. Prints at the end what it did not check.
set -euo pipefail
cd "$(dirname "$0")/.."

VERSION=0.20.2
tools=${CARGO_TARGET_DIR:-target}/tools

if ! command -v cargo-deny >/dev/null 2>&1; then
  export PATH="$PWD/$tools/bin:$tools/bin:$PATH"
fi
if ! command -v cargo-deny >/dev/null 2>&1; then
  echo "Installing cargo-deny $VERSION into $tools (once, some minutes) …" >&2
  if ! CARGO_TARGET_DIR=$tools/build cargo install --quiet --locked --version "$VERSION" --root "$tools" cargo-deny; then
    echo "Not checked: anything. cargo-deny could not be installed." >&2
    exit 2
  fi
  rm -rf "$tools/build"
fi

code=0
cargo deny --locked --workspace check --hide-inclusion-graph licenses bans sources || code=$?
if cargo deny --locked fetch db; then
  cargo deny --locked --workspace check --disable-fetch --hide-inclusion-graph advisories || code=$?
  echo "Checked: licences, bans, sources, advisories."
else
  echo "Checked: licences, bans, sources."
  echo "Not checked: advisories. Their database (https://github.com/RustSec/advisory-db) cannot be reached from here."
fi
exit "$code"
