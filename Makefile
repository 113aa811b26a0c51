# The two commands of the README are `make run` and `make test`; everything else is for people who work on it.
.DEFAULT_GOAL := help
.PHONY: help run test check chaos latency sanitize bench bench-peers bench-restore model evaluation experiment notices prepare

# Where the training pictures lie: sets SET/{damaged,undamaged} under pairs/, splits.tsv beside it.
DATA_ROOT ?= ../shared/data
# `all` takes every set, `free` only the Kodak pictures, which anybody may use; `classic` makes the first system's kind.
DATA ?= all
OUT ?= model-out
# The programs to measure against: Python pipelines and a fused search in C.
PEERS ?= ../shared/peers

PENTIMENTO = cargo run --quiet --release --locked --bin pentimento --

help: ## show the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

prepare:
	@bash scripts/prepare.sh

run: prepare ## build and serve on 127.0.0.1:8080 with the built-in model
	@$(PENTIMENTO) serve

test: prepare ## install what the tests need and run them all
	cargo test --locked

check: prepare ## what has to be clean before a commit: format, lints, docs, tests
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --document-private-items
	cargo test --locked

# How long `make chaos` kills, in seconds.
CHAOS_SECONDS ?= 1800

chaos: prepare ## jobs under kill -9 for half an hour; the test suite has two minutes of it
	CHAOS_SECONDS=$(CHAOS_SECONDS) cargo test --release --locked --test jobs -- --nocapture chaos

latency: prepare ## 99th percentile of POST /restore without and during a batch
	cargo build --quiet --release --locked --bin pentimento
	python3 scripts/measure-latency.py target/release/pentimento samples/faded.jpg "$(DATA_ROOT)" pairs

sanitize: prepare ## core and kernels under AddressSanitizer (needs a nightly toolchain)
	RUSTFLAGS=-Zsanitizer=address cargo +nightly test --locked --target x86_64-unknown-linux-gnu \
	  --target-dir target/sanitize --lib --test reference

bench-peers: bench-restore ## restorations and the search beside what a user would run instead; writes docs/performance.md
	@bash scripts/prepare.sh valgrind:valgrind python3:python3-venv
	@python3 scripts/bench-peers.py "$(PEERS)" "$(DATA_ROOT)/pairs" "$(DATA_ROOT)/large" docs/performance.md

bench-restore: prepare ## restorations beside libjpeg-turbo and other services; writes its part of docs/performance.md
	@bash scripts/prepare.sh python3:python3-venv djpeg:libjpeg-turbo-progs valgrind:valgrind
	@python3 scripts/bench-restore.py "$(PEERS)" "$(DATA_ROOT)/large" docs/performance.md

bench: prepare ## time the search and the restoration
	cargo bench --locked

model: prepare ## make the built-in model again (DATA=all), one from the Kodak pictures alone (free) or the classic one (classic)
	@bash scripts/make-model.sh "$(DATA)" "$(DATA_ROOT)" "$(OUT)"

# Under target/, which is not committed: with DATA=all the page shows pictures that may only be used for research.
EVALUATION = target/evaluation/$(DATA)

evaluation: prepare ## try the way of training by cross-validation: report, table and page under target/evaluation/
	@mkdir -p $(EVALUATION)
	@cargo run --quiet --release --locked --bin pentimento -- evaluate --folds --dataset "$(DATA_ROOT)/pairs" \
	  --groups "$(DATA_ROOT)/splits.tsv" --force \
	  --out $(EVALUATION)/report.json --csv $(EVALUATION)/rows.csv --html $(EVALUATION)/page.html

experiment: prepare ## the first system's experiment: 112 pairs, one thread against all
	@bash scripts/experiment.sh "$(DATA_ROOT)"

notices: ## write THIRD-PARTY-NOTICES.md from the locked dependencies
	python3 scripts/third-party-notices.py > THIRD-PARTY-NOTICES.md
