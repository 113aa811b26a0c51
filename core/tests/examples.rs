//! Runs the programs of `examples/` on the sample pictures.

#[allow(dead_code)]
#[path = "../examples/restore_bytes.rs"]
mod restore_bytes;
#[allow(dead_code)]
#[path = "../examples/score_pair.rs"]
mod score_pair;
#[allow(dead_code)]
#[path = "../examples/search_pair.rs"]
mod search_pair;

use pentimento_core::digest::digest;

const DAMAGED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../samples/faded.jpg");
const REFERENCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../samples/faded-undamaged.jpg");

#[test]
fn restore_bytes_writes_the_picture_of_its_receipt_and_brings_it_closer_to_the_reference() {
    let output = std::env::temp_dir().join(format!("pentimento-example-{}.jpg", std::process::id()));
    let path = output.to_str().unwrap();
    let receipt = restore_bytes::run(DAMAGED, path);
    let after = score_pair::run(REFERENCE, path);
    let bytes = std::fs::read(path);
    std::fs::remove_file(path).unwrap();
    let receipt: serde_json::Value = serde_json::from_str(&receipt.unwrap()).unwrap();
    assert_eq!(receipt["output"]["sha256"], digest(&bytes.unwrap()));
    let before = score_pair::run(REFERENCE, DAMAGED).unwrap();
    assert!(score(&after.unwrap()) > score(&before) + 0.01);
}

#[test]
fn search_pair_finds_a_candidate_that_gains() {
    let line = search_pair::run(REFERENCE, DAMAGED).unwrap();
    assert!(line.contains(" of 40: color "), "{line}");
    let number = |before: &str| -> f64 {
        let at = line.find(before).unwrap();
        line[..at].rsplit(' ').next().unwrap().parse().unwrap()
    };
    assert!(number(" after") > number(" before"), "{line}");
}

fn score(line: &str) -> f64 {
    line.rsplit(' ').next().unwrap().parse().unwrap()
}
