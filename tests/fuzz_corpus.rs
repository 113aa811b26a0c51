//! The inputs of `fuzz/corpus` through the functions that the fuzzer calls. `make fuzz` finds new ones.

#[path = "../fuzz/src/lib.rs"]
#[allow(dead_code, unused_imports, missing_docs, reason = "the fuzzer uses more of it")]
mod targets;

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// A target: what it does with an input.
type Target = fn(&[u8]);

/// The targets by the names of their folders.
const TARGETS: [(&str, Target); 6] = [
    ("decoding", targets::decoding),
    ("tiff", targets::tiff),
    ("headers", targets::headers),
    ("forms", targets::forms),
    ("receipts", targets::receipts),
    ("models", targets::models),
];

/// Longest time of one input. Each takes milliseconds on an idle machine.
const TIME_MAX: Duration = Duration::from_secs(5);
/// Most memory that the whole process takes, in KiB.
const MEMORY_MAX_KIB: u64 = 512 << 10;
/// Most bytes of all inputs.
const CORPUS_BYTES_MAX: usize = 1 << 20;

/// The inputs of a target, in a fixed order.
fn inputs(target: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// The most memory that this process has taken, in KiB.
fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

/// The only test of this file: memory and panics are those of the whole process.
#[test]
fn the_inputs_of_the_fuzzer_break_nothing() {
    targets::watch_panics();
    let mut n_bytes = 0;
    for (name, target) in TARGETS {
        let inputs = inputs(name);
        assert!(!inputs.is_empty(), "{name} has no inputs");
        for path in inputs {
            let bytes = fs::read(&path).unwrap();
            n_bytes += bytes.len();
            let began = Instant::now();
            let outcome = std::panic::catch_unwind(|| target(&bytes));
            let (took, panics) = (began.elapsed(), targets::own_panics());
            assert!(outcome.is_ok() && panics.is_empty(), "{}: {panics:?}", path.display());
            assert!(took < TIME_MAX, "{} takes {took:?}", path.display());
        }
    }
    assert!(n_bytes <= CORPUS_BYTES_MAX, "the corpus has {n_bytes} bytes");
    assert!(peak_kib() <= MEMORY_MAX_KIB, "the inputs took {} KiB", peak_kib());
}
