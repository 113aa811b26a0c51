//! Slow clients: they take no place of others, and they are ended.

use std::time::Duration;

use crate::{
    client::{Client, head},
    flood::{Flood, Plan},
    pictures,
    service::{Service, until},
};

const N: usize = 100;
/// Settings with short deadlines. The minimum rate has a grace of five seconds, which the deadlines do not reach.
const SHORT: &[&str] = &[
    "server.header_timeout_ms=3000",
    "server.body_timeout_ms=3000",
    "server.answer_timeout_ms=4000",
    "server.keep_alive_timeout_ms=3000",
];
/// When the service must have ended a slow client, on a quiet machine. The deadline and its tolerance are part of it.
const ENDED: Duration = Duration::from_secs(8);

/// Sends a byte a second on each connection, while an honest client is served. Returns the clients.
fn drip(service: &Service, mut clients: Vec<Client>, byte: &[u8], seconds: u32) -> Vec<Client> {
    for _ in 0..seconds {
        for client in &mut clients {
            client.send(byte);
        }
        assert_eq!(service.get("/health/ready").status, 200, "slow clients do not make the service unready");
        service.serves_within(Duration::from_secs(1));
    }
    clients
}

fn heads(service: &Service, head: &str) -> Vec<Client> {
    let clients = (0..N).map(|_| service.connect());
    let send = |mut client: Client| {
        client.send(head);
        client
    };
    clients.map(send).collect()
}

#[test]
fn a_hundred_clients_that_drip_their_bodies_take_no_place_and_get_408() {
    let service = Service::start(SHORT);
    let clients = heads(&service, &head("POST", "/restore", &["Content-Length: 1000000".to_owned()]));
    let mut clients = drip(&service, clients, b"x", 3);
    let cpu = service.cpu();
    let mut n_answered = 0;
    for client in &mut clients {
        if let Some(answer) = client.try_answer() {
            // Those beyond the places for bodies are refused at once.
            assert!(matches!(answer.status, 408 | 429 | 503), "{}", answer.text());
            n_answered += usize::from(answer.status == 408 && answer.problem() == "body-timeout");
        }
    }
    println!("{n_answered} of {N} got 408; {:?} CPU", service.cpu() - cpu);
    assert!(n_answered > 0, "a slow client learns why it is ended");
    service.serves_within(Duration::from_secs(1));
}

#[test]
fn a_hundred_clients_that_drip_their_heads_are_ended() {
    let service = Service::start(SHORT);
    let clients = heads(&service, "POST /restore HTTP/1.1\r\nHost: localhost\r\nX-Slow: ");
    let clients = drip(&service, clients, b"x", 3);
    for mut client in clients {
        assert!(client.is_closed_within(ENDED * crate::service::BUSY), "the service ends a slow head");
    }
}

#[test]
fn a_hundred_connections_that_say_nothing_are_closed() {
    let service = Service::start(SHORT);
    let silent: Vec<Client> = (0..N / 2).map(|_| service.connect()).collect();
    let kept = (0..N / 2).map(|_| {
        let mut client = service.connect();
        client.send(head("GET", "/health/live", &[]));
        assert_eq!(client.answer().status, 200);
        client
    });
    let kept: Vec<Client> = kept.collect();
    service.serves_within(Duration::from_secs(1));
    for mut client in silent.into_iter().chain(kept) {
        assert!(
            client.is_closed_within(ENDED * crate::service::BUSY),
            "the service closes an idle connection"
        );
    }
}

#[test]
fn a_hundred_clients_that_do_not_read_are_cut_and_free_their_memory() {
    let service = Service::start(SHORT);
    let idle = service.resident_bytes();
    // Different pictures: identical ones would share one answer.
    let target = "/restore?color=off&sigma=1&strength=1&format=bmp";
    let plans: Vec<_> =
        (0..N).map(|i| Plan::whole(target, &pictures::zeros_png(1800 + i as u32, 1800, 8, 2))).collect();
    let mut flood = Flood::start(service.address, plans);
    flood.pump();
    until("many answers wait for their readers", || service.resident_bytes() > idle + (150 << 20));
    assert_eq!(service.get("/health/ready").status, 200, "unread answers do not make the service unready");
    service.serves_within(Duration::from_secs(2));
    // 100 answers of 10 MB. The clients stay connected and do not read.
    until("the unread answers are given up", || service.resident_bytes() < idle + (96 << 20));
    // The last few answers fit into what is allowed above; their time ends, too.
    std::thread::sleep(ENDED);
    let mut n_whole = 0;
    for mut client in flood.into_clients() {
        let answer = client.try_answer();
        n_whole += usize::from(answer.is_some_and(|answer| answer.status == 200 && answer.is_whole));
    }
    println!("{n_whole} of {N} answers are whole");
    assert_eq!(n_whole, 0, "the service waits for a reader no longer than server.answer_timeout_ms");
}
