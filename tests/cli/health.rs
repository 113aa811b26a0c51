//! `health`: a probe and its exit code.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    thread,
};

use crate::support::{Ended, Shell};

/// Asks a service that gives `answer` to the first caller. Returns how the command ended and the head of the request, its
/// header names in lower case.
fn ask(path: &str, answer: &'static [u8]) -> (Ended, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}{path}", listener.local_addr().unwrap());
    let service = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut asked = Vec::new();
        let mut byte = [0];
        while !asked.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() == 1 {
            asked.push(byte[0]);
        }
        stream.write_all(answer).unwrap();
        lower_names(&String::from_utf8(asked).unwrap())
    });
    let ended = Shell::new().run(&["health", &url]);
    (ended, service.join().unwrap())
}

/// Returns the head with header names in lower case. Header names are case-insensitive (RFC 9110, section 5.1); the
/// request line and the values are not.
fn lower_names(head: &str) -> String {
    let lower = |line: &str| match line.split_once(": ") {
        Some((name, value)) => format!("{}: {value}", name.to_lowercase()),
        None => line.to_owned(),
    };
    head.split("\r\n").map(lower).collect::<Vec<_>>().join("\r\n")
}

#[test]
fn a_good_answer_is_exit_0() {
    let (ended, asked) = ask("", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nready");
    assert_eq!(ended.code(0).out(), "200 ready\n");
    assert!(asked.starts_with("GET /health/ready HTTP/1.1\r\n"), "{asked}");
    assert!(asked.contains("\r\nhost: 127.0.0.1:"), "{asked}");
    assert!(asked.contains("\r\nconnection: close\r\n"), "{asked}");
    assert_eq!(asked.matches("\r\nhost: ").count(), 1, "{asked}");
    let (ended, asked) = ask("/health/live", b"HTTP/1.1 204 No Content\r\n\r\n");
    ended.code(0);
    assert!(asked.starts_with("GET /health/live HTTP/1.1\r\n"), "{asked}");
    let (ended, asked) = ask("/", b"HTTP/1.0 200 OK\r\n\r\n");
    ended.code(0);
    assert!(asked.starts_with("GET /health/ready "), "{asked}");
}

#[test]
fn any_other_answer_is_exit_1() {
    let (ended, _) = ask("", b"HTTP/1.1 503 Service Unavailable\r\n\r\ndraining");
    assert_eq!(ended.code(1).out(), "503 draining\n");
    for answer in [&b"SSH-2.0 200 OK\r\n"[..], b"", b"HTTP/1.1 fine\r\n\r\n", b"\xff\xfe 200 \x00"] {
        let (ended, _) = ask("", answer);
        ended.code(1).says(&["does not speak HTTP"]);
    }
}

#[test]
fn nobody_there_is_exit_1_and_a_wrong_url_exit_2() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    Shell::new().run(&["health", &url]).code(1).says(&[&url, "refused"]);
    for url in ["https://127.0.0.1", "127.0.0.1:8080", "http://", "http:///x", "http://a b", ""] {
        Shell::new().run(&["health", url]).code(2).says(&["URL"]);
    }
    Shell::new().run(&["health"]).code(2).says(&["<URL>"]);
}

#[test]
fn a_redirect_is_an_answer_and_is_not_followed() {
    let answer = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 4\r\n\r\ngone";
    let (ended, _) = ask("", answer);
    assert_eq!(ended.code(1).out(), "302 gone\n");
}
