//! What HTTP's standards ask of every answer: entity tags and 304, `HEAD`, digests, codings, `Vary`, fixed headers.

use std::{collections::BTreeMap, io::Read as _};

use reqwest::{Method, Response, StatusCode, header::HeaderMap};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256, Sha512};

use crate::{
    jobs_support::JobsApp,
    support::{RawClient, TestApp, damaged, header, ok, problem, send},
};

/// A service with a dataset and a job that has ended, and the paths of its documents.
async fn documents() -> (JobsApp, Vec<String>) {
    let app = JobsApp::start().await;
    app.dataset("d", &["cast", "smallest"]);
    let job = app.run("optimize", &json!({ "dataset": "d" })).await;
    let job = format!("/jobs/{}", job["id"].as_str().unwrap());
    let fixed = ["/", "/openapi.yaml", "/version", "/datasets", "/datasets/d", "/jobs", "/jobs?limit=1"];
    let paths = fixed.map(str::to_owned).into_iter().chain([job.clone(), format!("{job}/results")]).collect();
    (app, paths)
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let coded = bytes.chunks(3).map(|chunk| {
        let word =
            chunk.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        let digit = |i: usize| {
            if i <= chunk.len() { ALPHABET[(word >> (18 - 6 * i)) as usize & 63] as char } else { '=' }
        };
        (0..4).map(digit).collect::<String>()
    });
    coded.collect()
}

fn sha256_field(bytes: &[u8]) -> String {
    format!("sha-256=:{}:", base64(&Sha256::digest(bytes)))
}

/// The headers of an answer by name, without those that differ from answer to answer.
fn lasting(headers: &HeaderMap) -> BTreeMap<&str, &[u8]> {
    let changing = ["date", "x-request-id", "server-timing"];
    let lines = headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    lines.filter(|(name, _)| !changing.contains(name)).collect()
}

#[tokio::test]
async fn everything_with_an_address_has_a_tag_and_is_sent_once() {
    let (app, paths) = documents().await;
    for path in paths {
        let whole = ok(app.get(&path)).await;
        let headers = whole.headers().clone();
        let etag = header(&whole, "etag").to_owned();
        assert!(etag.starts_with('"') && etag.len() == 66, "{path}: {etag}");
        assert_eq!(header(&whole, "cache-control"), "no-cache", "{path}");
        assert_eq!(whole.headers().get_all("vary").iter().count(), 1, "{path}");
        let digest = header(&whole, "content-digest").to_owned();
        let body = whole.bytes().await.unwrap();
        assert_eq!(digest, sha256_field(&body), "{path}");
        assert_eq!(etag, format!("\"{}\"", hex::encode(Sha256::digest(&body))), "{path}");
        for known in [etag.clone(), format!("W/{etag}"), format!("\"x,y\", {etag}"), "*".to_owned()] {
            let same = send(app.get(&path).header("if-none-match", &known)).await;
            assert_eq!(same.status(), StatusCode::NOT_MODIFIED, "{path} {known}");
            for kept in ["etag", "cache-control", "vary"] {
                assert_eq!(same.headers()[kept], headers[kept], "{path} {kept}");
            }
            header(&same, "x-request-id");
            for gone in
                ["content-type", "content-length", "content-digest", "repr-digest", "transfer-encoding"]
            {
                assert!(!same.headers().contains_key(gone), "{path} {gone}");
            }
            assert!(same.bytes().await.unwrap().is_empty());
        }
        for other in ["\"x\"", "W/\"x\"", "nonsense", ""] {
            ok(app.get(&path).header("if-none-match", other)).await;
        }
        // HEAD: the same headers, but the digest is of the representation, and the condition holds too.
        let head = send(app.request(Method::HEAD, &path)).await;
        let mut expected = lasting(&headers);
        let digest = expected.remove("content-digest").unwrap();
        expected.insert("repr-digest", digest);
        assert_eq!(lasting(head.headers()), expected, "{path}");
        assert_eq!(header(&head, "content-length"), body.len().to_string(), "{path}");
        let same = send(app.request(Method::HEAD, &path).header("if-none-match", &etag)).await;
        assert_eq!(same.status(), 304, "{path}");
    }
    let health = ok(app.get("/health/live").header("if-none-match", "*")).await;
    assert_eq!(header(&health, "cache-control"), "no-store");
    assert!(!health.headers().contains_key("etag"));
    let gone = problem(app.get("/jobs/NOPE").header("if-none-match", "*"), 404, "unknown-job");
    gone.await;
}

#[tokio::test]
async fn a_connection_stays_usable_after_answers_without_a_body() {
    let app = TestApp::start().await;
    let mut client = app.connect().await;
    let host = "Host: localhost\r\n";
    for (ask, status) in [
        (format!("GET /version HTTP/1.1\r\n{host}If-None-Match: *\r\n\r\n"), "304"),
        (format!("HEAD /version HTTP/1.1\r\n{host}\r\n"), "200"),
        (format!("HEAD /version HTTP/1.1\r\n{host}Accept-Encoding: gzip\r\n\r\n"), "200"),
        (format!("HEAD /nowhere HTTP/1.1\r\n{host}\r\n"), "404"),
        (format!("HEAD /restore HTTP/1.1\r\n{host}\r\n"), "405"),
        (format!("OPTIONS /version HTTP/1.1\r\n{host}\r\n"), "204"),
        (format!("GET /version HTTP/1.1\r\n{host}Accept-Encoding: gzip\r\nIf-None-Match: *\r\n\r\n"), "304"),
    ] {
        client.send(&ask).await;
        let head = client.head().await;
        assert!(head.starts_with(&format!("http/1.1 {status} ")), "{ask}{head}");
        assert!(!head.contains("connection: close"), "{ask}{head}");
    }
    client.send(format!("GET /health/live HTTP/1.1\r\n{host}\r\n")).await;
    assert_eq!(client.answer().await.1, b"{\"status\":\"live\"}");
}

#[tokio::test]
async fn head_of_a_problem_has_the_length_of_the_problem() {
    let app = TestApp::start().await;
    let id = |request: reqwest::RequestBuilder| request.header("x-request-id", "same");
    for path in ["/nowhere", "/jobs/1"] {
        let get = send(id(app.get(path))).await;
        let head = send(id(app.client.head(format!("http://{}{path}", app.address)))).await;
        assert_eq!(get.status(), head.status(), "{path}");
        assert_eq!(header(&get, "content-length"), header(&head, "content-length"), "{path}");
        assert_eq!(header(&get, "content-digest"), header(&head, "repr-digest"), "{path}");
    }
}

#[tokio::test]
async fn head_of_a_stream_ends_at_once() {
    let app = JobsApp::start().await;
    app.slow_pair("d", "slow", 1500);
    let job = app.accepted("optimize", &json!({ "dataset": "d", "grid": "full" })).await;
    let base = format!("/jobs/{}", job["id"].as_str().unwrap());
    let mut client = RawClient::to(app.address()).await;
    for (path, content_type) in [("events", "text/event-stream"), ("results", "text/csv")] {
        client.send(format!("HEAD {base}/{path} HTTP/1.1\r\nHost: localhost\r\n\r\n")).await;
        let head = client.head().await;
        assert!(head.starts_with("http/1.1 200 ") && head.contains("cache-control: no-store"), "{head}");
        assert!(
            head.contains(&format!("content-type: {content_type}")) && !head.contains("content-length"),
            "{head}"
        );
    }
    // Events are never compressed: each one must arrive at once.
    let events = ok(app.get(&format!("{base}/events")).header("accept-encoding", "gzip, zstd")).await;
    assert!(!events.headers().contains_key("content-encoding"));
    send(app.request(Method::POST, &format!("{base}/cancel"))).await;
}

/// The bytes that a coded body stands for.
fn decoded(coding: &str, bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    match coding {
        "gzip" => flate2::read::GzDecoder::new(bytes).read_to_end(&mut plain),
        "zstd" => zstd::Decoder::new(bytes).unwrap().read_to_end(&mut plain),
        other => panic!("{other}"),
    }
    .unwrap();
    plain
}

#[tokio::test]
async fn text_is_compressed_for_clients_that_accept_it() {
    let (app, paths) = documents().await;
    for path in paths {
        let plain = ok(app.get(&path)).await;
        let vary = header(&plain, "vary").to_owned();
        assert!(vary.contains("Accept-Encoding"), "{path}: {vary}");
        let strong = header(&plain, "etag").to_owned();
        let plain = plain.bytes().await.unwrap();
        for (accepted, coding) in
            [("gzip", "gzip"), ("gzip, deflate, br, zstd", "zstd"), ("br, x-gzip;q=0.2", "gzip")]
        {
            let coded = ok(app.get(&path).header("accept-encoding", accepted)).await;
            assert_eq!(header(&coded, "content-encoding"), coding, "{path}");
            assert_eq!(header(&coded, "vary"), vary, "{path}");
            let weak = header(&coded, "etag").to_owned();
            assert_eq!(weak, format!("W/{strong}"), "{path}");
            for gone in ["content-digest", "repr-digest", "content-length", "accept-ranges"] {
                assert!(!coded.headers().contains_key(gone), "{path} {gone}");
            }
            assert!(decoded(coding, &coded.bytes().await.unwrap()) == plain, "{path}");
            for known in [&weak, &strong] {
                let same = app.get(&path).header("accept-encoding", accepted).header("if-none-match", known);
                let same = send(same).await;
                assert_eq!((same.status().as_u16(), header(&same, "etag")), (304, &*weak), "{path}");
                assert!(!same.headers().contains_key("content-encoding"));
            }
        }
        for refused in ["identity", "gzip;q=0", "br"] {
            let whole = ok(app.get(&path).header("accept-encoding", refused)).await;
            assert!(!whole.headers().contains_key("content-encoding"));
            assert_eq!(header(&whole, "etag"), strong);
        }
        let refused = problem(app.get(&path).header("accept-encoding", "*;q=0"), 406, "not-acceptable").await;
        assert_eq!(refused["offers"], json!(["gzip", "zstd", "identity"]));
    }
}

#[tokio::test]
async fn pictures_parquet_and_ranges_are_never_compressed() {
    let (app, paths) = documents().await;
    let gzip = |request: reqwest::RequestBuilder| request.header("accept-encoding", "gzip, zstd");
    let uncoded = |response: &Response| {
        assert!(!response.headers().contains_key("content-encoding"), "{:?}", response.headers());
        let digest = response.headers().contains_key("content-digest");
        assert!(digest || response.status() == 206, "{:?}", response.headers());
    };
    uncoded(&ok(gzip(app.request(Method::POST, "/restore").body(damaged("smallest")))).await);
    let results = paths.last().unwrap();
    let parquet = gzip(app.get(results)).header("accept", "application/vnd.apache.parquet");
    uncoded(&ok(parquet).await);
    let whole = ok(app.get(results)).await;
    let etag = header(&whole, "etag").to_owned();
    let whole = whole.bytes().await.unwrap();
    let part = send(gzip(app.get(results)).header("range", "bytes=3-9").header("if-range", &etag)).await;
    assert_eq!((part.status().as_u16(), header(&part, "etag")), (206, &*etag));
    assert_eq!(header(&part, "repr-digest"), sha256_field(&whole));
    assert!(!part.headers().contains_key("content-digest"));
    uncoded(&part);
    assert!(part.bytes().await.unwrap() == whole[3..=9]);
    // Only GET has ranges.
    let head = send(app.request(Method::HEAD, results).header("range", "bytes=3-9")).await;
    assert_eq!((head.status().as_u16(), header(&head, "content-length")), (200, &*whole.len().to_string()));
    // The receipt of a picture is text.
    let receipt =
        app.request(Method::POST, "/restore").body(damaged("smallest")).header("accept", "application/json");
    let receipt = ok(gzip(receipt)).await;
    assert_eq!(header(&receipt, "content-encoding"), "zstd");
    assert_eq!(header(&receipt, "vary"), "Accept, Accept-Encoding");
    assert!(!receipt.headers().contains_key("content-digest"));
}

#[tokio::test]
async fn answers_in_json_carry_their_digest_and_problems_too() {
    let app = TestApp::start().await;
    let analysis = app.post("/analyze", damaged("smallest"));
    let receipt = app.post("/restore", damaged("smallest")).header("accept", "application/json");
    for request in [analysis, receipt, app.get("/nowhere"), app.post("/version", ""), app.get("/health/live")]
    {
        let response = send(request).await;
        let digest = header(&response, "content-digest").to_owned();
        assert_eq!(digest, sha256_field(&response.bytes().await.unwrap()));
    }
}

#[tokio::test]
async fn the_digest_of_a_body_is_verified() {
    let app = JobsApp::start().await;
    app.dataset("d", &["smallest"]);
    let body = json!({ "dataset": "d" });
    let bytes = body.to_string();
    let submit = |digest: &str| app.submit("optimize", &body).header("content-digest", digest);
    let sha512 = format!("sha-512=:{}:", base64(&Sha512::digest(&bytes)));
    let both = format!("{sha512}, {}", sha256_field(bytes.as_bytes()));
    for right in [&sha256_field(bytes.as_bytes()), &sha512, &both, "md5=:AAAA:"] {
        assert_eq!(send(submit(right)).await.status(), 202, "{right}");
    }
    let wrong = sha256_field(b"other");
    for wrong in [&wrong, &format!("{sha512}, {wrong}")] {
        let refused = problem(submit(wrong), 422, "digest-mismatch").await;
        assert_eq!(refused["parameter"], "Content-Digest");
    }
    for bad in ["sha-256=:AAAA:", "sha-256", "?"] {
        assert_eq!(problem(submit(bad), 422, "bad-parameter").await["parameter"], "Content-Digest");
    }
}

#[tokio::test]
async fn every_answer_has_one_request_id_and_the_headers_of_security() {
    let app = TestApp::start().await;
    let request = |method: &str, path: &str| {
        app.client.request(method.parse().unwrap(), format!("http://{}{path}", app.address))
    };
    for (request, status) in [
        (request("GET", "/version"), 200),
        (request("HEAD", "/version"), 200),
        (request("GET", "/version").header("if-none-match", "*"), 304),
        (request("GET", "/nowhere"), 404),
        (request("DELETE", "/version"), 405),
        (request("OPTIONS", "/restore"), 204),
        (request("POST", "/restore").header("content-type", "text/plain").body("x"), 415),
        (request("GET", "/jobs"), 503),
        (request("GET", "/health/live"), 200),
        (app.post("/restore", damaged("smallest")), 200),
    ] {
        // Two ids are none: the service makes its own.
        let response = send(request.header("x-request-id", "a").header("x-request-id", "b")).await;
        assert_eq!(response.status(), status);
        let ids: Vec<_> = response.headers().get_all("x-request-id").iter().collect();
        assert!(ids.len() == 1 && ids[0].len() == 36, "{ids:?}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("content-security-policy", "default-src 'none'; frame-ancestors 'none'; sandbox"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            let values: Vec<_> = response.headers().get_all(name).iter().collect();
            assert_eq!(values, [value], "{status} {name}");
        }
    }
}

#[tokio::test]
async fn options_names_the_content_types_of_a_body() {
    let app = TestApp::start().await;
    let pictures = "image/*, application/octet-stream, multipart/form-data";
    for (path, types) in [
        ("/restore", Some(pictures)),
        ("/analyze", Some(pictures)),
        ("/replay", Some("multipart/form-data")),
        ("/jobs/optimize", Some("application/json")),
        ("/jobs/train", Some("application/json")),
        ("/jobs/evaluate", Some("application/json")),
        ("/jobs/1/cancel", None),
        ("/version", None),
    ] {
        let request = app.client.request(Method::OPTIONS, format!("http://{}{path}", app.address));
        let response = send(request).await;
        assert_eq!(response.status(), 204, "{path}");
        let listed = response.headers().get("accept-post").map(|types| types.to_str().unwrap());
        assert_eq!(listed, types, "{path}");
    }
}

#[tokio::test]
async fn a_full_queue_refuses_further_jobs() {
    let app = JobsApp::with(|setup| setup.settings.queued_max = 2).await;
    app.slow_pair("d", "slow", 1500);
    let body = json!({ "dataset": "d", "grid": "full" });
    let submit = |key: &str| app.submit("optimize", &body).header("idempotency-key", key);
    let mut jobs = Vec::new();
    for key in ["a", "b"] {
        let response = send(submit(key)).await;
        assert_eq!(response.status(), 202);
        let job: Value = response.json().await.unwrap();
        jobs.push(job["id"].as_str().unwrap().to_owned());
    }
    let refused = problem(submit("c"), 503, "jobs-full").await;
    assert_eq!((&refused["limit"], &refused["setting"]), (&json!(2), &json!("jobs.queued_max")));
    // A request that was accepted is not refused when it is repeated.
    let again: Value = send(submit("a")).await.json().await.unwrap();
    assert_eq!(again["id"], *jobs[0]);
    for job in &jobs {
        ok(app.request(Method::POST, &format!("/jobs/{job}/cancel"))).await;
    }
    // Many at once: the transaction that accepts counts, so no more than two get in. The refused key is free.
    let many: Vec<_> = ["c", "d", "e", "f", "g", "h"].map(|key| tokio::spawn(send(submit(key)))).into();
    let mut statuses = Vec::new();
    for response in many {
        statuses.push(response.await.unwrap().status().as_u16());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [202, 202, 503, 503, 503, 503]);
    let list: Value = ok(app.get("/jobs")).await.json().await.unwrap();
    for job in list["jobs"].as_array().unwrap().iter().filter(|job| job["state"] != "cancelled") {
        ok(app.request(Method::POST, &format!("/jobs/{}/cancel", job["id"].as_str().unwrap()))).await;
    }
}
