//! `kill -9` and SIGTERM of the whole service while it restores stored pictures, and the command that fetches them.

use std::{fs, path::Path, process::Command};

use reqwest::Client;
use serde_json::Value;

use crate::support::{PATIENCE, PROGRAM, Place, Service, is_alive, picture, until};

/// Side of the pictures. Large enough that kills hit their restoration.
const SIDE_PX: usize = 1200;

async fn post(service: &Service, body: &[u8], prefer: &str) -> reqwest::Response {
    let url = format!("{}/restore?color=on&sigma=2&strength=1&format=png", service.base());
    let request = Client::new().post(url).header("prefer", prefer).body(body.to_vec());
    request.timeout(PATIENCE).send().await.unwrap()
}

/// Submits a picture and returns the id of its job.
async fn restore_later(service: &Service, body: &[u8]) -> String {
    let response = post(service, body, "respond-async").await;
    assert_eq!(response.status(), 202);
    response.json::<Value>().await.unwrap()["id"].as_str().unwrap().to_owned()
}

fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_service_that_is_killed_restores_every_accepted_picture_once() {
    let place = Place::new(&["jobs.concurrency=1", "jobs.attempts_max=50"]);
    let mut service = place.start();
    let bodies: Vec<Vec<u8>> = (1..=3).map(|seed| picture(SIDE_PX, seed)).collect();
    let mut expected = Vec::new();
    for body in &bodies {
        let answer = post(&service, body, "wait=1").await;
        assert_eq!(answer.status(), 200);
        expected.push(answer.bytes().await.unwrap());
    }
    let mut ids = Vec::new();
    for body in &bodies {
        ids.push(restore_later(&service, body).await);
    }
    let oom_score = |pid| fs::read_to_string(format!("/proc/{pid}/oom_score_adj")).ok();
    let mut n_landed = 0;
    for n in 0..4 {
        // The first kill comes right after the last 202; the others come while a picture is being restored.
        if n > 0 && service.ended_count(&ids).await < ids.len() {
            let begun = std::time::Instant::now();
            while service.working("restore").is_empty() && begun.elapsed().as_secs() < 10 {
                tokio::time::sleep(std::time::Duration::from_millis(2)).await;
            }
            if let Some((pid, _)) = service.working("restore").first() {
                let pid = *pid;
                until("the kernel ends the child first", || {
                    oom_score(pid).is_none_or(|score| score.trim() == "1000")
                })
                .await;
            }
        }
        let at_work = service.working("restore");
        n_landed += at_work.len();
        service.kill();
        until("no orphans", || at_work.iter().all(|(pid, _)| !is_alive(*pid))).await;
        service = place.start();
    }
    assert!(n_landed > 0, "at least one kill hits a restoration");
    for (id, expected) in ids.iter().zip(&expected) {
        let job = service.ended(id).await;
        assert_eq!(job["state"], "finished", "{job}");
        let found = service.get(&format!("/jobs/{id}/results")).await.bytes().await.unwrap();
        assert!(found == expected, "the same bytes as an undisturbed answer");
        assert_eq!(files(&place.data.join("jobs").join(id)), ["receipt-0.json", "restored-0"]);
        // The command fetches the same bytes.
        let out = place.path(id);
        let command = ["jobs", "--server", service.base(), "results", id, "-o"];
        assert!(Command::new(PROGRAM).args(command).arg(&out).status().unwrap().success());
        assert!(fs::read(out).unwrap() == *expected);
    }
    drop(service);
    assert_eq!(place.number("SELECT COUNT(*) FROM event WHERE kind = 'task'").await, 3, "each ended once");
}

#[tokio::test]
async fn a_service_that_is_stopped_gives_a_picture_back_and_sweeps_what_a_crash_left() {
    let place = Place::new(&["jobs.concurrency=1", "jobs.attempts_max=1", "server.drain_timeout_ms=1"]);
    let service = place.start();
    let mut ids = Vec::new();
    for seed in 1..=3 {
        ids.push(restore_later(&service, &picture(SIDE_PX, seed)).await);
    }
    service.stop();
    assert_eq!(place.number("SELECT COUNT(*) FROM task WHERE state = 'running'").await, 0);
    // What a killed process may leave: a half-written file, and pictures whose job was never committed.
    let jobs = place.data.join("jobs");
    fs::write(jobs.join(&ids[0]).join(".pentimento-x"), b"half").unwrap();
    let uncommitted = jobs.join("01ARZ3NDEKTSV4RRFFQ69G5FAV");
    fs::create_dir(&uncommitted).unwrap();
    fs::write(uncommitted.join("picture-0"), b"whole").unwrap();
    let service = place.start();
    assert!(!uncommitted.exists());
    for id in &ids {
        assert_eq!(service.ended(id).await["state"], "finished", "a stop is no attempt");
        // The picture goes right after the end is committed, so that a crash between them loses nothing.
        until("the picture is deleted", || files(&jobs.join(id)) == ["receipt-0.json", "restored-0"]).await;
    }
}
