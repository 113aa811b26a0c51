#!/usr/bin/env bash
# evaluate.sh all|free DATA_ROOT OUT
# Cross-validates the way of training on pairs, photographs, ordinary pictures and rolls; writes report, tables and page to OUT.
# `all` takes every pair, and the clean photographs of pristine/bsds300 and pristine/web800.
# `free` takes the Kodak pictures only, which anybody may use: pairs, and pristine/kodak24 as photographs.
# Folders of photographs that do not exist are left out.
set -euo pipefail
data=$1 root=$2 out=$3

[[ -d $root/pairs && -f $root/splits.tsv ]] || {
  echo "No pictures under $root: it needs pairs/SET/{damaged,undamaged} and splits.tsv. Name another place with DATA_ROOT=…" >&2
  exit 2
}
mkdir -p "$out"
case $data in
  all) pairs=$root/pairs clean=(bsds300 web800) ;;
  free)
    pairs=$out/pairs clean=(kodak24)
    rm -rf "$pairs" && mkdir "$pairs"
    cp -R "$root/pairs/kodak_synthetic" "$pairs/"
    ;;
  *) echo "DATA=$data: all or free" >&2; exit 2 ;;
esac
photographs=()
for folder in "${clean[@]}"; do
  if [[ -d $root/pristine/$folder ]]; then photographs+=("$root/pristine/$folder"); fi
done
if ((${#photographs[@]})); then
  photographs=(--photographs "${photographs[@]}" --photographs-csv "$out/photographs.csv")
fi
cargo run --quiet --release --locked --bin pentimento -- evaluate --folds --dataset "$pairs" --groups "$root/splits.tsv" \
  --force --out "$out/report.json" --csv "$out/rows.csv" --html "$out/page.html" "${photographs[@]}"
