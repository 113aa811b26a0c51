#!/usr/bin/env bash
# fuzz.sh [SECONDS] [TARGET…]: runs each fuzz target of fuzz/ for SECONDS (600 without an argument), or the named ones.
# Needs the stable toolchain and a C++ compiler. New inputs go to fuzz/work/TARGET; fuzz/corpus/TARGET stays as it is. An input
# that breaks something is written to fuzz/artifacts/TARGET, the other targets still run, and the exit code is 1.
# fuzz.sh minimise: writes the smallest set of inputs of work/ and corpus/ with the same coverage to corpus/.
set -euo pipefail
cd "$(dirname "$0")/.."

triple=$(rustc -vV | sed -n 's/^host: //p')
built=$PWD/target/fuzz
case $triple in
*-linux-*) ;;
*) echo "The coverage of the stable compiler is only tested on Linux; this is $triple" >&2 ;;
esac

# What cargo-fuzz asks a nightly compiler for, in options that the stable one takes. They hold for the target's crates only, not for
# build scripts: that is why --target is given.
coverage=(-Cpasses=sancov-module)
for option in level=4 inline-8bit-counters pc-table trace-compares; do
  coverage+=("-Cllvm-args=-sanitizer-coverage-$option")
done
all=(decoding tiff headers forms receipts models)
# The program `seeds` is no target: without libFuzzer it does not link under these options.
bins=()
for target in "${all[@]}"; do bins+=(--bin "$target"); done
RUSTFLAGS="${coverage[*]} --cfg fuzzing" CARGO_TARGET_DIR=$built \
  cargo build --quiet --locked --manifest-path fuzz/Cargo.toml --target "$triple" "${bins[@]}"

cd fuzz
# Most resident memory of a fuzzer in MiB, most of one allocation, longest time of an input in seconds, longest input.
common=(-rss_limit_mb=1024 -malloc_limit_mb=256 -timeout=10 -print_final_stats=1)
length() { case $1 in models) echo 16384 ;; *) echo 8192 ;; esac }
program() { echo "$built/$triple/debug/$1"; }

if [[ ${1:-} == minimise ]]; then
  for target in "${all[@]}"; do
    mkdir -p "work/$target" "corpus/$target"
    smaller=$(mktemp -d)
    "$(program "$target")" -merge=1 -rss_limit_mb=1024 -timeout=10 -max_len="$(length "$target")" \
      "$smaller" "corpus/$target" "work/$target" >/dev/null 2>"work/$target.log" ||
      { cat "work/$target.log" >&2; exit 1; }
    rm -f "corpus/$target"/*
    cp "$smaller"/* "corpus/$target/"
    rm -r "$smaller"
    echo "$target: $(find "corpus/$target" -type f | wc -l) inputs, $(du -sb "corpus/$target" | cut -f1) bytes"
  done
  exit 0
fi

seconds=${1:-600}
(($# == 0)) || shift
(($# > 0)) || set -- "${all[@]}"
failed=()
for target in "$@"; do
  mkdir -p "work/$target" "artifacts/$target"
  echo "== $target, $seconds s" >&2
  log=work/$target.log
  if "$(program "$target")" -max_total_time="$seconds" -max_len="$(length "$target")" "${common[@]}" \
    -artifact_prefix="artifacts/$target/" "work/$target" "corpus/$target" >"$log" 2>&1; then
    grep -E '^stat::(number_of_executed_units|average_exec_per_sec|peak_rss_mb)|^#.*DONE' "$log"
  else
    tail -n 60 "$log" >&2
    failed+=("$target")
  fi
done
if ((${#failed[@]})); then
  echo "inputs that break something are in fuzz/artifacts: ${failed[*]}" >&2
  exit 1
fi
