//! `kill -9` and SIGTERM of the whole service while it works on jobs.

use std::time::{Duration, Instant};

use crate::support::{PATIENCE, Place, is_alive, until};

#[tokio::test]
async fn a_service_that_is_killed_goes_on_where_it_was() {
    let place = Place::new(&["jobs.concurrency=2", "jobs.attempts_max=50"]);
    place.dataset("d", 12, 500);
    let expected = place.optimize("d", "seed");
    let mut service = place.start();
    let id = service.optimize("d", "seed").await;
    let (mut done, mut in_flight) = (0, 0);
    for n in 1..=4 {
        service.until(&id, |job| job["counts"]["done"].as_i64() >= Some(2 * n)).await;
        until("a pair at work", || !service.at_work().is_empty()).await;
        let at_work = service.at_work();
        in_flight += at_work.len() as i64;
        service.kill();
        // The children of the service end with the service. No child works on as an orphan.
        until("no orphans", || at_work.iter().all(|(pid, _)| !is_alive(*pid))).await;
        let restarted = Instant::now();
        service = place.start();
        let job = service.job(&id).await;
        assert!(job["counts"]["done"].as_i64().unwrap() >= done, "done tasks stay done: {job}");
        done = job["counts"]["done"].as_i64().unwrap();
        service.until(&id, |job| job["counts"]["running"] != 0 || job["finished_at_ms"].is_number()).await;
        assert!(restarted.elapsed() < Duration::from_secs(60), "{:?}", restarted.elapsed());
    }
    let job = service.ended(&id).await;
    assert_eq!(
        (job["state"].as_str(), job["counts"]["done"].as_i64()),
        (Some("finished"), Some(12)),
        "{job}"
    );
    assert!(service.csv(&id).await == expected, "the same bytes as an undisturbed run");
    assert!(service.stop() < PATIENCE);
    // A pair has one attempt, and one more for each kill while it ran. Between `at_work` and the kill, each of the two
    // running pairs may have ended and another started, at each of four kills.
    let attempts = place.number("SELECT SUM(attempts) FROM task").await;
    assert!(
        attempts >= 12 && attempts <= 12 + in_flight + 4 * 2,
        "{attempts} attempts, {in_flight} in flight"
    );
    assert_eq!(place.number("SELECT COUNT(*) FROM result").await, 12);
    assert_eq!(place.number("SELECT COUNT(*) FROM event WHERE kind = 'task'").await, 12, "each ended once");
}

#[tokio::test]
async fn a_service_that_is_stopped_gives_its_running_tasks_back() {
    let place = Place::new(&["jobs.concurrency=2", "jobs.attempts_max=1", "server.drain_timeout_ms=100"]);
    place.dataset("d", 4, 900);
    let expected = place.optimize("d", "full");
    let mut service = place.start();
    let id = service.optimize("d", "full").await;
    for _ in 0..3 {
        service.until(&id, |job| job["counts"]["running"] == 2 || job["counts"]["waiting"] == 0).await;
        assert!(service.stop() < Duration::from_secs(20), "a long pair does not delay the stop");
        assert_eq!(place.number("SELECT COUNT(*) FROM task WHERE state = 'running'").await, 0);
        service = place.start();
    }
    // jobs.attempts_max is 1, so a stop must not count as an attempt.
    let job = service.ended(&id).await;
    assert_eq!(
        (job["counts"]["done"].as_i64(), job["counts"]["failed"].as_i64()),
        (Some(4), Some(0)),
        "{job}"
    );
    assert!(service.csv(&id).await == expected);
}

#[tokio::test]
async fn a_job_is_there_once_it_is_accepted() {
    let place = Place::new(&[]);
    place.dataset("d", 3, 60);
    let service = place.start();
    let id = service.optimize("d", "seed").await;
    service.kill();
    let service = place.start();
    assert_eq!(service.ended(&id).await["counts"]["done"], 3);
    // Two services on one folder: the second restores pictures and answers `/jobs` with the reason.
    let second = place.start();
    let refused = second.get("/jobs").await;
    assert_eq!(refused.status(), 503);
    assert!(refused.text().await.unwrap().contains("in use by another process"));
    service.kill();
    let begun = Instant::now();
    while second.get("/jobs").await.status() != 200 {
        assert!(begun.elapsed() < PATIENCE, "the second service takes over");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(second.job(&id).await["state"], "finished");
}
