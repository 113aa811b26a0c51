//! `POST /restore` with `Prefer: respond-async`: the picture becomes a job.

use std::{fs, os::unix::fs::PermissionsExt as _, path::PathBuf};

use bytes::Bytes;
use pentimento::jobs::restore_request::{RestorePictures, UploadedPicture};
use pentimento_core::{
    digest::digest,
    imaging::codec::{Format, Limits},
    models::predictor::Predictor,
    restoration::{self, RestoreRequest, Watch},
};
use reqwest::{Method, RequestBuilder, header};
use serde_json::{Value, json};

use crate::{
    described,
    jobs_support::{JobsApp, job_of, picture},
    support::{damaged, ok, problem, send},
};

const GIVEN: &str =
    "?color=on&sigma=1.5&strength=0.75&tone=keep&assume=faded&format=webp&quality=80&metadata=strip";

fn restore(app: &JobsApp, query: &str, body: &[u8]) -> RequestBuilder {
    app.request(Method::POST, &format!("/restore{query}")).body(body.to_vec())
}

fn restore_later(app: &JobsApp, query: &str, body: &[u8]) -> RequestBuilder {
    restore(app, query, body).header("prefer", "respond-async, wait=1")
}

/// Submits a picture, checks the answer and returns the job's id.
async fn accepted(app: &JobsApp, query: &str, body: &[u8]) -> String {
    let response = send(restore_later(app, query, body)).await;
    let status = response.status();
    assert_eq!(status, 202, "{}", response.text().await.unwrap());
    let location = response.headers()["location"].to_str().unwrap().to_owned();
    assert_eq!(response.headers()["preference-applied"], "respond-async");
    let job = job_of(response).await;
    assert_eq!((&job["kind"], location.strip_prefix("/jobs/")), (&json!("restore"), job["id"].as_str()));
    assert_eq!(job["request"]["pictures"][0]["sha256"], digest(body));
    job["id"].as_str().unwrap().to_owned()
}

/// Names of the files in a job's folder; `None` without a folder.
fn files(app: &JobsApp, id: &str) -> Option<Vec<String>> {
    let names = fs::read_dir(app.path("data/jobs").join(id)).ok()?;
    let mut names: Vec<String> = names.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    Some(names)
}

/// A program that never ends, so that a picture stays in work until it is cancelled.
fn sleeper(folder: &tempfile::TempDir) -> PathBuf {
    let path = folder.path().join("sleeper");
    fs::write(&path, "#!/bin/sh\nexec sleep 600\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

#[tokio::test]
async fn the_job_gives_the_same_picture_headers_and_receipt_as_the_route() {
    let app = JobsApp::start().await;
    let body = damaged("jpeg");
    let now = ok(restore(&app, GIVEN, &body)).await;
    let headers = now.headers().clone();
    let expected = now.bytes().await.unwrap();
    let receipt: Value = {
        let asked = restore(&app, GIVEN, &body).header("accept", "application/json");
        ok(asked).await.json().await.unwrap()
    };
    let id = accepted(&app, GIVEN, &body).await;
    let job = app.ended(&id).await;
    assert_eq!((&job["state"], &job["counts"]["done"]), (&json!("finished"), &json!(1)), "{job}");
    assert_eq!((&job["request"]["tone"], &job["request"]["assume"]), (&json!("keep"), &json!("faded")));

    let path = format!("/jobs/{id}/results");
    let later = ok(app.get(&path)).await;
    for name in ["content-type", "content-digest", "restoration"] {
        assert_eq!(later.headers()[name], headers[name], "{name}");
    }
    let tag = later.headers()["etag"].to_str().unwrap().to_owned();
    assert_eq!(later.headers()["content-length"], expected.len().to_string());
    assert!(later.bytes().await.unwrap() == expected);
    let part = send(app.get(&path).header(header::RANGE, "bytes=10-19")).await;
    assert_eq!(part.status(), 206);
    assert!(part.bytes().await.unwrap() == expected[10..20]);
    let unchanged = send(app.get(&path).header(header::IF_NONE_MATCH, &tag)).await;
    assert_eq!((unchanged.status().as_u16(), unchanged.headers()["etag"].to_str().unwrap()), (304, &*tag));
    let head = send(app.request(Method::HEAD, &path)).await;
    assert_eq!(head.headers()["content-length"], expected.len().to_string());

    let found = ok(app.get(&format!("{path}?view=receipt"))).await;
    assert_eq!(found.headers()["content-type"], "application/json");
    let found: Value = found.json().await.unwrap();
    described::check(&found, "Receipt");
    assert_eq!(found, receipt);
    problem(app.get(&format!("{path}?view=card")), 422, "bad-parameter").await;
    problem(app.get(&format!("{path}?picture=2")), 422, "bad-parameter").await;

    // The uploaded bytes are gone. The results go with the job.
    assert_eq!(files(&app, &id).unwrap(), ["receipt-0.json", "restored-0"]);
    assert_eq!(send(app.request(Method::DELETE, &format!("/jobs/{id}"))).await.status(), 204);
    assert_eq!(files(&app, &id), None);
}

#[tokio::test]
async fn parameters_are_predicted_by_the_model_of_the_settings() {
    let app = JobsApp::start().await;
    let body = damaged("cast-blur");
    let id = accepted(&app, "", &body).await;
    app.ended(&id).await;
    // `JobsApp` answers requests with a model of its own; its jobs have the built-in one.
    let predictor = Predictor::built_in();
    let request = RestoreRequest::default();
    let expected =
        restoration::restore(&body, &request, &predictor, &Limits::default(), &mut Watch::none()).unwrap();
    let found = app.results(&id, "", "*/*").await;
    assert!(found == expected.bytes.as_ref());
    let receipt = app.results(&id, "?view=receipt", "*/*").await;
    assert!(receipt == serde_json::to_vec(&expected.receipt).unwrap());
}

#[tokio::test]
async fn a_repeated_request_with_a_key_is_the_same_job() {
    let app = JobsApp::start().await;
    let (one, two) = (damaged("smallest"), damaged("jpeg"));
    let post = |query: &str, body: &[u8]| restore_later(&app, query, body).header("idempotency-key", "k");
    let first = job_of(send(post("", &one)).await).await;
    let again = job_of(send(post("", &one)).await).await;
    assert_eq!(first["id"], again["id"]);
    problem(post("", &two), 422, "idempotency-key-reused").await;
    problem(post("?strength=1", &one), 422, "idempotency-key-reused").await;
    let id = first["id"].as_str().unwrap();
    app.ended(id).await;
    assert_eq!(job_of(send(post("", &one)).await).await["state"], "finished");
    let list: Value = ok(app.get("/jobs")).await.json().await.unwrap();
    assert_eq!(list["jobs"].as_array().unwrap().len(), 1);
    // Only the folder of the one job is there.
    assert_eq!(fs::read_dir(app.path("data/jobs")).unwrap().count(), 1);
}

#[tokio::test]
async fn a_picture_that_cannot_be_restored_has_the_problem_of_the_route() {
    let app = JobsApp::with(|setup| setup.limits.pixels_max = 1000).await;
    let body = damaged("jpeg");
    let id = accepted(&app, "", &body).await;
    let job = app.ended(&id).await;
    assert_eq!(job["state"], "failed");
    let failure = &job["failures"][0];
    // The jobs of this service have a limit of their own, which the header of the picture exceeds.
    assert_eq!(failure["problem"]["type"], "/problems/too-many-pixels", "{failure}");
    assert_eq!(failure["problem"]["limit"], 1000);
    assert_eq!(failure["problem"]["detail"], failure["reason"]);
    problem(app.get(&format!("/jobs/{id}/results")), 409, "job-state").await;
    problem(app.request(Method::POST, &format!("/jobs/{id}/retry")), 409, "job-state").await;
    assert_eq!(files(&app, &id).unwrap(), [""; 0]);

    let app = JobsApp::start().await;
    let cut = &body[..body.len() / 2];
    let expected = problem(restore(&app, "", cut), 422, "broken-picture").await;
    let id = accepted(&app, "", cut).await;
    let job = app.ended(&id).await;
    let found = &job["failures"][0]["problem"];
    for member in ["type", "title", "status", "detail"] {
        assert_eq!(found[member], expected[member], "{job}");
    }
    // What needs no work is refused at once.
    problem(restore_later(&app, "?sigma=99", cut), 422, "bad-parameter").await;
    problem(restore_later(&app, "", b"no picture"), 415, "unknown-format").await;
}

#[tokio::test]
async fn waiting_pictures_take_room_until_they_are_cancelled() {
    let scripts = tempfile::tempdir().unwrap();
    let body = picture(100, 1);
    let app = JobsApp::with(|setup| {
        setup.program = sleeper(&scripts);
        setup.settings.concurrency = 1;
        setup.settings.stored_bytes_max = 2 * body.len() as u64 + 10;
    })
    .await;
    let ids = [accepted(&app, "", &body).await, accepted(&app, "", &body).await];
    app.until(&ids[0], |job| job["state"] == "running").await;
    let full = problem(restore_later(&app, "", &body), 503, "storage-full").await;
    assert_eq!(full["setting"], "jobs.stored_bytes_max");
    assert_eq!(full["limit"], 2 * body.len() + 10);
    let large = problem(restore_later(&app, "", &picture(200, 1)), 413, "body-too-large").await;
    assert_eq!(large["setting"], "jobs.stored_bytes_max");
    assert_eq!(ok(restore(&app, "", &body)).await.status(), 200, "without a job there is room");
    // The running job and the waiting one.
    for id in &ids {
        assert_eq!(files(&app, id).unwrap(), ["picture-0"]);
        let cancelled = ok(app.request(Method::POST, &format!("/jobs/{id}/cancel"))).await;
        assert_eq!(job_of(cancelled).await["state"], "cancelled");
        assert_eq!(files(&app, id), None, "at once");
        problem(app.get(&format!("/jobs/{id}/results")), 409, "job-state").await;
    }
    let third = accepted(&app, "", &body).await;
    app.until(&third, |job| job["state"] == "running").await;
}

#[tokio::test]
async fn several_pictures_are_tasks_of_one_job() {
    let app = JobsApp::start().await;
    let bodies = [damaged("smallest"), b"BMbroken".to_vec(), damaged("jpeg")];
    let formats = [None, None, Some(Format::Tiff)];
    let described = bodies.iter().zip(formats).map(|(bytes, format)| UploadedPicture {
        name: "scan".to_owned(),
        sha256: digest(bytes),
        size_bytes: bytes.len() as u64,
        format,
    });
    let request = RestorePictures::new(described.collect(), &RestoreRequest::default());
    let bytes = bodies.iter().map(|bytes| Bytes::from(bytes.clone())).collect();
    let job = app.jobs().submit_pictures(request, bytes, None).await.unwrap();
    let ended = app.ended(&job.id).await;
    assert_eq!(
        (&ended["state"], &ended["counts"]["done"], &ended["counts"]["failed"]),
        (&json!("finished"), &json!(2), &json!(1)),
        "{ended}"
    );
    let path = format!("/jobs/{}/results", job.id);
    let unnamed = problem(app.get(&path), 422, "bad-parameter").await;
    assert_eq!(unnamed["parameter"], "picture");
    problem(app.get(&format!("{path}?picture=2")), 409, "job-state").await;
    problem(app.get(&format!("{path}?picture=4")), 422, "bad-parameter").await;
    let tiff = ok(app.get(&format!("{path}?picture=3"))).await;
    assert_eq!(tiff.headers()["content-type"], "image/tiff");
    let receipt: Value = ok(app.get(&format!("{path}?picture=1&view=receipt"))).await.json().await.unwrap();
    assert_eq!(receipt["input"]["sha256"], digest(&bodies[0]));
    assert!(files(&app, &job.id).unwrap().iter().all(|name| !name.starts_with("picture")));
    // The retention deletes the job with its files.
    pentimento::jobs::retention::forget_before(&app.jobs(), i64::MAX).await.unwrap();
    assert_eq!(files(&app, &job.id), None);
}

#[tokio::test]
async fn without_the_preference_nothing_is_stored() {
    let app = JobsApp::start().await;
    for prefer in ["wait=5", "return=minimal", "respond-sync"] {
        let answer = ok(restore(&app, "", &damaged("smallest")).header("prefer", prefer)).await;
        assert!(answer.headers().get("preference-applied").is_none());
    }
    assert!(!app.path("data/jobs").exists());
    let list: Value = ok(app.get("/jobs")).await.json().await.unwrap();
    assert_eq!(list["jobs"], json!([]));
}
