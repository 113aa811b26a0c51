//! Hostile bodies: forms without measure and chunks of one byte. Each is answered before it has cost anything.

use std::time::Duration;

use crate::{
    client::{Client, head},
    pictures,
    service::{Service, mib},
};

const CPU: Duration = Duration::from_millis(500);
const PEAK_BYTES: u64 = 64 << 20;
const CHUNKED: &str = "Transfer-Encoding: chunked";
const PART: &str = "--b\r\nContent-Disposition: form-data; name=\"image\"\r\n";

/// Sends the head of a chunked form, its `start`, and `piece` until `bytes` are sent or the service ends the connection.
/// Returns the answer as `STATUS kind`; empty if the connection was cut without one.
fn stream(service: &Service, start: &str, piece: &str, bytes: usize) -> String {
    let mut client: Client = service.connect();
    let form = "Content-Type: multipart/form-data; boundary=b".to_owned();
    client.send(head("POST", "/restore", &[form, CHUNKED.to_owned()]));
    let chunk = |text: &str| format!("{:x}\r\n{text}\r\n", text.len());
    client.send(chunk(start));
    let piece = chunk(piece);
    for _ in 0..bytes / piece.len() {
        if std::io::Write::write_all(&mut client.0, piece.as_bytes()).is_err() {
            break;
        }
    }
    let answer = client.try_answer();
    answer.map_or_else(String::new, |answer| format!("{} {}", answer.status, answer.problem()))
}

#[test]
fn forms_without_measure_are_refused_before_they_cost_anything() {
    let service = Service::start(&["limits.input_bytes_max=33554432"]);
    service.restores();
    let line = format!("X-Header: {}\r\n", "x".repeat(1000));
    let part = format!("\r\n{PART}\r\nx");
    let cases = [
        (
            "60 MB of part headers",
            PART,
            line.repeat(60),
            60_000_000,
            &["400 malformed-form", "413 part-too-large", "413 body-too-large"][..],
        ),
        (
            "one part header of 60 MB",
            &*format!("{PART}X-Long: "),
            "x".repeat(60_000),
            60_000_000,
            &["400 malformed-form", "413 part-too-large", "413 body-too-large"],
        ),
        (
            "a part without an end",
            &*format!("{PART}\r\n"),
            "x".repeat(60_000),
            60_000_000,
            &["413 body-too-large"],
        ),
        (
            "a preamble without an end",
            "",
            "x".repeat(60_000),
            60_000_000,
            &["400 malformed-form", "413 body-too-large"],
        ),
        (
            "a million parts of one name",
            &*format!("{PART}\r\nx"),
            part.repeat(1000),
            60_000_000,
            &[
                "400 malformed-form",
                "413 body-too-large",
                "413 part-too-large",
                // Several pictures, each with a problem of its own.
                "200",
                "422 repeated-parameter",
                "422 too-many-parts",
                "422 broken-picture",
                "415 unknown-format",
            ],
        ),
    ];
    let mut wrong = Vec::new();
    for (name, start, piece, bytes, expected) in cases {
        service.forget_peak();
        let (cpu, idle) = (service.cpu(), service.resident_bytes());
        let answer = stream(&service, start, &piece, bytes);
        let (spent, peak) = (service.cpu() - cpu, service.peak_bytes().saturating_sub(idle));
        println!("{name}: {answer} | {spent:?} | {}", mib(peak));
        if !expected.contains(&answer.trim()) || spent > CPU || peak > PEAK_BYTES {
            wrong.push(format!("{name}: {answer}, {spent:?} CPU, {}", mib(peak)));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    service.serves_within(Duration::from_secs(1));
}

#[test]
fn a_picture_in_chunks_of_one_byte_is_restored_in_its_own_memory() {
    let service = Service::start(&[]);
    service.restores();
    service.forget_peak();
    let (cpu, idle) = (service.cpu(), service.resident_bytes());
    let picture = pictures::small_jpeg();
    let mut body = Vec::new();
    for byte in &picture {
        body.extend_from_slice(b"1\r\n");
        body.push(*byte);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"0\r\n\r\n");
    let mut client = service.connect();
    client.send(head("POST", "/restore?color=on&sigma=1&strength=1", &[CHUNKED.to_owned()]));
    client.send(&body);
    let answer = client.answer();
    assert_eq!(answer.status, 200, "{}", answer.text());
    let (spent, peak) = (service.cpu() - cpu, service.peak_bytes() - idle);
    println!("{} chunks: {spent:?} CPU, {}", picture.len(), mib(peak));
    assert!(spent < CPU * 4 && peak < PEAK_BYTES, "{spent:?} CPU, {}", mib(peak));
}
