#!/usr/bin/env bash
# compare-peers.sh PEERS DAMAGED REFERENCE [REPETITIONS]
# The search of 40 on one pair, side by side in one run, in CPU seconds of one core: this program at every instruction
# level, the fused C of PEERS/limit built for AVX2 and for this machine, the first system's way and the two backends of
# the expert's pipeline. Machines are noisy: ratios count. Wants gcc, and Python with opencv, scikit-image, numba.
set -euo pipefail
peers=$(cd "$1" && pwd) damaged=$(realpath "$2") reference=$(realpath "$3") repetitions=${4:-5}
python=${PYTHON:-python3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

gcc -O3 -march=x86-64-v3 -DPLAIN -ffast-math "$peers/limit/search.c" -o "$work/limit-avx2" -lm
limits=(limit-avx2)
if grep -q avx512_vbmi2 /proc/cpuinfo; then
  gcc -O3 -march=native -ffp-contract=fast -mprefer-vector-width=512 "$peers/limit/search_best.c" -o "$work/limit-avx512" -lm
  limits+=(limit-avx512)
fi
cargo bench --quiet --locked --no-run --bench pair
size=$(cd "$peers" && "$python" raw.py "$damaged" "$work/d.bgr" "$reference" "$work/u.bgr" | tail -1 | awk '{print $2, $3}')
echo "pair of ${size/ /×}"
for round in 1 2; do
  echo "== round $round"
  for limit in "${limits[@]}"; do
    # shellcheck disable=SC2086 # width and height are two words
    "$work/$limit" $size "$work/d.bgr" "$work/u.bgr" "$repetitions" 2>&1 >/dev/null |
      sed -E "s|.*cpu=([0-9.]+)s +([0-9.]+) s/MP.*|$limit: min \1s  \2 cpu-s/MP|"
  done
  cargo bench --quiet --locked --bench pair -- "$damaged" "$reference" "$repetitions"
done
echo "== Python"
(cd "$peers" && "$python" timeone.py "$damaged" "$reference" 2 cv2,numba,seed,seedfeat,expfeat)
