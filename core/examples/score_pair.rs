//! Scores a picture against its reference: PSNR in dB, SSIM, and the score 0.5·PSNR/50 + 0.5·SSIM.
//!
//! `cargo run --release -p pentimento-core --example score_pair -- samples/faded-undamaged.jpg samples/faded.jpg`

use std::{env, error::Error, fs};

use pentimento_core::{
    imaging::{
        Image,
        codec::{self, Limits},
    },
    metrics,
};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [reference, picture] = arguments.as_slice() else {
        return Err("usage: score_pair REFERENCE PICTURE".into());
    };
    println!("{}", run(reference, picture)?);
    Ok(())
}

/// Compares the file `picture` with the file `reference`.
pub fn run(reference: &str, picture: &str) -> Result<String, Box<dyn Error>> {
    let quality = metrics::compare(&decode(reference)?, &decode(picture)?)?;
    let (psnr, ssim, score) = (quality.psnr, quality.ssim, quality.capped_score());
    Ok(format!("PSNR {psnr:.2} dB, SSIM {ssim:.4}, score {score:.4}"))
}

fn decode(path: &str) -> Result<Image, Box<dyn Error>> {
    Ok(codec::decode(&fs::read(path)?, &Limits::default())?.image)
}
