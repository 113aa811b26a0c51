//! TIFF files of several pages: restored whole or by one page, analysed, replayed, and refused for formats of one picture.

use pentimento_core::imaging::{
    Channels, Image,
    codec::{Encoding, Format, Limits, Metadata, encode, join_tiff_pages, page_count},
};
use serde_json::{Value, json};

use crate::{
    described,
    support::{TestApp, form_with_image, header, ok, problem},
};

/// A TIFF of two pages.
pub fn document() -> Vec<u8> {
    let encoding = Encoding { format: Format::Tiff, quality: None, subsampling: None, lossless: true };
    let page = |width: usize| {
        let samples = (0..width * 40).map(|i| (i * i % 251) as u8).collect();
        let image = Image::new(width, 40, Channels::Grey, samples, None).unwrap();
        encode(&image, &Metadata::default(), &encoding).unwrap()
    };
    join_tiff_pages(vec![page(40), page(50)]).unwrap()
}

const GIVEN: &str = "?color=off&sigma=1&strength=1";

async fn receipt(app: &TestApp, query: &str) -> Value {
    let request = app.post(&format!("/restore{query}"), document()).header("accept", "application/json");
    let receipt = serde_json::from_slice(&ok(request).await.bytes().await.unwrap()).unwrap();
    described::check(&receipt, "Receipt");
    receipt
}

fn pages_of(bytes: &[u8]) -> u32 {
    page_count(bytes, &Limits::default()).unwrap()
}

#[tokio::test]
async fn every_page_is_restored_or_one() {
    let app = TestApp::start().await;
    let answer = ok(app.post(&format!("/restore{GIVEN}"), document())).await;
    let shown = header(&answer, "restoration").to_owned();
    assert!(shown.contains("untouched=?0") && shown.contains("pages=2, pages-untouched=0"), "{shown}");
    let whole = answer.bytes().await.unwrap();
    assert_eq!(pages_of(&whole), 2);
    let record = receipt(&app, GIVEN).await;
    assert_eq!(record["pages"].as_array().unwrap().len(), 2);
    let form = form_with_image(document()).text("receipt", record.to_string());
    let replayed = ok(app.post_form("/replay", form)).await;
    assert_eq!(header(&replayed, "restoration"), shown);
    assert_eq!(replayed.bytes().await.unwrap(), whole);

    let query = format!("{GIVEN}&page=2");
    let alone = receipt(&app, &query).await;
    assert_eq!(alone, record["pages"][1]);
    let answer = ok(app.post(&format!("/restore{query}&format=png"), document())).await;
    assert!(header(&answer, "restoration").contains("page=2"));
    let form = form_with_image(document()).text("page", "1");
    let answer = ok(app.post_form(&format!("/restore{GIVEN}"), form)).await;
    assert_eq!(pages_of(&answer.bytes().await.unwrap()), 1);
}

#[tokio::test]
async fn a_page_that_is_missing_or_needed_is_said() {
    let app = TestApp::start().await;
    let refused = problem(app.post("/restore?page=3", document()), 422, "bad-parameter").await;
    assert_eq!((&refused["parameter"], &refused["value"]), (&json!("page"), &json!("3")));
    assert_eq!(refused["allowed"], "a whole number from 1 to 2");
    let refused = problem(app.post("/restore?format=jpeg", document()), 422, "unsupported-property").await;
    assert_eq!((&refused["parameter"], &refused["value"]), (&json!("page"), &json!(2)));
    for page in ["0", "-1", "two"] {
        problem(app.post(&format!("/restore?page={page}"), document()), 422, "bad-parameter").await;
    }
}

#[tokio::test]
async fn an_analysis_takes_the_first_page_or_the_wanted_one() {
    let app = TestApp::start().await;
    for (query, width, notes) in [("", 40, true), ("?page=2", 50, false)] {
        let seen = ok(app.post(&format!("/analyze{query}"), document())).await.bytes().await.unwrap();
        let seen: Value = serde_json::from_slice(&seen).unwrap();
        described::check(&seen, "Analysis");
        assert_eq!((&seen["width"], seen.get("notes").is_some()), (&json!(width), notes), "{seen}");
    }
}
