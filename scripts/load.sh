#!/usr/bin/env bash
# load.sh [SECONDS]: saturates a release build for SECONDS (1800 without an argument) and prints its table.
set -euo pipefail
cd "$(dirname "$0")/.."

export LOAD_SECONDS=${1:-1800} LOAD_STRICT=1
cargo test --release --locked --features long-tests --test stress -- --nocapture --exact load::at_saturation_every_answer_is_stated_and_memory_stays
