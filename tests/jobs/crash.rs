//! Pairs that crash their process, and pairs that take too long.

use std::process::Command;

use crate::support::{Place, without};

fn kill(pid: u32) {
    // The process may have ended already. The command `kill` then fails, which does not matter.
    let _ =
        Command::new("kill").args(["-KILL", &pid.to_string()]).stderr(std::process::Stdio::null()).status();
}

#[tokio::test]
async fn a_pair_that_crashes_its_process_is_given_up_and_the_rest_goes_on() {
    let place = Place::new(&["jobs.concurrency=2", "jobs.attempts_max=3"]);
    place.dataset("d", 6, 200);
    place.pair("d", "bad", 900, 1000);
    let expected = place.optimize("d", "seed");
    let service = place.start();
    let id = service.optimize("d", "seed").await;
    let mut killed = std::collections::BTreeSet::new();
    let job = loop {
        for (pid, file) in service.at_work() {
            if file.contains("bad.bmp") {
                kill(pid);
                killed.insert(pid);
            }
        }
        let job = service.job(&id).await;
        if job["finished_at_ms"].is_number() {
            break job;
        }
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    };
    assert_eq!(
        (job["counts"]["done"].as_i64(), job["counts"]["failed"].as_i64()),
        (Some(6), Some(1)),
        "{job}"
    );
    let failure = &job["failures"][0];
    assert_eq!((failure["name"].as_str(), failure["attempts"].as_i64()), (Some("bad.bmp"), Some(3)), "{job}");
    let reason = failure["reason"].as_str().unwrap();
    assert!(reason.contains("3 attempts") && reason.contains("jobs.attempts_max"), "{reason}");
    assert!(reason.contains("signal 9"), "{reason}");
    assert_eq!(killed.len(), 3, "one process per attempt");
    assert!(service.csv(&id).await == without(&expected, &["bad.bmp"]));
    // Without kills, a retry of the pair succeeds.
    assert_eq!(service.post(&format!("/jobs/{id}/retry"), &serde_json::json!({})).await.status(), 202);
    assert_eq!(service.ended(&id).await["counts"]["done"], 7);
    assert!(service.csv(&id).await == expected);
}

#[tokio::test]
async fn a_pair_that_kills_the_service_is_found_among_the_pairs_that_run_at_the_same_time() {
    // The whole service is killed whenever the bad pair runs, as when a container runs out of memory.
    let place = Place::new(&["jobs.concurrency=2", "jobs.attempts_max=2"]);
    place.dataset("d", 5, 400);
    place.pair("d", "001b", 1200, 1000);
    let expected = place.optimize("d", "seed");
    let mut service = place.start();
    let id = service.optimize("d", "seed").await;
    let mut n_kills = 0;
    let job = loop {
        if service.at_work().iter().any(|(_, file)| file.contains("001b.bmp")) {
            service.kill();
            n_kills += 1;
            assert!(n_kills <= 2, "it is given up after two attempts");
            service = place.start();
        }
        let job = service.job(&id).await;
        if job["finished_at_ms"].is_number() {
            break job;
        }
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    };
    let failed: Vec<_> =
        job["failures"].as_array().unwrap().iter().map(|f| f["name"].as_str().unwrap()).collect();
    assert_eq!((failed, n_kills), (vec!["001b.bmp"], 2), "{job}");
    assert_eq!(job["counts"]["done"], 5, "the other pairs succeed: {job}");
    assert!(service.csv(&id).await == without(&expected, &["001b.bmp"]));
}

#[tokio::test]
async fn a_pair_that_takes_too_long_fails_and_the_rest_goes_on() {
    let place = Place::new(&["jobs.concurrency=1", "jobs.pair_timeout_ms=1500"]);
    place.dataset("d", 3, 60);
    place.pair("d", "001b", 3000, 1000);
    let expected = place.optimize("d", "seed");
    let service = place.start();
    let id = service.optimize("d", "seed").await;
    let job = service.ended(&id).await;
    assert_eq!(
        (job["counts"]["done"].as_i64(), job["counts"]["failed"].as_i64()),
        (Some(3), Some(1)),
        "{job}"
    );
    let failure = &job["failures"][0];
    assert_eq!(failure["name"], "001b.bmp");
    assert!(failure["reason"].as_str().unwrap().contains("jobs.pair_timeout_ms"), "{job}");
    assert!(service.csv(&id).await == without(&expected, &["001b.bmp"]));
    assert!(service.at_work().is_empty(), "its process is gone");
}
