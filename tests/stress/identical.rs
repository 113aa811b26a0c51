//! Identical requests at the same time are computed once.

use std::time::Duration;

use pentimento_core::imaging::{Channels, codec::Format};

use crate::{
    pictures::{encoded, numbered, textured},
    service::Service,
};

const N: usize = 8;

/// CPU time of these requests, sent at the same time, and their answers.
fn cost(service: &Service, requests: &[(String, Vec<u8>)]) -> (Duration, Vec<Vec<u8>>) {
    let before = service.cpu();
    let bodies = std::thread::scope(|scope| {
        let client = |(target, body): &(String, Vec<u8>)| {
            let answer = service.post(target, body);
            assert_eq!(answer.status, 200, "{}", answer.text());
            assert!(answer.is_whole);
            answer.body
        };
        let clients: Vec<_> = requests.iter().map(|request| scope.spawn(move || client(request))).collect();
        clients.into_iter().map(|client| client.join().unwrap()).collect()
    });
    (service.cpu() - before, bodies)
}

#[test]
fn eight_identical_requests_cost_about_one_and_different_ones_do_not_share() {
    let service = Service::start(&["compute.caller_places_max=64"]);
    let picture = encoded(&textured(3000, 2000, Channels::Rgb, 1), Format::Jpeg);
    let target = "/restore?color=on&sigma=3&strength=1".to_owned();
    let request = (target, picture.clone());
    cost(&service, std::slice::from_ref(&request));
    let (one, alone) = cost(&service, std::slice::from_ref(&request));
    let (same, answers) = cost(&service, &vec![request; N]);
    assert!(answers.iter().all(|answer| *answer == alone[0]), "sharing does not change the answer");
    let others: Vec<_> = (0..N)
        .map(|i| (format!("/restore?color=on&sigma=3&strength=1.0{i}"), numbered(&picture, i as u64)))
        .collect();
    let (different, answers) = cost(&service, &others);
    for (i, answer) in answers.iter().enumerate().skip(1) {
        assert!(*answer != answers[i - 1], "each request has its own answer");
    }
    println!("one {one:?}, {N} identical {same:?}, {N} different {different:?}");
    // Receiving and sending the picture eight times is no computation, but takes time.
    assert!(same < one * 3, "{N} identical requests cost {same:?}, one {one:?}");
    assert!(different > one * 4, "{N} different requests cost {different:?}, one {one:?}");
}
