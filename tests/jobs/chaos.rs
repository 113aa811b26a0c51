//! `kill -9` at times that a fixed seed decides: two minutes in `make test`, `CHAOS_SECONDS` in `make chaos`.

use std::{
    sync::mpsc::{self, RecvTimeoutError, Sender},
    time::{Duration, Instant},
};

use serde_json::Value;

use pentimento_core::numeric::random::RandomStream;

use crate::support::{Place, Service, is_alive, until, without};

const SEED: u64 = 20_261_125;
const SECONDS: u64 = 120;
/// Number of kills that must hit running tasks. The test goes on beyond its time until it has so many.
const KILLS_MIN: usize = 20;
/// The test fails after this many times its seconds (at least [`SECONDS`]). Then a job never ended, or too few kills hit
/// running tasks.
const DEADLINE_FACTOR: u32 = 5;
const N_PAIRS: u64 = 24;

#[tokio::test]
async fn nothing_is_lost_and_nothing_comes_twice() {
    let seconds =
        std::env::var("CHAOS_SECONDS").map_or(SECONDS, |text| text.parse().expect("a number of seconds"));
    let deadline = Duration::from_secs(seconds.max(SECONDS)) * DEADLINE_FACTOR;
    let _watchdog = watch(deadline + Duration::from_secs(60));
    let mut chaos = Chaos::new(Duration::from_secs(seconds));
    if tokio::time::timeout(deadline, chaos.run()).await.is_err() {
        panic!("not done within the deadline of {deadline:?}: {}", chaos.account());
    }
    println!("{}", chaos.account());
    assert!(chaos.landed >= KILLS_MIN, "{}", chaos.account());
}

/// Ends the whole test program after `limit` unless the sender is dropped before. The timeout above cannot interrupt a
/// step that blocks, such as waiting for the first line of a service.
fn watch(limit: Duration) -> Sender<()> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        if receiver.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
            eprintln!("a step of the chaos test blocks: not done after {limit:?}");
            std::process::exit(101);
        }
    });
    sender
}

struct Chaos {
    place: Place,
    random: RandomStream,
    begun: Instant,
    /// How long the test kills.
    time: Duration,
    n_jobs: usize,
    n_kills: usize,
    /// Number of kills that hit running tasks.
    landed: usize,
}

impl Chaos {
    fn new(time: Duration) -> Self {
        let place = Place::new(&["jobs.concurrency=2"]);
        // Pairs of many sizes, so that kills hit every step: reading, searching, and the moments between start and end.
        let mut random = RandomStream::new(SEED);
        for i in 0..N_PAIRS as u32 {
            place.pair("d", &format!("{i:03}"), 60 + (random.bits() % 540) as usize, 2 * i + 1);
        }
        Self { place, random, begun: Instant::now(), time, n_jobs: 0, n_kills: 0, landed: 0 }
    }

    async fn run(&mut self) {
        let expected = self.place.optimize("d", "full");
        self.begun = Instant::now();
        while !self.is_over() || self.landed < KILLS_MIN {
            // Each job starts on a database of its own, so no earlier results can be used again.
            let _ = std::fs::remove_dir_all(&self.place.data);
            let service = self.place.start();
            let id = service.optimize("d", "full").await;
            self.n_jobs += 1;
            let kills_before = self.n_kills;
            let service = self.kill_until_finished(service, &id).await;
            self.check(service, &id, &expected, self.n_kills - kills_before).await;
        }
    }

    /// Kills and restarts the service until the job has finished or the time is over.
    async fn kill_until_finished(&mut self, mut service: Service, id: &str) -> Service {
        loop {
            tokio::time::sleep(Duration::from_millis(self.random.bits() % 2500)).await;
            let job = service.job(id).await;
            if job["finished_at_ms"].is_number() || self.is_over() {
                return service;
            }
            let at_work = service.at_work();
            let runs = job["counts"]["running"].as_i64() > Some(0) && !at_work.is_empty();
            service.kill();
            self.n_kills += 1;
            self.landed += usize::from(runs);
            until("no orphans", || at_work.iter().all(|(pid, _)| !is_alive(*pid))).await;
            service = self.place.start();
        }
    }

    /// Checks that every pair ended once, with the bytes of an undisturbed run. The job was killed `n_kills` times.
    async fn check(&self, service: Service, id: &str, expected: &[u8], n_kills: usize) {
        let job = service.ended(id).await;
        // A pair that was running at five kills is given up, as `jobs.attempts_max` says. No other pair is missing.
        let given_up = given_up(&job);
        assert_eq!(job["counts"]["done"].as_u64().unwrap() + given_up.len() as u64, N_PAIRS, "{job}");
        // Two pairs run at a time, so a kill meets at most two.
        assert!(5 * given_up.len() <= 2 * n_kills, "{given_up:?} after {n_kills} kills");
        let csv = service.csv(id).await;
        assert!(csv == without(expected, &given_up), "seed {SEED}, job {}", self.n_jobs);
        drop(service);
        let n_ended = self.place.number("SELECT COUNT(*) FROM event WHERE kind = 'task'").await;
        assert_eq!(n_ended, N_PAIRS as i64, "each ended once");
    }

    fn is_over(&self) -> bool {
        self.begun.elapsed() > self.time
    }

    fn account(&self) -> String {
        let Self { n_jobs, n_kills, landed, begun, .. } = self;
        format!("{n_jobs} jobs, {n_kills} kills, {landed} of them on running tasks, in {:?}", begun.elapsed())
    }
}

/// The names of pairs that the job gave up, each after five attempts.
fn given_up(job: &Value) -> Vec<&str> {
    let mut names = Vec::new();
    for failure in job["failures"].as_array().unwrap() {
        assert_eq!(failure["attempts"], 5, "{failure}");
        names.push(failure["name"].as_str().unwrap());
    }
    names
}
