//! Two minutes of `kill -9` at times from a fixed seed. `make chaos` sets `CHAOS_SECONDS` to a longer time.

use std::time::{Duration, Instant};

use crate::support::{Place, Random, is_alive, until, without};

const SEED: u64 = 20_261_125;
const SECONDS: u64 = 120;
const KILLS_MIN: usize = 20;

#[tokio::test]
async fn nothing_is_lost_and_nothing_comes_twice() {
    let seconds =
        std::env::var("CHAOS_SECONDS").map_or(SECONDS, |text| text.parse().expect("a number of seconds"));
    let place = Place::new(&["jobs.concurrency=2"]);
    // Pairs of many sizes, so that kills hit every step: reading, searching, storing.
    let mut random = Random(SEED);
    for i in 0..24 {
        place.pair("d", &format!("{i:03}"), 60 + (random.next() % 540) as usize, 2 * i + 1);
    }
    let expected = place.optimize("d", "full");
    let (begun, mut landed, mut rounds, mut n_jobs) = (Instant::now(), 0, 0, 0);
    while begun.elapsed() < Duration::from_secs(seconds) || landed < KILLS_MIN {
        // Each round has a new job on an empty database, so that no result is reused.
        let _ = std::fs::remove_dir_all(&place.data);
        let mut service = place.start();
        let id = service.optimize("d", "full").await;
        n_jobs += 1;
        loop {
            let pause = Duration::from_millis(random.next() % 2500);
            tokio::time::sleep(pause).await;
            let job = service.job(&id).await;
            if job["finished_at_ms"].is_number() || begun.elapsed() > Duration::from_secs(seconds) {
                break;
            }
            let at_work = service.at_work();
            let runs = job["counts"]["running"].as_i64() > Some(0) && !at_work.is_empty();
            service.kill();
            rounds += 1;
            landed += usize::from(runs);
            until("no orphans", || at_work.iter().all(|(pid, _)| !is_alive(*pid))).await;
            service = place.start();
        }
        let job = service.ended(&id).await;
        // A pair that was running at five kills is given up (jobs.attempts_max). No other pair may be missing.
        let given_up: Vec<&str> = job["failures"]
            .as_array()
            .unwrap()
            .iter()
            .map(|failure| {
                assert_eq!(failure["attempts"], 5, "{failure}");
                failure["name"].as_str().unwrap()
            })
            .collect();
        assert_eq!(job["counts"]["done"].as_u64().unwrap() + given_up.len() as u64, 24, "{job}");
        assert!(given_up.len() <= 6, "{given_up:?}");
        assert!(service.csv(&id).await == without(&expected, &given_up), "seed {SEED}, job {n_jobs}");
        drop(service);
        assert_eq!(
            place.number("SELECT COUNT(*) FROM event WHERE kind = 'task'").await,
            24,
            "each ended once"
        );
    }
    println!("{n_jobs} jobs, {rounds} kills, {landed} of them on running tasks, in {:?}", begun.elapsed());
    assert!(landed >= KILLS_MIN, "{landed}");
}
