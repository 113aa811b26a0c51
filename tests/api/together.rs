//! Several pictures as one roll: `together=true`.

use bytes::Bytes;
use pentimento_core::{
    imaging::codec::{self, Encoding, Format, Limits, Metadata},
    restoration::receipt::Receipt,
};
use reqwest::multipart::Form;
use serde_json::Value;

use crate::{
    described,
    several::{answered, form},
    support::{
        Setup, TestApp, as_format, check_problem, damaged, decode, form_with_image, golden, image_part, ok,
        problem,
    },
};

/// Crops of photographs that have no damage.
const NAMES: [&str; 6] = ["blur", "cast", "cast-blur", "half-size", "jpeg", "undamaged"];
const TOGETHER: &str = "/restore?together=true";

/// A reference as PNG, each channel mapped by a gain and an offset.
fn mapped(name: &str, maps: [(f64, f64); 3]) -> Vec<u8> {
    let mut image = decode(&golden(&format!("pairs/{name}.reference.png")));
    for pixel in image.samples_mut().as_chunks_mut::<3>().0 {
        for (sample, (gain, offset)) in pixel.iter_mut().zip(maps) {
            *sample = (gain * f64::from(*sample) + offset).round().clamp(0.0, 255.0) as u8;
        }
    }
    let encoding = Encoding { format: Format::Png, quality: None, subsampling: None, lossless: true };
    codec::encode(&image, &Metadata::default(), &encoding).unwrap()
}

/// A picture of the roll: red and blue have lost their darks.
fn faded(name: &str) -> Vec<u8> {
    mapped(name, [(0.55, 110.0), (0.85, 10.0), (0.75, 40.0)])
}

/// The roll with a picture that almost lost its red, and with bytes that are no picture.
fn pictures() -> Vec<(&'static str, Vec<u8>)> {
    let stranger = mapped("shrunk", [(0.25, 0.0), (0.7, 50.0), (0.8, 60.0)]);
    let mut pictures = NAMES.map(|name| (name, faded(name))).to_vec();
    pictures.insert(2, ("notes", b"no picture".to_vec()));
    pictures.push(("stranger", stranger));
    pictures
}

async fn app() -> TestApp {
    TestApp::with(Setup { is_built_in: true, ..Setup::default() }).await
}

#[tokio::test]
async fn a_roll_gets_one_transform_and_the_others_have_their_answers() {
    let app = app().await;
    let pictures = pictures();
    let parts = answered(app.post_form(TOGETHER, form(&pictures))).await;
    let numbers: Vec<usize> = parts.iter().map(|part| part.number).collect();
    assert_eq!(numbers, [1, 1, 2, 2, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8]);
    let bad = parts.iter().find(|part| part.mime == "application/problem+json").unwrap();
    assert_eq!(bad.number, 3);
    check_problem(&bad.json(), 415, "unknown-format");
    let receipts: Vec<(usize, Value)> = parts
        .iter()
        .filter(|part| part.mime == "application/json")
        .map(|part| (part.number, part.json()))
        .collect();
    for (number, receipt) in &receipts {
        described::check(receipt, "Receipt");
        let roll = &receipt["roll"];
        assert_eq!((&roll["pictures"], &roll["members"]), (&7.into(), &6.into()), "{roll}");
        assert_eq!(roll["role"], if *number == 8 { "outlier" } else { "member" });
        assert_eq!(roll["reason"], "worth_it");
        if *number != 8 {
            assert_eq!(receipt["coefficients"], receipts[0].1["coefficients"]);
        }
    }
    // The outlier is what it is alone, and every receipt replays alone.
    let picture = |number: usize| -> Bytes {
        parts.iter().find(|part| part.number == number && part.mime == "image/png").unwrap().body.clone()
    };
    let alone = ok(app.post("/restore", pictures[7].1.clone())).await.bytes().await.unwrap();
    assert_eq!(picture(8), alone);
    for (number, receipt) in receipts {
        let replay = Form::new()
            .part("receipt", image_part(receipt.to_string().into_bytes()))
            .part("image", image_part(pictures[number - 1].1.clone()));
        assert_eq!(ok(app.post_form("/replay", replay)).await.bytes().await.unwrap(), picture(number));
    }
    let memory = &app.state.memory;
    assert_eq!(memory.bodies.free(), memory.bodies.bytes_max(), "every body is given back");
}

#[tokio::test]
async fn the_parameter_may_stand_in_the_form_and_the_order_of_the_answers_changes_nothing() {
    let app = app().await;
    let mut pictures = pictures();
    let first = answered(app.post_form(TOGETHER, form(&pictures))).await;
    pictures.reverse();
    let fields = |pictures: &[(&str, Vec<u8>)]| {
        pictures.iter().fold(Form::new().text("together", "true"), |form, (name, bytes)| {
            form.part("image", image_part(bytes.clone()).file_name((*name).to_owned()))
        })
    };
    let second = answered(app.post_form("/restore?order=ready", fields(&pictures))).await;
    assert_eq!(first.len(), second.len());
    let n = pictures.len();
    for part in &first {
        let other =
            second.iter().find(|other| other.number == n + 1 - part.number && other.mime == part.mime);
        let other = other.unwrap();
        if part.mime != "application/problem+json" {
            assert_eq!(part.body, other.body, "picture {}", part.number);
        }
    }
}

#[tokio::test]
async fn without_a_roll_every_picture_is_alone() {
    let app = app().await;
    let alone = |path: &'static str, bytes: Vec<u8>| async {
        ok(app.post_form(path, form_with_image(bytes))).await.bytes().await.unwrap()
    };
    assert_eq!(alone(TOGETHER, faded("cast")).await, alone("/restore", faded("cast")).await);
    // Two pictures are no roll.
    let two = form(&[("a", faded("cast")), ("b", faded("blur"))]);
    let parts = answered(app.post_form(TOGETHER, two)).await;
    assert_eq!(parts[0].body, alone("/restore", faded("cast")).await);
    assert!(parts[1].json().get("roll").is_none());
    // With all parameters given there is nothing to decide.
    let given = "/restore?together=true&color=on&sigma=1&strength=1";
    let parts = answered(app.post_form(given, form(&pictures()))).await;
    assert!(parts.iter().all(|part| !part.body.windows(6).any(|bytes| bytes == b"\"roll\"")));
    assert_eq!(parts[0].body, alone(given, faded("blur")).await);
    // The classic kind of model predicts no transforms.
    let classic = TestApp::start().await;
    let parts = answered(classic.post_form(TOGETHER, form(&pictures()))).await;
    let receipt: Receipt = serde_json::from_slice(&parts[1].body).unwrap();
    assert!(receipt.roll.is_none() && receipt.model.is_some());
}

#[tokio::test]
async fn what_does_not_fit_is_refused_with_its_limit_and_setting() {
    // A third is for bodies.
    let app = TestApp::with(Setup { memory_bytes: 24 << 20, ..Setup::default() }).await;
    let bmp = as_format(&golden("pairs/half-size.reference.png"), Format::Bmp);
    let n = (8 << 20) / bmp.len() + 1;
    let many: Vec<(&str, Vec<u8>)> = (0..n).map(|_| ("a.bmp", bmp.clone())).collect();
    // The announced length can never fit.
    let refused = problem(app.post_form(TOGETHER, form(&many)), 413, "body-too-large").await;
    assert_eq!(refused["setting"], "memory.budget_bytes");
    assert_eq!(refused["limit"], app.state.memory.bodies.bytes_max());
    // Without an announced length, the memory is taken when the last picture comes.
    let stream = many.iter().map(|(_, bytes)| {
        let head = "--b\r\nContent-Disposition: form-data; name=\"image\"\r\n\r\n";
        Ok::<_, std::io::Error>([head.as_bytes(), bytes, b"\r\n"].concat())
    });
    let pieces: Vec<_> = stream.chain([Ok(b"--b--\r\n".to_vec())]).collect();
    let body = reqwest::Body::wrap_stream(tokio_stream::iter(pieces));
    let request = app.post(TOGETHER, body).header("content-type", "multipart/form-data; boundary=b");
    assert_eq!(problem(request, 503, "memory-full").await["setting"], "memory.budget_bytes");
    // Without the roll, the same pictures pass one after the other.
    assert_eq!(answered(app.post_form("/restore", form(&many))).await.len(), 2 * n);
    let memory = &app.state.memory;
    assert_eq!(memory.bodies.free(), memory.bodies.bytes_max());

    let many = vec![("x.gif", b"GIF89a".to_vec()); 101];
    let refused = problem(app.post_form(TOGETHER, form(&many)), 422, "too-many-pictures").await;
    assert_eq!((&refused["limit"], &refused["setting"]), (&100.into(), &"limits.pictures_max".into()));
    let limits = Limits { input_bytes_max: bmp.len() as u64 - 1, ..Limits::default() };
    let app = TestApp::with(Setup { limits, ..Setup::default() }).await;
    let large = form(&[("a", damaged("smallest")), ("b", bmp)]);
    let refused = problem(app.post_form(TOGETHER, large), 413, "body-too-large").await;
    assert_eq!(refused["setting"], "limits.input_bytes_max");
}

#[tokio::test]
async fn a_roll_is_no_job_yet_and_a_bad_value_is_named() {
    let app = TestApp::start().await;
    let two = || form(&[("a", damaged("smallest")), ("b", damaged("smallest"))]);
    let job = app.post_form(TOGETHER, two()).header("prefer", "respond-async");
    assert_eq!(problem(job, 422, "contradicting-parameters").await["parameter"], "together");
    let in_form = two().text("together", "true");
    let parts = answered(app.post_form("/restore", in_form)).await;
    check_problem(&parts.last().unwrap().json(), 422, "unknown-parameter");
    let bad = problem(app.post_form("/restore?together=maybe", two()), 422, "bad-parameter").await;
    assert_eq!(bad["allowed"], "true, false");
    problem(app.post("/analyze?together=true", damaged("smallest")), 422, "unknown-parameter").await;
}
