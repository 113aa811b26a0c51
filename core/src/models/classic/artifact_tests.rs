//! Tests of damaged, forged and foreign model files.

use super::super::card::SearchedBounds;
use super::super::hyperparameters::Hyperparameters;
use std::io::Write as _;

use flate2::{Compression, GzBuilder};

use super::*;
use crate::learning::synthetic;
use crate::learning::table::TableRow;

const ENOUGH: usize = 16 << 20;

fn artifact(family: Family) -> ModelArtifact {
    let table = synthetic::table(40, 1);
    let rows: Vec<&TableRow> = table.rows().iter().collect();
    let mut hyperparameters = Hyperparameters::default();
    hyperparameters.random_forest.n_trees = 5;
    hyperparameters.gradient_boosting.n_rounds = 5;
    let bounds = SearchedBounds {
        sigma_min: 0.5,
        sigma_max: 2.0,
        strength_min: 0.0,
        strength_max: 2.0,
        color_ever_on: true,
    };
    let checked = hyperparameters.clone().check().unwrap();
    let regressors = ParameterRegressors::fit(&rows, family, &checked).unwrap();
    ModelArtifact { card: ModelCard::new(family, hyperparameters, bounds), regressors }
}

/// A file with a right digest around any compressed part.
fn file(compressed: &[u8]) -> Vec<u8> {
    [CLASSIC_MAGIC_LINE, digest(compressed).as_bytes(), b"\n", compressed].concat()
}

fn gzip(decoded: &[u8]) -> Vec<u8> {
    let mut encoder = GzBuilder::new().write(Vec::new(), Compression::default());
    encoder.write_all(decoded).unwrap();
    encoder.finish().unwrap()
}

/// A file that is whole but holds other content.
fn forged(card: &[u8], regressors: &[u8]) -> Vec<u8> {
    file(&gzip(&[&(card.len() as u32).to_le_bytes(), card, regressors].concat()))
}

fn parts(artifact: &ModelArtifact) -> (serde_json::Value, Vec<u8>) {
    (serde_json::to_value(&artifact.card).unwrap(), postcard::to_stdvec(&artifact.regressors).unwrap())
}

fn error(bytes: &[u8]) -> ArtifactError {
    ModelArtifact::from_bytes(bytes, ENOUGH).unwrap_err()
}

#[test]
fn a_file_reads_back_as_what_was_written() {
    for family in Family::ALL {
        let artifact = artifact(family);
        let bytes = artifact.to_bytes();
        let read = ModelArtifact::from_bytes(&bytes, ENOUGH).unwrap();
        assert_eq!(read, artifact);
        assert_eq!(read.to_bytes(), bytes);
        for row in synthetic::table(90, 2).rows() {
            let (ours, theirs) =
                (artifact.regressors.predict(&row.features), read.regressors.predict(&row.features));
            let bits =
                |raw: super::super::RawPrediction| [raw.color, raw.sigma, raw.strength].map(f64::to_bits);
            assert_eq!(bits(ours.unwrap()), bits(theirs.unwrap()));
        }
        let id = artifact.model_id();
        assert_eq!(id, format!("{family}-{}", &digest(&bytes)[..12]));
    }
}

#[test]
fn the_digest_is_sha_256_in_hexadecimal() {
    // FIPS 180-4, the example "abc".
    assert_eq!(digest(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

#[test]
fn every_cut_and_every_flipped_bit_is_refused() {
    let bytes = artifact(Family::RandomForest).to_bytes();
    for length in 0..bytes.len() {
        assert!(ModelArtifact::from_bytes(&bytes[..length], ENOUGH).is_err(), "cut to {length}");
    }
    for at in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << (at % 8);
        assert!(ModelArtifact::from_bytes(&flipped, ENOUGH).is_err(), "byte {at}");
    }
    assert_eq!(error(&[&bytes[..], b"\n"].concat()), ArtifactError::Digest);
    assert_eq!(error(b""), ArtifactError::Magic);
    assert_eq!(error(b"{}"), ArtifactError::Magic);
    assert_eq!(error(b"PENTIMENTO-MODEL 27\nx"), ArtifactError::FormatVersion { found: "27".to_owned() });
    assert_eq!(
        error(b"PENTIMENTO-MODEL 27\nx").to_string(),
        "the model file has format \"27\", this program reads format 1 (classic models) and 3 (models of gains); \
         train the model again with this program"
    );
}

#[test]
fn forged_trees_with_a_right_digest_never_panic() {
    let artifact = artifact(Family::GradientBoosting);
    let (card, regressors) = parts(&artifact);
    let card = serde_json::to_vec(&card).unwrap();
    let mut readable = 0;
    for at in 0..regressors.len() {
        let mut forgery = regressors.clone();
        forgery[at] ^= 1 << (at % 8);
        // Changed thresholds make another sound model. Every model that is accepted must predict.
        if let Ok(read) = ModelArtifact::from_bytes(&forged(&card, &forgery), ENOUGH) {
            readable += 1;
            assert!(read.predict(&[0.5; 14]).is_ok());
        }
    }
    assert!(readable < regressors.len());
    let longer = [&regressors[..], &[0]].concat();
    assert!(error(&forged(&card, &longer)).to_string().contains("1 bytes follow them"));
    assert!(matches!(error(&forged(&card, &regressors[..9])), ArtifactError::Regressors { .. }));
    // Claims 2³² trees in a few bytes.
    let claims = [&[1_u8][..], &[0; 16], &[0xff, 0xff, 0xff, 0xff, 0x0f]].concat();
    assert!(matches!(error(&forged(&card, &claims)), ArtifactError::Regressors { .. }));
}

#[test]
fn foreign_cards_are_refused_with_their_reason() {
    let artifact = artifact(Family::RandomForest);
    let (card, regressors) = parts(&artifact);
    let changed = |key: &str, value: serde_json::Value| {
        let mut card = card.clone();
        card[key] = value;
        error(&forged(&serde_json::to_vec(&card).unwrap(), &regressors))
    };
    let found = |version: &str| version.to_owned();
    assert_eq!(
        changed("smartcore_version", "0.6.2".into()),
        ArtifactError::SmartcoreVersion { found: found("0.6.2"), needed: "0.7.0" }
    );
    assert_eq!(changed("format_version", 2.into()), ArtifactError::FormatVersion { found: found("2") });
    assert_eq!(
        changed("feature_schema", "seed-15/1".into()),
        ArtifactError::FeatureSchema { found: found("seed-15/1"), needed: FEATURE_SCHEMA }
    );
    assert!(changed("family", "gradient_boosting".into()).to_string().contains("not of the card's family"));
    assert!(changed("feature_names", vec!["mean"].into()).to_string().contains("its features are not"));
    assert!(changed("fit_sources", vec!["b", "a"].into()).to_string().contains("not sorted"));
    let mut bounds = card["bounds"].clone();
    bounds["sigma_min"] = 9.into();
    assert!(changed("bounds", bounds).to_string().contains("above its upper"));
    assert!(matches!(error(&forged(b"{", &regressors)), ArtifactError::Card { .. }));
    assert!(matches!(error(&file(&gzip(&[1, 0]))), ArtifactError::Card { .. }));
    assert!(matches!(error(&file(&gzip(&u32::MAX.to_le_bytes()))), ArtifactError::Card { .. }));
}

#[test]
fn a_bomb_is_not_inflated_beyond_the_limit() {
    // 64 MiB of zeros in 64 kB, cut in the middle: a reader that inflates beyond the limit reports the cut instead.
    let zeros = gzip(&vec![0; 64 << 20]);
    assert!(zeros.len() < 100_000);
    let bomb = file(&zeros[..zeros.len() / 2]);
    let limit = 1 << 20;
    let refused = ModelArtifact::from_bytes(&bomb, limit).unwrap_err();
    assert_eq!(refused, ArtifactError::TooLarge { max_decoded_bytes: limit });

    let artifact = artifact(Family::RandomForest);
    let (card, regressors) = parts(&artifact);
    let card_length = serde_json::to_vec(&card).unwrap().len();
    let decoded = 4 + card_length + regressors.len();
    let bytes = artifact.to_bytes();
    assert!(ModelArtifact::from_bytes(&bytes, decoded).is_ok());
    let refused = ModelArtifact::from_bytes(&bytes, decoded - 1).unwrap_err();
    assert_eq!(refused, ArtifactError::TooLarge { max_decoded_bytes: decoded - 1 });
}

#[test]
fn a_second_member_and_broken_compression_are_refused() {
    let (card, regressors) = parts(&artifact(Family::RandomForest));
    let card = serde_json::to_vec(&card).unwrap();
    let member = gzip(&[&(card.len() as u32).to_le_bytes()[..], &card, &regressors].concat());
    assert!(ModelArtifact::from_bytes(&file(&member), ENOUGH).is_ok());
    assert!(matches!(error(&file(&[&member[..], &member].concat())), ArtifactError::Compression { .. }));
    assert!(matches!(error(&file(&member[..member.len() - 1])), ArtifactError::Compression { .. }));
    assert!(matches!(error(&file(b"plain")), ArtifactError::Compression { .. }));
}

#[test]
#[should_panic(expected = "every number in a card is finite")]
fn a_card_that_could_not_be_read_back_is_not_written() {
    let mut artifact = artifact(Family::RandomForest);
    artifact.card.bounds.sigma_max = f64::INFINITY;
    artifact.to_bytes();
}
