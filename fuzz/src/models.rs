//! Model files.

use std::{io::Write as _, sync::LazyLock};

use flate2::{Compression, write::GzEncoder};
use pentimento_core::{
    features::{Features, Schema, measure},
    imaging::{Channels, ColorMethod, Image},
    models::predictor::{Predictor, RequestedParameters},
};
use sha2::{Digest as _, Sha256};

/// The first line of a classic model.
pub const CLASSIC: &[u8] = b"PENTIMENTO-MODEL 1\n";
/// The first line of a model of gains.
pub const GAINS: &[u8] = b"PENTIMENTO-MODEL 2\n";

/// Sides of the measured picture, in pixels.
const SIZE: (usize, usize) = (48, 32);

/// Features of a picture in both schemas.
static FEATURES: LazyLock<[Features; 2]> = LazyLock::new(|| {
    let samples = (0..SIZE.0 * SIZE.1 * 3).map(|i| (i * i / 7 % 180 + i % 3 * 20) as u8).collect();
    let image = Image::new(SIZE.0, SIZE.1, Channels::Rgb, samples, None).expect("a picture");
    [Schema::Seed, Schema::Rich].map(|schema| measure(&image, schema).expect("large enough"))
});

/// Requests that leave different parameters open.
static REQUESTED: LazyLock<[RequestedParameters; 4]> = LazyLock::new(|| {
    let request = |method, sigma, strength| {
        RequestedParameters::new(None, method, sigma, strength).expect("values in range")
    };
    [
        RequestedParameters::default(),
        request(Some(ColorMethod::Learned), None, None),
        request(None, Some(1.5), None),
        request(None, None, Some(0.5)),
    ]
});

/// Loads a model and predicts. The first byte chooses what the rest is: the inflated content of a classic model or a
/// model of gains, the compressed part of a file, or a whole file.
pub fn models(bytes: &[u8]) {
    let [choice, rest @ ..] = bytes else { return };
    let file = match choice % 4 {
        0 => sealed(CLASSIC, &deflated(rest)),
        1 => sealed(GAINS, &deflated(rest)),
        2 => sealed(CLASSIC, rest),
        _ => rest.to_vec(),
    };
    let Ok(predictor) = Predictor::from_bytes(&file) else { return };
    for features in &*FEATURES {
        for requested in &*REQUESTED {
            // Features of the other schema are refused, and a classic model has no learned colours.
            let may_refuse = features.schema != predictor.schema() || predictor.check(requested).is_err();
            let predicted = predictor.predict(features, SIZE, requested);
            assert!(may_refuse || predicted.is_ok(), "{:?}", predicted.err());
        }
    }
}

/// Writes a file as the program does: so a fuzzer need not guess the digest.
fn sealed(magic: &[u8], compressed: &[u8]) -> Vec<u8> {
    let digest = hex::encode(Sha256::digest(compressed));
    [magic, digest.as_bytes(), b"\n", compressed].concat()
}

fn deflated(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::none());
    encoder.write_all(content).expect("a vector takes every write");
    encoder.finish().expect("a vector takes every write")
}
