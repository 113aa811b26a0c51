//! `POST /restore`: the pixels, bytes and headers of its answers.

use pentimento_core::{digest::digest, imaging::codec::Format, restoration::receipt::Receipt};
use sfv::{BareItem, Dictionary, ListEntry, Parser};

use crate::support::{TestApp, as_format, damaged, decode, golden, header, ok};

/// The name and the query of a file `NAME.cC.gS.tT.png`.
fn parse(file: &str) -> (String, String) {
    let (name, rest) = file.strip_suffix(".png").unwrap().split_once(".c").unwrap();
    let (color, rest) = rest.split_once(".g").unwrap();
    let (sigma, strength) = rest.split_once(".t").unwrap();
    let color = if color == "1" { "on" } else { "off" };
    (name.to_owned(), format!("color={color}&sigma={sigma}&strength={strength}"))
}

#[tokio::test]
async fn explicit_parameters_give_the_golden_pixels() {
    let app = TestApp::start().await;
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/restored");
    let mut n = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        let (name, query) = parse(&file);
        let response = ok(app.post(&format!("/restore?{query}"), damaged(&name))).await;
        assert_eq!(header(&response, "content-type"), "image/png");
        let restored = decode(&response.bytes().await.unwrap());
        assert!(restored == decode(&golden(&format!("restored/{file}"))), "{file}");
        n += 1;
    }
    assert_eq!(n, 150, "the golden folder holds 150 restored pictures");
}

#[tokio::test]
async fn lossless_formats_give_the_golden_pixels_too() {
    let app = TestApp::start().await;
    let expected = decode(&golden("restored/cast.c1.g1.0.t1.5.png"));
    for format in [Format::Png, Format::WebP, Format::Tiff, Format::Bmp] {
        let body = as_format(&damaged("cast"), format);
        let request =
            app.post("/restore?color=on&sigma=1&strength=1.5", body).header("content-type", format.mime());
        let response = ok(request).await;
        assert_eq!(header(&response, "content-type"), format.mime());
        let bytes = response.bytes().await.unwrap();
        assert_eq!(Format::sniff(&bytes), Some(format));
        assert!(decode(&bytes) == expected, "{format}");
    }
}

#[tokio::test]
async fn identity_returns_the_very_bytes() {
    let app = TestApp::start().await;
    for format in Format::ALL {
        let body = as_format(&damaged("smallest"), format);
        for query in ["color=off&strength=0", "color_method=none&strength=0&sigma=3", "color=off&strength=-0"]
        {
            let response = ok(app.post(&format!("/restore?{query}"), body.clone())).await;
            assert!(header(&response, "restoration").contains("untouched,"), "{:?}", response.headers());
            assert_eq!(response.bytes().await.unwrap(), body, "{format}");
        }
    }
}

#[tokio::test]
async fn headers_say_what_the_receipt_says() {
    let app = TestApp::start().await;
    let body = as_format(&damaged("cast-blur"), Format::Jpeg);
    for query in [
        "",
        "?sigma=1.23456&color=on",
        "?color=on&sigma=0.777&strength=-0.5&format=png",
        "?color=off&strength=0",
    ] {
        let path = format!("/restore{query}");
        let picture = ok(app.post(&path, body.clone())).await;
        let answer = ok(app.post(&path, body.clone()).header("accept", "application/json")).await;
        assert_eq!(header(&answer, "content-type"), "application/json");
        assert_eq!(header(&answer, "restoration"), header(&picture, "restoration"));
        let (restoration, content_digest) =
            (header(&picture, "restoration").to_owned(), header(&picture, "content-digest").to_owned());
        for (response, vary) in [(&picture, "Accept"), (&answer, "Accept, Accept-Encoding")] {
            assert_eq!(header(response, "vary"), vary);
            assert_eq!(header(response, "x-content-type-options"), "nosniff");
        }
        let length: usize = header(&picture, "content-length").parse().unwrap();
        let json_digest = header(&answer, "content-digest").to_owned();

        let (picture, json) = (picture.bytes().await.unwrap(), answer.bytes().await.unwrap());
        let receipt: Receipt = serde_json::from_slice(&json).unwrap();
        assert_eq!(length, picture.len());
        assert_eq!(receipt.output.sha256, digest(&picture));
        assert_eq!(receipt.input.sha256, digest(&body));
        assert_eq!(member(&content_digest, "sha-256"), bytes_of(&receipt.output.sha256));
        assert_eq!(member(&json_digest, "sha-256"), bytes_of(&digest(&json)));

        let parameters = receipt.parameters;
        let said = |key| member(&restoration, key);
        assert_eq!(said("color"), Some(BareItem::Boolean(parameters.color_method.is_on())));
        assert_eq!(said("color-method"), Some(BareItem::Token(token(parameters.color_method.name()))));
        assert_eq!(said("sigma"), Some(decimal(parameters.sigma)));
        assert_eq!(said("strength"), Some(decimal(parameters.strength)));
        assert_eq!(said("untouched"), Some(BareItem::Boolean(query.contains("strength=0"))));
        assert_eq!(said("reencoded"), Some(BareItem::Boolean(false)));
        assert_eq!(said("input-sha-256"), bytes_of(&receipt.input.sha256));
        assert!(!receipt.output.pixels_sha256.is_empty(), "a receipt has every digest");
        let model = receipt.model.map(|model| BareItem::String(model.id.try_into().unwrap()));
        assert_eq!(said("model"), model);
        assert_eq!(model.is_some(), !query.contains("strength"), "{query}");
    }
}

#[tokio::test]
async fn decimals_are_rounded_to_three_places_and_the_receipt_is_exact() {
    let app = TestApp::start().await;
    let request = app.post("/restore?color=off&sigma=1.23456&strength=0.98765", damaged("smallest"));
    let response = ok(request.header("accept", "application/json")).await;
    assert!(header(&response, "restoration").contains("sigma=1.235, strength=0.988"));
    let receipt: Receipt = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
    assert_eq!((receipt.parameters.sigma, receipt.parameters.strength), (1.23456, 0.98765));
}

#[tokio::test]
async fn server_timing_names_every_step_in_order() {
    let app = TestApp::start().await;
    let steps = |response: &reqwest::Response| -> Vec<(String, f64)> {
        let text = header(response, "server-timing").to_owned();
        let step = |s: &str| s.split_once(";dur=").map(|(n, d)| (n.to_owned(), d.parse().unwrap())).unwrap();
        text.split(", ").map(step).collect()
    };
    let names = |steps: &[(String, f64)]| steps.iter().map(|s| s.0.clone()).collect::<Vec<_>>().join(" ");
    let predicted = steps(&ok(app.post("/restore", damaged("blur"))).await);
    assert_eq!(names(&predicted), "receive wait decode features predict restore encode total");
    let (total, parts) = predicted.split_last().unwrap();
    let sum: f64 = parts.iter().map(|(_, took)| took).sum();
    assert!(sum > 0.0 && sum <= total.1 + 0.01, "{predicted:?}");
    let explicit = steps(&ok(app.post("/restore?color=on&sigma=1&strength=1", damaged("blur"))).await);
    assert_eq!(names(&explicit), "receive wait decode restore encode total");
}

#[tokio::test]
async fn format_quality_and_metadata_are_honoured() {
    let app = TestApp::start().await;
    let restored = async |query: &str| {
        let path = format!("/restore?color=off&sigma=1&strength=1&{query}");
        ok(app.post(&path, damaged("noise"))).await.bytes().await.unwrap()
    };
    let (fine, coarse) = (restored("format=jpeg&quality=90").await, restored("format=jpg&quality=20").await);
    assert_eq!((Format::sniff(&fine), Format::sniff(&coarse)), (Some(Format::Jpeg), Some(Format::Jpeg)));
    assert!(coarse.len() * 2 < fine.len(), "{} {}", coarse.len(), fine.len());
    let path = "/restore?metadata=strip&quality=100";
    let answer = ok(app.post(path, damaged("noise")).header("accept", "application/json")).await;
    let receipt: serde_json::Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
    assert_eq!(receipt["output"]["metadata"], "strip");
}

#[tokio::test]
async fn a_missing_parameter_is_predicted_and_the_given_ones_are_kept() {
    let app = TestApp::start().await;
    let receipt = async |query: &str| -> Receipt {
        let request = app.post(&format!("/restore{query}"), damaged("fade-blur-noise"));
        let answer = ok(request.header("accept", "application/json")).await;
        serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
    };
    let free = receipt("").await;
    let fixed = receipt("?sigma=3.5&color=off").await;
    assert_eq!((fixed.parameters.sigma, fixed.parameters.color_method.is_on()), (3.5, false));
    assert_eq!(fixed.parameters.strength, free.parameters.strength);
    assert_eq!((fixed.model, fixed.features), (free.model, free.features));
}

#[tokio::test]
async fn sixteen_requests_at_once_get_the_same_bytes() {
    let app = TestApp::start().await;
    let body = as_format(&damaged("cast"), Format::Jpeg);
    let requests = (0..16).map(|_| tokio::spawn(ok(app.post("/restore", body.clone()))));
    let requests: Vec<_> = requests.collect();
    let mut answers = Vec::new();
    for request in requests {
        answers.push(request.await.unwrap().bytes().await.unwrap());
    }
    assert_eq!(answers.len(), 16);
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert!(app.compute.has_room());
}

fn member(text: &str, key: &str) -> Option<BareItem> {
    let dictionary: Dictionary = Parser::new(text).parse().unwrap();
    match dictionary.get(key)? {
        ListEntry::Item(item) => Some(item.bare_item.clone()),
        other => panic!("{other:?}"),
    }
}

fn decimal(value: f64) -> BareItem {
    BareItem::Decimal(value.try_into().unwrap())
}

fn token(name: &str) -> sfv::Token {
    name.to_owned().try_into().unwrap()
}

fn bytes_of(hexadecimal: &str) -> Option<BareItem> {
    assert_eq!(hexadecimal.len(), 64);
    Some(BareItem::ByteSequence(hex::decode(hexadecimal).unwrap()))
}
