#!/usr/bin/env bash
# experiment.sh DATA_ROOT
# Repeats the first system's experiment: searches 40 candidates on 112 pairs, with one thread and with one per core.
# Checks that both runs write the same bytes. Prints the number of rows, the speed-up and the success rate.
set -euo pipefail
root=$1
list=experiments/seed-112.txt
out=experiment-out

[[ -d $root/pairs ]] || { echo "No pictures under $root/pairs. Name another place with DATA_ROOT=…" >&2; exit 2; }
cargo build --quiet --release --locked --bin pentimento
mkdir -p "$out"
pentimento() { cargo run --quiet --release --locked --bin pentimento -- "$@"; }
search() { pentimento optimize --dataset "$root/pairs" --only "$list" --threads "$1" --force \
  --out "$out/table-$2.csv" --combinations "$out/all-$2.csv" | tee "$out/summary-$2.txt"; }

echo "== one thread"; search 1 one
echo "== all cores"; search 0 every
echo "== both"
rows=$(($(wc -l < "$out/table-every.csv") - 1))
echo "rows: $rows (wanted: 112)"
cmp "$out/table-one.csv" "$out/table-every.csv" && cmp "$out/all-one.csv" "$out/all-every.csv"
echo "bytes: the same for one thread and for all ($(sha256sum < "$out/table-every.csv" | cut -c1-16)…)"
wall() { sed -nE 's/^cost .* ([0-9.]+) s wall.*/\1/p' "$out/summary-$1.txt"; }
awk -v one="$(wall one)" -v every="$(wall every)" 'BEGIN { printf "speed-up: %.2f (%.2f s / %.2f s)\n", one / every, one, every }'
grep '^success rate' "$out/summary-every.txt"
[[ $rows -eq 112 ]]
