//! Clients that go away: nobody works for them any longer.

use std::time::Duration;

use pentimento_core::imaging::{Channels, codec::Format};

use crate::{
    pictures::{encoded, textured, zeros_png},
    service::{BUSY, Service, mib, until},
};

/// Sends a request, closes the connection once the service works on it, and returns the CPU time after that.
fn abandoned(service: &Service, target: &str, body: &[u8]) -> Duration {
    let mut client = service.connect();
    let idle = service.cpu();
    client.post(target, body);
    until("the service begins", || service.cpu() > idle + Duration::from_millis(50) || has_answered(&client));
    drop(client);
    let gone = service.cpu();
    service.until_idle();
    service.cpu() - gone
}

fn has_answered(client: &crate::client::Client) -> bool {
    client.0.set_nonblocking(true).unwrap();
    let answered = client.0.peek(&mut [0]).is_ok();
    client.0.set_nonblocking(false).unwrap();
    answered
}

#[test]
fn a_client_that_goes_away_ends_the_work() {
    let service = Service::start(&[]);
    let photograph = textured(6000, 4000, Channels::Rgb, 1);
    let tall = zeros_png(1, 49_500_000, 8, 0);
    let wide = zeros_png(49_500_000, 1, 8, 0);
    let jpeg = encoded(&photograph, Format::Jpeg);
    let given = "/restore?color=on&sigma=20&strength=1";
    // The codec's own call ends first: decoding 24 megapixels takes some 0.2 s in a release build.
    let (codec, own) = (Duration::from_secs(1), Duration::from_millis(500));
    for (what, target, picture, limit) in [
        ("24 MP JPEG, given", given, &jpeg, codec),
        ("24 MP JPEG, predicted", "/restore", &jpeg, codec),
        ("1 × 49,500,000 PNG, given", given, &tall, own),
        ("1 × 49,500,000 PNG, predicted", "/restore", &tall, own),
        ("49,500,000 × 1 PNG, given", given, &wide, own),
    ] {
        let spent = abandoned(&service, target, picture);
        println!("{what}: {spent:?} CPU after the client went away, peak {}", mib(service.peak_bytes()));
        assert!(spent < limit, "{what}: {spent:?} CPU for nobody");
    }
    service.serves_within(Duration::from_secs(1));
}

/// Most CPU time of a row in the codec, decoding and encoding together, in nanoseconds, in a build with checks.
const ROW_NS: u64 = 200;

/// Extreme shapes cost what their pixels and rows cost.
#[test]
fn a_tall_picture_costs_no_more_than_a_square_one_of_as_many_pixels() {
    let service = Service::start(&[]);
    let cost = |picture: &[u8]| {
        let before = service.cpu();
        let answer = service.post("/restore?color=on&sigma=1&strength=1", picture);
        assert_eq!(answer.status, 200, "{}", answer.text());
        service.cpu() - before
    };
    let square = cost(&zeros_png(3162, 3162, 8, 0));
    for (width, height) in [(1, 10_000_000), (10_000_000, 1), (7, 1_428_571)] {
        let extreme = cost(&zeros_png(width, height, 8, 0));
        println!("{width} × {height}: {extreme:?} CPU; square: {square:?}");
        // PNG codes each row by itself: a filter, and calls into its codec. Nothing else may cost by the row.
        let rows = Duration::from_nanos(ROW_NS) * height;
        let allowed = square * 4 + rows + Duration::from_millis(100 * u64::from(BUSY));
        assert!(extreme < allowed, "{width} × {height}: {extreme:?}");
    }
}
