//! Measures the 40 candidates of the first system on a pair and prints the best one.
//!
//! `cargo run --release -p pentimento-core --example search_pair -- samples/faded-undamaged.jpg samples/faded.jpg`

use std::{env, error::Error, fs};

use pentimento_core::{
    imaging::{
        Image,
        codec::{self, Limits},
    },
    metrics,
    search::{self, SearchSpace},
};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [reference, damaged] = arguments.as_slice() else {
        return Err("usage: search_pair REFERENCE DAMAGED".into());
    };
    println!("{}", run(reference, damaged)?);
    Ok(())
}

/// Searches the best candidate for the file `damaged` with the file `reference` as its undamaged picture.
pub fn run(reference: &str, damaged: &str) -> Result<String, Box<dyn Error>> {
    let (reference, damaged) = (decode(reference)?, decode(damaged)?);
    let space = SearchSpace::seed();
    let qualities = search::search(&reference, &damaged, &space)?;
    let best = search::best(&qualities);
    let before = metrics::compare(&reference, &damaged)?.score();
    let (parameters, score) = (&space.candidates()[best].parameters, qualities[best].score());
    Ok(format!(
        "candidate {} of {}: color {}, sigma {}, strength {}; score {before:.4} before, {score:.4} after",
        best + 1,
        qualities.len(),
        parameters.color(),
        parameters.sigma(),
        parameters.strength(),
    ))
}

fn decode(path: &str) -> Result<Image, Box<dyn Error>> {
    Ok(codec::decode(&fs::read(path)?, &Limits::default())?.image)
}
