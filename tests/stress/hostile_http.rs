//! Hostile requests: shapes that smuggle, heads without measure, paths that escape.

use std::time::Duration;

use crate::{
    client::{Client, head},
    service::{BUSY, Service, mib},
};

const CPU: Duration = Duration::from_millis(500);
const PEAK_BYTES: u64 = 64 << 20;

/// Sends bytes as they are and reads until the service closes or says nothing more. Returns the statuses of all answers
/// and whether the connection was closed.
fn statuses(service: &Service, request: &[u8]) -> (Vec<u16>, bool) {
    let mut client = service.connect();
    client.send(request);
    let mut statuses = Vec::new();
    client.0.set_read_timeout(Some(Duration::from_millis(400) * BUSY)).unwrap();
    while let Some(answer) = client.try_answer() {
        statuses.push(answer.status);
    }
    (statuses, client.is_closed_within(Duration::from_millis(1)))
}

/// Requests whose end two parsers could see at different places. After each, a request that nobody sent must not be
/// answered.
#[test]
fn a_request_with_two_ends_is_refused_and_nothing_after_it_is_answered() {
    let service = Service::start(&[]);
    let next = "GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let post = |headers: &str, body: &str| {
        format!("POST /restore HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n{body}{next}")
    };
    let chunked = "Transfer-Encoding: chunked\r\n";
    let cases = [
        ("two lengths", post("Content-Length: 5\r\nContent-Length: 6\r\n", "xxxxx")),
        ("a list of lengths", post("Content-Length: 5, 6\r\n", "xxxxx")),
        ("a length with a sign", post("Content-Length: +5\r\n", "xxxxx")),
        ("a negative length", post("Content-Length: -1\r\n", "")),
        ("a length above 64 bits", post("Content-Length: 99999999999999999999\r\n", "")),
        ("length and chunks", post(&format!("Content-Length: 5\r\n{chunked}"), "0\r\n\r\n")),
        ("chunks and length", post(&format!("{chunked}Content-Length: 5\r\n"), "0\r\n\r\n")),
        ("chunked is not the last coding", post("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n")),
        ("an unknown coding", post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n")),
        ("a folded header", post(" X: y\r\n", "")),
        ("a space before the colon", post("Content-Length : 5\r\n", "xxxxx")),
        ("a zero byte in a header", post("X-Zero: a\0b\r\n", "")),
        ("a lone carriage return", post("X-Return: a\rTransfer-Encoding: chunked\r\n", "")),
        ("a chunk size that is no number", post(chunked, "zz\r\nx\r\n0\r\n\r\n")),
        ("a negative chunk size", post(chunked, "-1\r\nx\r\n0\r\n\r\n")),
        ("a chunk size above 64 bits", post(chunked, "fffffffffffffffff1\r\nx\r\n0\r\n\r\n")),
        ("a chunk without its end", post(chunked, "1\r\nxx0\r\n\r\n")),
        ("no host", "GET /health/live HTTP/1.1\r\n\r\n".to_owned() + next),
        (
            "two hosts",
            "GET /health/live HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n".to_owned() + next,
        ),
    ];
    let mut wrong = Vec::new();
    for (name, request) in cases {
        let (statuses, closed) = statuses(&service, request.as_bytes());
        println!("{name}: {statuses:?}, closed: {closed}");
        let refused = statuses.iter().all(|status| (400..500).contains(status)) && statuses.len() <= 1;
        // With a valid end, a refusal of the host keeps the connection.
        let is_whole = name.ends_with("host") || name.ends_with("hosts");
        if !(refused && closed || is_whole && statuses.first() == Some(&400)) {
            wrong.push(format!("{name}: {statuses:?}, closed: {closed}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    service.serves_within(Duration::from_secs(1));
}

#[test]
fn heads_without_measure_are_refused_without_memory() {
    let service = Service::start(&[]);
    let idle = service.resident_bytes();
    let cpu = service.cpu();
    let long = "x".repeat(4 << 20);
    let many: Vec<String> = (0..50_000).map(|i| format!("X-{i}: y")).collect();
    let chunked = ["Transfer-Encoding: chunked".to_owned()];
    let cases = [
        ("a header of 4 MB", head("GET", "/health/live", &[format!("X-Long: {long}")]), &[400_u16, 431][..]),
        ("50,000 headers", head("GET", "/health/live", &many), &[400, 431]),
        ("a path of 4 MB", head("GET", &format!("/{long}"), &[]), &[400, 414, 431]),
        ("a query of 4 MB", head("POST", &format!("/restore?sigma={long}"), &[]), &[400, 414, 431]),
        ("a method of 4 MB", head(&long, "/", &[]), &[400, 414, 431]),
        (
            "a chunk extension of 4 MB",
            head("POST", "/restore", &chunked) + "1;" + &long + "\r\nx\r\n0\r\n\r\n",
            &[400],
        ),
        (
            "a trailer of 4 MB",
            head("POST", "/restore", &chunked) + "0\r\nX: " + &long + "\r\n\r\n",
            &[400, 422, 431],
        ),
        ("no HTTP", "\x16\x03\x01\x02\x00\x01\x00\x01\u{7f}\x03\x03\r\n\r\n".to_owned(), &[400]),
        ("HTTP/0.9", "GET /health/live\r\n\r\n".to_owned(), &[400, 505]),
        ("HTTP/2 without TLS", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(), &[400, 505]),
    ];
    let mut wrong = Vec::new();
    for (name, request, expected) in cases {
        let (statuses, closed) = statuses(&service, request.as_bytes());
        println!("{name}: {statuses:?}, closed: {closed}");
        // A connection that is cut while the head still arrives may lose the answer.
        if !(closed && statuses.len() <= 1 && statuses.iter().all(|status| expected.contains(status))) {
            wrong.push(format!("{name}: {statuses:?}, closed: {closed}"));
        }
    }
    let (spent, peak) = (service.cpu() - cpu, service.peak_bytes() - idle);
    println!("{spent:?} CPU, {} above {}", mib(peak), mib(idle));
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(spent < CPU * 10 && peak < PEAK_BYTES, "{spent:?} CPU, {}", mib(peak));
}

#[test]
fn paths_that_escape_lead_nowhere() {
    let service = Service::start(&[]);
    let mut wrong = Vec::new();
    for path in [
        "/../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/..%2f..%2fetc%2fpasswd",
        "/datasets/..%2f..%2fetc",
        "/datasets/%2e%2e",
        "/datasets/%00",
        "/datasets/%ff",
        "/datasets/C:%5cwindows",
        "/jobs/%ff",
        "/jobs/%00",
        "/jobs/..%2f..%2fdata",
        "/jobs/1'%20OR%201=1--/results",
        "/jobs/%252e%252e/events",
        "//etc/passwd",
        "/restore/..;/health/live",
        "/%",
        "/health/live/..%2fready",
        "/\u{7f}",
    ] {
        let answer = service.get(path);
        println!("{path}: {} {}", answer.status, answer.problem());
        // Every refusal is a problem document. 503: the service has no datasets.
        let is_refused = matches!(answer.status, 400 | 404 | 405 | 422) || answer.problem() == "no-datasets";
        // The parser of requests refuses the last path, before the service sees it.
        if !is_refused || answer.problem().is_empty() && path != "/\u{7f}" {
            wrong.push(format!("{path}: {}", answer.text()));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    // A path names no file of the machine, whatever the method.
    let mut client: Client = service.connect();
    client.send(head("DELETE", "/jobs/..%2f..%2f..%2ftmp", &[]));
    assert!((400..500).contains(&client.answer().status));
}
