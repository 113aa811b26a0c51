#!/usr/bin/env bash
# Checks format, lints and docs, then runs every test, the long ones too. The last line counts the tests.
# Arguments, if given, choose the tests, and only tests run: scripts/test.sh -p pentimento-core --lib numeric
set -euo pipefail
cd "$(dirname "$0")/.."

features=(--features pentimento/long-tests)
choice=("$@")
skip=()

step() { echo "== $*" >&2; }

# tests/jobs/disk.rs mounts a small tmpfs.
can_mount() {
  local at
  at=$(mktemp -d)
  mount -t tmpfs -o size=64k tmpfs "$at" 2>/dev/null && umount "$at"
  local code=$?
  rmdir "$at"
  return $code
}

# Sums the lines `test result: ok. 5 passed; 0 failed; 0 ignored; 0 measured; 1 filtered out; …` of a log.
count() {
  awk '/^test result: / { passed += $4; failed += $6; skipped += $8 + $12 }
       END { print passed + 0, failed + 0, skipped + 0 }' "$1"
}

if ((${#choice[@]} == 0)); then
  choice=(--workspace)
  step "format"
  cargo fmt --all --check
  step "lints"
  cargo clippy --locked --workspace "${features[@]}" --all-targets -- -D warnings
  step "docs"
  RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace "${features[@]}" --no-deps --document-private-items
  if ! can_mount; then
    skip=(-- --skip disk::)
    step "left out: tests/jobs/disk.rs, jobs on a full disk: it mounts a tmpfs, which needs root"
  fi
elif [[ " ${choice[*]} " == *" -p pentimento-core "* ]]; then
  features=() # the core has no long tests
fi

step "tests"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
code=0
cargo test --locked --no-fail-fast "${features[@]}" "${choice[@]}" "${skip[@]}" | tee "$log" || code=$?
read -r passed failed skipped < <(count "$log")
if ((code != 0 && failed == 0)); then
  # A test program that does not build, or that a signal ends, writes no result line.
  echo "cargo test ended with code $code, though no test reports a failure: see the messages above" >&2
  failed=1
fi
((failed == 0 || code != 0)) || code=1
if ((skipped)); then
  echo "$passed passed, $failed failed, $skipped skipped"
else
  echo "$passed passed, $failed failed"
fi
exit "$code"
