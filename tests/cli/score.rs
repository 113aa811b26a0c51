//! `score`: compares a reference with a candidate.

use pentimento_core::imaging::codec::Format;
use serde_json::json;

use crate::support::{PAIRS, Shell, damaged, plain, reference, truth};

#[test]
fn scores_equal_the_reference_values() {
    let shell = Shell::new();
    for pair in PAIRS {
        let found = shell.good(&["score", &reference(pair), &damaged(pair)]).json();
        let expected = &truth(pair)["untouched"];
        for key in ["psnr", "ssim", "score"] {
            match expected[key].as_f64() {
                Some(value) => {
                    let got = found[key].as_f64().unwrap();
                    assert!((got - value).abs() <= 1e-6, "{pair} {key}: {got} {value}");
                }
                None => assert!(found[key].is_null(), "{pair} {key}"),
            }
        }
        assert_eq!(found["identical"], pair == "undamaged");
        let resized = ["half-size", "off-by-one", "shrunk", "enlarged"].contains(&pair);
        assert_eq!(found["resized"], resized, "{pair}");
    }
}

#[test]
fn identical_pictures_have_no_psnr() {
    let shell = Shell::new();
    let ended = shell.good(&["score", &damaged("blur"), &damaged("blur")]);
    let expected = json!({ "psnr": null, "ssim": 1.0, "score": null, "identical": true, "resized": false });
    assert_eq!(ended.json(), expected);
}

#[test]
fn what_cannot_be_compared_is_named() {
    let shell = Shell::new();
    shell.write("small.png", plain(Format::Png, 6, 20, false));
    shell.write("bad.png", b"nothing");
    let blur = damaged("blur");
    shell.run(&["score", "small.png", &blur]).code(1).says(&["6×20", "at least 7 px"]);
    shell.run(&["score", &blur, "bad.png"]).code(1).says(&["bad.png: the bytes are none of"]);
    shell.run(&["score", "missing.png", &blur]).code(1).says(&["missing.png", "No such file"]);
    shell.run(&["score", &blur]).code(2).says(&["<CANDIDATE>"]);
}

#[test]
fn a_dash_is_standard_input() {
    let shell = Shell::new();
    let bytes = std::fs::read(damaged("dark")).unwrap();
    let plain = shell.good(&["score", &reference("dark"), &damaged("dark")]);
    let ended = shell.fed(&["score", &reference("dark"), "-"], &bytes).code(0);
    assert_eq!(ended.stdout, plain.stdout);
    shell.fed(&["score", "-", "-"], &bytes).code(2).says(&["standard input"]);
}
