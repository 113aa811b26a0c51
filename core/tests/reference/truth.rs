//! The golden files, read without the project's own codecs.

use std::{collections::BTreeMap, fs, path::PathBuf};

use pentimento_core::imaging::{Channels, Image};
use serde::Deserialize;

#[derive(Deserialize)]
pub struct Truth {
    pub pairs: BTreeMap<String, Pair>,
}

#[derive(Deserialize)]
pub struct Pair {
    pub features: BTreeMap<String, Option<f64>>,
    pub untouched: Scores,
    pub combinations: Vec<Row>,
    pub best: Row,
}

#[derive(Deserialize)]
pub struct Scores {
    pub psnr: Option<f64>,
    pub ssim: f64,
}

#[derive(Deserialize)]
pub struct Row {
    pub apply_color_correction: u8,
    pub sharpen_sigma: f64,
    pub sharpen_strength: f64,
    pub psnr: f64,
    pub ssim: f64,
    pub score: f64,
}

pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/golden")
}

/// Returns all 15 pairs. A golden folder with fewer of them fails.
pub fn truth() -> Truth {
    let text = fs::read_to_string(folder().join("reference.json")).expect("reference.json");
    let truth: Truth = serde_json::from_str(&text).expect("reference.json parses");
    assert_eq!(truth.pairs.len(), 15);
    truth
}

pub fn picture(path: &str) -> Image {
    let decoded = image::open(folder().join(path)).unwrap_or_else(|e| panic!("{path}: {e}")).to_rgb8();
    let (width, height) = (decoded.width() as usize, decoded.height() as usize);
    Image::new(width, height, Channels::Rgb, decoded.into_raw(), None).expect("a golden picture")
}

pub fn damaged(name: &str) -> Image {
    picture(&format!("pairs/{name}.damaged.png"))
}

pub fn reference(name: &str) -> Image {
    picture(&format!("pairs/{name}.reference.png"))
}
