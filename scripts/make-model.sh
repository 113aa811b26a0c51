#!/usr/bin/env bash
# make-model.sh all|free|classic DATA_ROOT OUT
# Trains a model and cross-validates it.
# `all` fits a gains model on every pair and the clean photographs, copies it to core/models and prints whether the model has the same bits as before.
# `free` fits a gains model on the Kodak pictures only, pairs and photographs, and leaves it in OUT.
# `classic` fits a model of the first system's kind and copies it to core/models.
# The program embeds the two models of core/models.
set -euo pipefail
data=$1 root=$2 out=$3

[[ -d $root/pairs && -f $root/splits.tsv ]] || {
  echo "No pictures under $root: it needs pairs/SET/{damaged,undamaged} and splits.tsv. Name another place with DATA_ROOT=…" >&2
  exit 2
}

pentimento() { cargo run --quiet --release --locked --bin pentimento -- "$@"; }
# train DATASET NAME [ARGUMENT…]
train() {
  pentimento train --dataset "$1" --groups "$root/splits.tsv" --licences core/models/licences.tsv \
    --out "$out/$2.model" --card "$out/$2.md" --force "${@:3}"
}
# Sets `photographs` to the flags for those folders of clean photographs that exist.
find_photographs() {
  photographs=()
  local folder
  for folder in "$@"; do
    if [[ -d $root/pristine/$folder ]]; then photographs+=("$root/pristine/$folder"); fi
  done
  if ((${#photographs[@]})); then photographs=(--photographs "${photographs[@]}"); fi
}
# carry NAME MODEL CARD: copies a model of OUT and its card to core/models
carry() {
  if cmp -s "$out/$1.model" "core/models/$2"; then
    echo "core/models/$2 is the same again, bit for bit: $(sha256sum < "core/models/$2" | cut -c1-64)"
  else
    echo "core/models/$2 has changed; it and core/models/$3 are rewritten."
    cp "$out/$1.model" "core/models/$2"
  fi
  cp "$out/$1.md" "core/models/$3"
}

mkdir -p "$out"
case $data in
  all)
    find_photographs bsds300 web800
    train "$root/pairs" all "${photographs[@]}"
    carry all builtin.model CARD.md
    ;;
  free)
    rm -rf "$out/free-pairs" && mkdir -p "$out/free-pairs"
    cp -R "$root/pairs/kodak_synthetic" "$out/free-pairs/"
    find_photographs kodak24
    train "$out/free-pairs" free "${photographs[@]}"
    echo "The model is $out/free.model; serve it with: pentimento serve --model $out/free.model"
    ;;
  classic)
    pentimento optimize --dataset "$root/pairs" --out "$out/table.csv" --force
    train "$root/pairs" classic --table "$out/table.csv"
    carry classic classic.model CLASSIC.md
    ;;
  *) echo "DATA=$data: all, free or classic" >&2; exit 2 ;;
esac
