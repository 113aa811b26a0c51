//! A disk that is full: a small tmpfs that the test mounts, which needs root.

use std::{
    fs,
    io::Write as _,
    time::{Duration, Instant},
};

use reqwest::StatusCode;
use serde_json::json;

use crate::support::{Disk, PATIENCE, Place, Service};

const N_PAIRS: u32 = 900;

/// Writes until nothing more fits.
fn fill(path: &std::path::Path) {
    let mut file = fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
    for piece in [64 << 10, 4 << 10, 512, 1] {
        while file.write_all(&vec![1; piece]).is_ok() {}
    }
    assert_eq!(file.write_all(&[1]).unwrap_err().kind(), std::io::ErrorKind::StorageFull);
}

/// Takes every byte that becomes free until jobs are paused; moving its log frees some for the service.
async fn fill_until_paused(service: &Service, id: &str, balloon: &std::path::Path) {
    let begun = Instant::now();
    loop {
        fill(balloon);
        let job = service.job(id).await;
        if job["state"] == "paused" {
            assert!(job["reason"].as_str().unwrap().contains("data.dir"), "{job}");
            return;
        }
        assert!(!job["finished_at_ms"].is_number(), "it finished on a full disk: {job}");
        assert!(begun.elapsed() < PATIENCE, "never paused: {job}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_full_disk_pauses_jobs_and_they_finish_when_there_is_space_again() {
    let place = Place::new(&["jobs.concurrency=2"]);
    let _disk = Disk::mount(&place.data, "8m");
    // More than finds room in what the database has allocated.
    place.dataset("d", N_PAIRS, 24);
    let expected = place.optimize("d", "full");
    let service = place.start();
    let id = service.optimize("d", "full").await;
    for n in [20, 40] {
        service.until(&id, |job| job["counts"]["done"].as_i64() >= Some(n)).await;
        let balloon = place.data.join("balloon");
        fill_until_paused(&service, &id, &balloon).await;
        // What is there can be read, and pictures are restored.
        assert!(service.csv(&id).await.len() > 100);
        let picture = fs::read(place.path("datasets/d/damaged/000.bmp")).unwrap();
        assert_eq!(service.restore(picture).await, StatusCode::OK);
        // It is tried again and again, and nothing is given up for it.
        let before = service.job(&id).await;
        tokio::time::sleep(Duration::from_secs(3)).await;
        fill_until_paused(&service, &id, &balloon).await;
        let after = service.job(&id).await;
        assert_eq!((&after["counts"]["failed"], &before["counts"]["failed"]), (&json!(0), &json!(0)));
        fs::remove_file(&balloon).unwrap();
        service.until(&id, |job| job["state"] != "paused").await;
    }
    let job = service.ended(&id).await;
    assert_eq!(job["counts"]["done"], N_PAIRS, "{job}");
    assert!(service.csv(&id).await == expected, "the bytes of an undisturbed run");
}

#[tokio::test]
async fn a_service_killed_on_a_full_disk_finishes_when_there_is_space_again() {
    let place = Place::new(&["jobs.concurrency=2"]);
    let _disk = Disk::mount(&place.data, "8m");
    place.dataset("d", N_PAIRS, 24);
    let expected = place.optimize("d", "full");
    let service = place.start();
    let id = service.optimize("d", "full").await;
    service.until(&id, |job| job["counts"]["done"].as_i64() >= Some(20)).await;
    let balloon = place.data.join("balloon");
    fill_until_paused(&service, &id, &balloon).await;
    service.kill();
    // Whether it can be opened on a full disk or not, it serves; and it goes on by itself.
    let service = place.start();
    let picture = fs::read(place.path("datasets/d/damaged/000.bmp")).unwrap();
    assert_eq!(service.restore(picture).await, StatusCode::OK);
    fs::remove_file(&balloon).unwrap();
    let begun = Instant::now();
    while service.get("/jobs").await.status() != 200 {
        assert!(begun.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(service.ended(&id).await["counts"]["done"], N_PAIRS);
    assert!(service.csv(&id).await == expected);
}
