#!/usr/bin/env bash
# make-model.sh all|free DATA_ROOT OUT
# Searches the best parameters of every pair, trains, evaluates. `all` puts the result where the program embeds it
# and says whether it is, bit for bit, what was there; `free` uses the Kodak pictures alone and stays in OUT.
set -euo pipefail
data=$1 root=$2 out=$3

[[ -d $root/pairs && -f $root/splits.tsv ]] || {
  echo "No pictures under $root: it needs pairs/SET/{damaged,undamaged} and splits.tsv. Name another place with DATA_ROOT=…" >&2
  exit 2
}
case $data in
  all) only=() ;;
  free) only=(--only models/free-pairs.txt) ;;
  *) echo "DATA=$data: all or free" >&2; exit 2 ;;
esac

pentimento() { cargo run --quiet --release --locked --bin pentimento -- "$@"; }
mkdir -p "$out"
pentimento optimize --dataset "$root/pairs" "${only[@]}" --out "$out/table.csv" --force
pentimento train --table "$out/table.csv" --dataset "$root/pairs" --groups "$root/splits.tsv" \
  --licences models/licences.tsv --out "$out/$data.model" --card "$out/$data.md" --force

if [[ $data == all ]]; then
  if cmp -s "$out/all.model" models/builtin.model; then
    echo "The built-in model came out again, bit for bit: $(sha256sum < models/builtin.model | cut -c1-64)"
  else
    echo "The built-in model has changed; models/builtin.model and models/CARD.md are rewritten."
    cp "$out/all.model" models/builtin.model
  fi
  cp "$out/all.md" models/CARD.md
else
  echo "The model is $out/free.model; serve it with: pentimento serve --model $out/free.model"
fi
