//! The core against the published definitions: values from OpenCV and scikit-image (`tests/golden`, made by
//! `make_reference.py` there). Expected values come only from those files.

mod bands;
mod features;
mod levels;
mod restored;
mod scores;
mod truth;
mod wide;
