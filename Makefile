# Users need `make run` and `make test`. The other targets are for people who work on the program.
.DEFAULT_GOAL := help
.PHONY: help run test check release-check chaos load latency fuzz sanitize bench bench-load bench-peers bench-restore model evaluation experiment notices formats corpora big-scan prepare

# The training pictures: pairs/ holds the sets SET/{damaged,undamaged}; splits.tsv stands next to pairs/.
DATA_ROOT ?= ../shared/data
# The model that `make model` trains. `all`: a gains model on every set. `free`: a gains model on the Kodak pictures, which
# anybody may use. `classic`: a model of the first system's kind.
DATA ?= all
OUT ?= model-out
# Programs to compare with: Python pipelines and a fused search in C.
PEERS ?= ../shared/peers

# What `make big-scan` restores: megapixels, kinds of file, and the folder of its files, which take 8 GB for a while.
BIG_MEGAPIXELS ?= 600
BIG_KINDS ?= strips
BIG_FOLDER ?= target/big-scan

PENTIMENTO = cargo run --quiet --release --locked --bin pentimento --

help: ## show the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

prepare:
	@bash scripts/prepare.sh

run: prepare ## build and serve on 127.0.0.1:8080 with the built-in model
	@$(PENTIMENTO) serve

test: prepare ## check format, lints and docs, then run every test; the last line counts them
	@bash scripts/prepare.sh python3:python3-venv perl:perl
	@bash scripts/test.sh

check: prepare ## the quick form of `make test`: without the long tests
	@bash scripts/prepare.sh python3:python3-venv perl:perl
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --document-private-items
	cargo test --locked --workspace

release-check: prepare ## check licences, sources and known vulnerabilities of the dependencies
	@bash scripts/release-check.sh

# How long `make chaos` kills, in seconds.
CHAOS_SECONDS ?= 1800

chaos: prepare ## kill -9 the service for half an hour while jobs run; `make test` does it for two minutes
	CHAOS_SECONDS=$(CHAOS_SECONDS) cargo test --release --locked --features long-tests --test jobs -- --nocapture chaos

# How long `make load` saturates the service, in seconds.
LOAD_SECONDS ?= 1800

load: prepare ## saturate the service for half an hour and check answers, memory and times; `make test` does it for a minute
	@bash scripts/load.sh $(LOAD_SECONDS)

# How long `make fuzz` runs each target, in seconds.
FUZZ_SECONDS ?= 600

fuzz: prepare ## feed every fuzz target hostile inputs for ten minutes; `make test` replays the corpus
	@bash scripts/prepare.sh c++:g++
	@bash scripts/fuzz.sh $(FUZZ_SECONDS)

big-scan: prepare ## restore a TIFF of 600 megapixels in parts and print seconds and resident memory
	cargo build --quiet --release --locked --bin pentimento
	python3 scripts/big-scan.py target/release/pentimento "$(BIG_FOLDER)" $(BIG_MEGAPIXELS) $(BIG_KINDS)

latency: prepare ## measure the 99th percentile of POST /restore without and during a batch
	cargo build --quiet --release --locked --bin pentimento
	python3 scripts/measure-latency.py target/release/pentimento samples/faded.jpg "$(DATA_ROOT)" pairs

sanitize: prepare ## test the core under AddressSanitizer (needs a nightly toolchain)
	RUSTFLAGS=-Zsanitizer=address cargo +nightly test --locked --target x86_64-unknown-linux-gnu \
	  --target-dir target/sanitize --lib --test reference

bench-peers: bench-restore ## compare restoring and searching with other programs; writes docs/performance.md
	@bash scripts/prepare.sh valgrind:valgrind python3:python3-venv
	@python3 scripts/bench-peers.py "$(PEERS)" "$(DATA_ROOT)/pairs" "$(DATA_ROOT)/large" docs/performance.md

bench-restore: prepare ## compare restoring with libjpeg-turbo and other services; writes its part of docs/performance.md
	@bash scripts/prepare.sh python3:python3-venv djpeg:libjpeg-turbo-progs valgrind:valgrind
	@python3 scripts/bench-restore.py "$(PEERS)" "$(DATA_ROOT)/large" docs/performance.md

bench-load: prepare ## requests per second at 1, 4, 16 and 64 connections next to the FastAPI service of PEERS
	@bash scripts/prepare.sh wrk:wrk python3:python3-venv
	cargo build --quiet --release --locked --bin pentimento
	@python3 scripts/bench-load.py "$(PEERS)"

bench: prepare ## time the search and the restoration
	cargo bench --locked

model: prepare ## make the built-in model again; DATA=free fits on the Kodak pictures only, DATA=classic makes the classic one
	@bash scripts/make-model.sh "$(DATA)" "$(DATA_ROOT)" "$(OUT)"

# The page shows pictures that are for research only, so it is written under target/, which is not committed.
EVALUATION = target/evaluation/$(DATA)

evaluation: prepare ## cross-validate the training on pairs, photographs and rolls: report, tables and page under target/evaluation/
	@bash scripts/evaluate.sh "$(DATA)" "$(DATA_ROOT)" $(EVALUATION)

experiment: prepare ## repeat the first system's experiment: 112 pairs, one thread against all
	@bash scripts/experiment.sh "$(DATA_ROOT)"

notices: ## write THIRD-PARTY-NOTICES.md from the locked dependencies
	python3 scripts/third-party-notices.py > THIRD-PARTY-NOTICES.md

formats: ## write the tables of docs/formats.md from the tests
	WRITE_FORMATS=1 cargo test --quiet --locked -p pentimento-core --test codec formats

# A folder of pictures for `make corpora`.
DIR ?= samples

corpora: prepare ## try the program on any folder of pictures, DIR=FOLDER: what is refused, differs from Pillow, or crashes
	@bash scripts/prepare.sh python3:python3-venv
	cargo build --quiet --release --locked --bin pentimento
	@python3 scripts/corpora.py "$(DIR)"
