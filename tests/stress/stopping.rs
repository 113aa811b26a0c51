//! SIGTERM: running requests are finished, bodies included. A second SIGTERM ends the process.

use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};

use crate::{
    client::Client,
    pictures,
    service::{BUSY, Service, until},
};

const N: usize = 20;
/// Pause of a slow reader after each piece.
const PAUSE: Duration = Duration::from_millis(10);
const PIECE: usize = 32 << 10;

/// Starts requests for answers of 5 MB, and reads their heads only.
fn slow_readers(service: &Service) -> Vec<(Client, crate::client::Answer)> {
    let picture = pictures::zeros_png(1300, 1300, 8, 2);
    let mut clients: Vec<Client> = (0..N).map(|_| Client::connect_narrow(service.address)).collect();
    for (i, client) in clients.iter_mut().enumerate() {
        let target = format!("/restore?color=off&sigma=1&strength=1.{i}&format=bmp");
        client.post(&target, &picture);
    }
    let read = |mut client: Client| {
        let head = client.head().expect("a head");
        assert_eq!(head.status, 200);
        (client, head)
    };
    clients.into_iter().map(read).collect()
}

/// Reads an answer slowly. Returns whether it has the length and the digest of its head.
fn read_slowly(mut client: Client, head: &crate::client::Answer) -> bool {
    let length: usize = head.header("content-length").unwrap().parse().unwrap();
    assert!(length > 5_000_000, "{length}");
    let (mut got, mut digest) = (0, Sha256::new());
    while got < length {
        let piece = client.some(PIECE.min(length - got));
        if piece.is_empty() {
            return false;
        }
        got += piece.len();
        digest.update(&piece);
        std::thread::sleep(PAUSE);
    }
    let digest = base64(&digest.finalize());
    head.header("content-digest").is_some_and(|said| said.contains(&digest))
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits =
            three.iter().fold(0_u32, |bits, byte| (bits << 8) | u32::from(*byte)) << (8 * (3 - three.len()));
        for i in 0..4 {
            let digit = DIGITS[((bits >> (18 - 6 * i)) & 63) as usize] as char;
            text.push(if i <= three.len() { digit } else { '=' });
        }
    }
    text
}

#[test]
fn answers_that_are_being_read_slowly_are_complete_after_sigterm() {
    let mut service = Service::start(&["server.drain_timeout_ms=120000"]);
    let readers = slow_readers(&service);
    service.signal("TERM");
    let whole: usize = std::thread::scope(|scope| {
        let reading: Vec<_> = readers
            .into_iter()
            .map(|(client, head)| scope.spawn(move || read_slowly(client, &head)))
            .collect();
        reading.into_iter().map(|reader| usize::from(reader.join().unwrap())).sum()
    });
    println!("{whole} of {N} answers are complete");
    assert_eq!(whole, N, "every answer is complete");
    assert_eq!(service.ended().code(), Some(0));
}

#[test]
fn a_stopping_service_is_unready_at_once_and_accepts_for_its_drain_delay() {
    let mut service = Service::start(&["server.drain_delay_ms=4000", "server.drain_timeout_ms=60000"]);
    assert_eq!(service.get("/health/ready").status, 200);
    let begun = Instant::now();
    service.signal("TERM");
    let mut status = 200;
    until("ready is 503", || {
        status = service.get("/health/ready").status;
        status == 503
    });
    let unready = begun.elapsed();
    let answer = service.post("/restore?color=on&sigma=1&strength=1", &pictures::small_jpeg());
    assert_eq!(answer.status, 200, "new work is taken during the delay: {}", answer.text());
    println!("ready is 503 after {unready:?}, restored {:?} after SIGTERM", begun.elapsed());
    assert_eq!(service.get("/health/live").status, 200);
    assert_eq!(service.ended().code(), Some(0));
    assert!(begun.elapsed() >= Duration::from_secs(4), "the service ends after its delay only");
}

#[test]
fn a_second_sigterm_ends_the_process_within_a_second() {
    let mut service = Service::start(&["server.drain_timeout_ms=600000", "server.drain_delay_ms=600000"]);
    let readers = slow_readers(&service);
    service.signal("TERM");
    until("ready is 503", || service.get("/health/ready").status == 503);
    let begun = Instant::now();
    service.signal("TERM");
    let code = service.ended().code();
    println!("ended {:?} after the second signal with {code:?}", begun.elapsed());
    assert!(begun.elapsed() < Duration::from_secs(1) * BUSY, "{:?}", begun.elapsed());
    assert!(matches!(code, Some(0 | 1)), "the process ends by itself and not by the signal: {code:?}");
    drop(readers);
}
