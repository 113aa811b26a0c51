//! The bodies of the fuzz targets: each takes the bytes of one input and panics if the program breaks a promise.
//!
//! `targets/` hands them to libFuzzer. `tests/fuzz_corpus.rs` of the root package compiles this file too, and calls the same
//! functions with the inputs of `corpus/`.
//!
//! | target | input | must hold |
//! |---|---|---|
//! | [`decoding`] | a picture file | decoding whole and reduced agree; what decodes encodes |
//! | [`tiff`] | a TIFF file | as `decoding`, for every page; pages join again |
//! | [`headers`] | a picture file, or a block of metadata | the header bounds the cost; metadata survive rewriting |
//! | [`forms`] | a choice, a seed, the body of a form | the router answers, with no status of 500 or above |
//! | [`receipts`] | receipts as text | what is read is written back; replaying ends |
//! | [`models`] | a choice, a model file or its content | what loads predicts |

mod decoding;
mod forms;
mod headers;
mod models;
mod receipts;
mod tiff;

use std::{
    panic,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use pentimento_core::imaging::codec::{Limits, PageLimits};

pub use decoding::decoding;
pub use forms::forms;
pub use headers::headers;
pub use models::{CLASSIC, GAINS, models};
pub use receipts::{PICTURE, receipts};
pub use tiff::tiff;

/// Limits that keep an input below some milliseconds.
const LIMITS: Limits = Limits {
    input_bytes_max: 1 << 18,
    pixels_max: 1 << 16,
    // The decoders of AVIF and JPEG XL take some megabytes whatever the size.
    decoded_bytes_max: 64 << 20,
    output_bytes_max: 4 << 20,
    lenient: false,
    pages: PageLimits::DEFAULT,
};

/// Places of panics in our own code since the last [`own_panics`].
static OWN_PANICS: Mutex<Vec<String>> = Mutex::new(Vec::new());
/// Whether a panic in our own code ends the process.
static ABORTS: AtomicBool = AtomicBool::new(false);

/// Prepares a fuzzer: a panic in our own code aborts, even where it is caught; pixels take one thread.
pub fn prepare() {
    ABORTS.store(true, Ordering::Relaxed);
    watch_panics();
    // A second call finds the pool of the first.
    let _ = rayon::ThreadPoolBuilder::new().num_threads(1).build_global();
}

/// Notes panics in our own code, also those that are caught.
///
/// The core catches panics of decoders, which are other people's code, and answers that the file is broken. Such a panic is
/// no defect, so it must not end a fuzzer; libfuzzer-sys's own hook would. A panic anywhere else is a defect. The
/// service turns it into an answer of 500, so it is noted where it happens. A panic that nobody catches ends every target.
pub fn watch_panics() {
    // This replaces the hook of libfuzzer-sys, which aborts.
    panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        if is_ours(&place) {
            eprintln!("{info}\n{}", std::backtrace::Backtrace::force_capture());
            if ABORTS.load(Ordering::Relaxed) {
                std::process::abort();
            }
            OWN_PANICS.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(info.to_string());
        }
    }));
}

/// Panics in our own code since the last call.
pub fn own_panics() -> Vec<String> {
    std::mem::take(&mut OWN_PANICS.lock().unwrap_or_else(|poisoned| poisoned.into_inner()))
}

/// Whether a place in a source file is in this repository: neither in a crate of a registry nor in Rust's library.
fn is_ours(place: &str) -> bool {
    !["/registry/src/", "/rustc/", "/rustlib/", "/vendor/"].iter().any(|others| place.contains(others))
}
