//! Tests of the core against the published definitions. All expected values come from OpenCV and scikit-image:
//! `make_reference.py` in `tests/golden` writes the files there.

mod bands;
mod features;
mod levels;
mod restored;
mod scores;
mod truth;
mod wide;
