//! Hosts, origins and targets: what the first lines of a request may say, and who may change something.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    jobs_support::JobsApp,
    support::{RawClient, Setup, TestApp, check_problem, header, ok, problem, send},
};

/// Sends a head and reads the answer, on a connection of its own.
async fn raw(app: &TestApp, head: &str) -> (String, Vec<u8>) {
    let mut client = app.connect().await;
    client.send(head).await;
    client.answer().await
}

/// Fails unless an answer is a problem of this status and type that carries its request's id.
fn check_refusal((head, body): (String, Vec<u8>), status: u16, slug: &str) -> Value {
    assert!(head.starts_with(&format!("http/1.1 {status} ")), "{head}");
    let refused: Value =
        serde_json::from_slice(&body).unwrap_or_else(|error| panic!("{head}{body:?}: {error}"));
    check_problem(&refused, status, slug);
    let id = format!("\r\nx-request-id: {}\r\n", refused["request_id"].as_str().unwrap());
    assert!(head.matches(&id).count() == 1 && head.matches("x-request-id").count() == 1, "{head}");
    refused
}

#[tokio::test]
async fn a_request_names_one_valid_host() {
    let app = TestApp::start().await;
    for (method, path) in
        [("GET", "/"), ("GET", "/health/live"), ("POST", "/jobs/optimize"), ("PUT", "/nowhere")]
    {
        for hosts in [
            "",
            "Host: a\r\nHost: a\r\n",
            "Host: a\r\nhost: b\r\n",
            "Host:\r\n",
            "Host: a b\r\n",
            "Host: u@a\r\n",
            "Host: a:x\r\n",
            "Host: \u{e9}\r\n",
            "Host: a/b\r\n",
        ] {
            let answer = raw(&app, &format!("{method} {path} HTTP/1.1\r\n{hosts}\r\n")).await;
            assert_eq!(check_refusal(answer, 400, "bad-host")["parameter"], "Host", "{hosts}");
        }
    }
    for host in ["a", "A.Example:8080", "[::1]:8080", "127.0.0.1:"] {
        let (head, _) = raw(&app, &format!("GET /version HTTP/1.1\r\nHost: {host}\r\n\r\n")).await;
        assert!(head.starts_with("http/1.1 200 "), "{host}: {head}");
    }
    let (head, _) = raw(&app, "GET /version HTTP/1.0\r\n\r\n").await;
    assert!(head.starts_with("http/1.0 200 "), "{head}");
}

#[tokio::test]
async fn targets_that_are_no_path_have_their_answers() {
    let app = TestApp::start().await;
    let ask = |line: &str| format!("{line} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let (head, _) = raw(&app, &ask("OPTIONS *")).await;
    assert!(
        head.starts_with("http/1.1 204 ") && head.contains("\r\nallow: get,head,post,delete,options\r\n"),
        "{head}"
    );
    check_refusal(raw(&app, &ask("GET *")).await, 404, "unknown-route");
    for target in ["http://localhost/version", "http://other.example:1/version", "HTTP://x/version"] {
        let (head, _) = raw(&app, &ask(&format!("GET {target}"))).await;
        assert!(head.starts_with("http/1.1 200 "), "{target}: {head}");
    }
    check_refusal(raw(&app, &ask("GET ftp://localhost/version")).await, 421, "misdirected-host");
    let (head, body) = raw(&app, &ask("CONNECT localhost:80")).await;
    assert!(head.contains("\r\nallow: "), "{head}");
    check_refusal((head, body), 405, "method-not-allowed");
    for method in ["TRACE", "FOO", "get", "PATCH", "PROPFIND"] {
        let (head, body) = raw(&app, &ask(&format!("{method} /version"))).await;
        assert!(head.contains("\r\nallow: get,head\r\n"), "{head}");
        check_refusal((head, body), 405, "method-not-allowed");
        check_refusal(raw(&app, &ask(&format!("{method} /nowhere"))).await, 404, "unknown-route");
    }
    // An absolute target wins over Host.
    check_refusal(raw(&app, &ask("POST http://evil.example/jobs/optimize")).await, 421, "misdirected-host");
}

#[tokio::test]
async fn long_targets_are_refused() {
    let app = TestApp::start().await;
    let ask = |n: usize| format!("GET /version?{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "x".repeat(n));
    let (head, _) = raw(&app, &ask(8000)).await;
    assert!(head.starts_with("http/1.1 200 "), "{head}");
    let refused = check_refusal(raw(&app, &ask(9000)).await, 414, "target-too-long");
    assert_eq!((&refused["value"], &refused["limit"]), (&json!(9009), &json!(8192)));
    check_refusal(raw(&app, &ask(60_000)).await, 414, "target-too-long");
    // The HTTP library refuses such a head before a handler sees it.
    check_refusal(raw(&app, &ask(70_000)).await, 414, "target-too-long");
}

#[tokio::test]
async fn no_escape_leads_out_of_a_folder() {
    let app = JobsApp::start().await;
    app.dataset("d", &["smallest"]);
    for id in ["%ff", "%c3%28", "a%ff"] {
        for path in [
            format!("/jobs/{id}"),
            format!("/jobs/{id}/events"),
            format!("/jobs/{id}/results"),
            format!("/datasets/{id}"),
        ] {
            problem(app.get(&path), 404, "unknown-route").await;
        }
        problem(app.request(Method::DELETE, &format!("/jobs/{id}")), 404, "unknown-route").await;
        problem(app.request(Method::POST, &format!("/jobs/{id}/cancel")), 404, "unknown-route").await;
    }
    let long = "x".repeat(5000);
    for name in [
        "..%2f..",
        "..%2F..%2Fetc",
        "%2e%2e%2f",
        "%00",
        "d%00",
        "%5c",
        "..%5c",
        ".%2e%2f",
        "%zz",
        "%",
        "%2fetc%2fpasswd",
        &long,
    ] {
        problem(app.get(&format!("/datasets/{name}")), 404, "unknown-dataset").await;
        problem(app.get(&format!("/jobs/{name}")), 404, "unknown-job").await;
    }
    // A library resolves dot segments before it sends. The service does not resolve them.
    for path in ["/datasets/../jobs", "/datasets/./d", "//datasets", "/datasets/d/"] {
        let mut client = RawClient::to(app.address()).await;
        client.send(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")).await;
        check_refusal(client.answer().await, 404, "unknown-route");
    }
}

#[tokio::test]
async fn a_page_of_another_site_changes_nothing() {
    let app = JobsApp::start().await;
    app.dataset("d", &["smallest"]);
    app.slow_pair("d", "slow", 1500);
    let job = app.accepted("optimize", &json!({ "dataset": "d", "grid": "full" })).await;
    let path = format!("/jobs/{}", job["id"].as_str().unwrap());
    let body = json!({ "dataset": "d" });
    let changes = || {
        [
            app.submit("optimize", &body),
            app.submit("train", &body),
            app.submit("evaluate", &body),
            app.request(Method::POST, &format!("{path}/cancel")),
            app.request(Method::POST, &format!("{path}/retry")),
            app.request(Method::DELETE, &path),
        ]
    };
    for (name, value, status, slug) in [
        ("host", "evil.example", 421, "misdirected-host"),
        ("host", "localhost.evil.example", 421, "misdirected-host"),
        ("origin", "https://evil.example", 403, "foreign-origin"),
        ("origin", "http://127.0.0.1:1", 403, "foreign-origin"),
        ("origin", "null", 403, "foreign-origin"),
        ("sec-fetch-site", "cross-site", 403, "foreign-origin"),
        ("sec-fetch-site", "same-site", 403, "foreign-origin"),
    ] {
        for request in changes() {
            let refused = problem(request.header(name, value), status, slug).await;
            assert_eq!((&refused["setting"], &refused["value"]), (&json!("server.hosts"), &json!(value)));
        }
    }
    // What a form of a page can send without asking, and what curl sends for `-d`.
    for content_type in [
        "application/x-www-form-urlencoded",
        "text/plain",
        "multipart/form-data; boundary=b",
        "application/ld+json",
    ] {
        for request in changes() {
            let refused =
                problem(request.header("content-type", content_type), 415, "unsupported-media-type").await;
            assert_eq!(
                (&refused["allowed"], &refused["value"]),
                (&json!("application/json"), &json!(content_type))
            );
            assert!(refused["detail"].as_str().unwrap().contains("-H 'Content-Type: application/json'"));
        }
    }
    let bare = app.request(Method::POST, "/jobs/optimize").body(body.to_string());
    problem(bare, 415, "unsupported-media-type").await;
    // Neither does a preflight admit another origin.
    let asked = app.request(Method::OPTIONS, "/jobs/optimize").header("origin", "https://evil.example");
    let asked = send(asked.header("access-control-request-method", "POST")).await;
    assert!(asked.headers().keys().all(|name| !name.as_str().starts_with("access-control")));
    let list: Value = ok(app.get("/jobs")).await.json().await.unwrap();
    let jobs = list["jobs"].as_array().unwrap();
    assert!(jobs.len() == 1 && jobs[0]["state"] != "cancelled", "{list}");
    // The service's own page may.
    let own = app.request(Method::POST, &format!("{path}/cancel")).header("origin", &app.base);
    let response = ok(own
        .header("sec-fetch-site", "same-origin")
        .header("content-type", "application/json; charset=utf-8"))
    .await;
    assert!(header(&response, "vary").starts_with("Origin, Sec-Fetch-Site"), "{:?}", response.headers());
}

#[tokio::test]
async fn listed_hosts_and_origins_are_admitted() {
    let app =
        TestApp::with(Setup { hosts: &["photos.example", "https://studio.example"], ..Setup::default() })
            .await;
    let post = |host: &str| {
        app.post("/jobs/optimize", "{}").header("content-type", "application/json").header("host", host)
    };
    // Behind the checks, this service has no jobs.
    for host in ["photos.example", "photos.example:8443", "localhost", "studio.example"] {
        problem(post(host), 503, "no-jobs").await;
    }
    for origin in
        ["https://photos.example", "http://photos.example:81", "https://studio.example", "http://localhost"]
    {
        problem(
            post("localhost").header("origin", origin).header("sec-fetch-site", "cross-site"),
            503,
            "no-jobs",
        )
        .await;
    }
    problem(post("localhost").header("origin", "http://studio.example"), 403, "foreign-origin").await;
    problem(post("other.example"), 421, "misdirected-host").await;
    let app = TestApp::with(Setup { hosts: &["*"], ..Setup::default() }).await;
    let post = || {
        app.post("/jobs/optimize", "{}")
            .header("content-type", "application/json")
            .header("host", "any.example")
    };
    problem(post(), 503, "no-jobs").await;
    problem(post().header("origin", "http://evil.example"), 403, "foreign-origin").await;
}
