//! Restores a picture with the built-in model and prints the receipt.
//!
//! `cargo run --release -p pentimento-core --example restore_bytes -- samples/faded.jpg restored.jpg`

use std::{env, error::Error, fs};

use pentimento_core::{
    imaging::codec::Limits,
    models::predictor::Predictor,
    restoration::{self, RestoreRequest, Watch},
};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [input, output] = arguments.as_slice() else {
        return Err("usage: restore_bytes INPUT OUTPUT".into());
    };
    println!("{}", run(input, output)?);
    Ok(())
}

/// Restores the file `input` into the file `output`, in the same format, and returns the receipt as JSON.
pub fn run(input: &str, output: &str) -> Result<String, Box<dyn Error>> {
    let bytes = fs::read(input)?;
    let predictor = Predictor::built_in();
    // Everything is left open: the model predicts the parameters, and the output has the input's format.
    let request = RestoreRequest::default();
    // A program that measures times passes a hook here, and one that stops work a flag; this one does neither.
    let mut watch = Watch::none();
    let restored = restoration::restore(&bytes, &request, &predictor, &Limits::default(), &mut watch)?;
    fs::write(output, &restored.bytes)?;
    Ok(serde_json::to_string_pretty(&restored.receipt)?)
}
