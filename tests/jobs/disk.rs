//! A disk that is full: a small tmpfs that the test mounts, which needs root.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use reqwest::{Client, StatusCode};
use serde_json::json;

use crate::support::{PATIENCE, Place, Service};

const N_PAIRS: u32 = 900;

/// Fills the disk that `path` lies on, to the last byte.
fn fill(path: &Path) {
    let mut file = fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
    for piece in [64 << 10, 4 << 10, 512, 1] {
        while file.write_all(&vec![1; piece]).is_ok() {}
    }
    assert_eq!(file.write_all(&[1]).unwrap_err().kind(), std::io::ErrorKind::StorageFull);
}

/// Fills the disk again and again until jobs are paused: the service frees some bytes whenever it moves its log.
async fn fill_until_paused(service: &Service, id: &str, balloon: &Path) {
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

/// Restores a picture and returns the status of the answer.
async fn restore(service: &Service, picture: Vec<u8>) -> StatusCode {
    let request = Client::new().post(format!("{}/restore", service.base())).body(picture);
    request.timeout(PATIENCE).send().await.unwrap().status()
}

/// A small tmpfs, unmounted when the value goes out of scope.
struct Disk(PathBuf);

impl Disk {
    /// Mounts `size` bytes at `at`. This needs root; `make test` leaves these tests out where it cannot mount.
    fn mount(at: &Path, size: &str) -> Self {
        fs::create_dir_all(at).unwrap();
        let options = format!("size={size}");
        let status =
            Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(at).status().unwrap();
        assert!(status.success(), "a tmpfs must be mounted for this test: run it as root");
        Self(at.to_owned())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[tokio::test]
async fn a_full_disk_pauses_jobs_and_they_finish_when_there_is_space_again() {
    let place = Place::new(&["jobs.concurrency=2"]);
    let _disk = Disk::mount(&place.data, "8m");
    // More results than fit into the pages that the database has already allocated.
    place.dataset("d", N_PAIRS, 24);
    let expected = place.optimize("d", "full");
    let service = place.start();
    let id = service.optimize("d", "full").await;
    for n in [20, 40] {
        service.until(&id, |job| job["counts"]["done"].as_i64() >= Some(n)).await;
        let balloon = place.data.join("balloon");
        fill_until_paused(&service, &id, &balloon).await;
        // Stored results can be read, and pictures are restored.
        assert!(service.csv(&id).await.len() > 100);
        let picture = fs::read(place.path("datasets/d/damaged/000.bmp")).unwrap();
        assert_eq!(restore(&service, picture).await, StatusCode::OK);
        // The service tries again and again; no pair is given up because of the disk.
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
    assert!(service.csv(&id).await == expected, "the same bytes as an undisturbed run");
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
    // The service starts even if it cannot open the database on the full disk. It goes on when the disk has space.
    let service = place.start();
    let picture = fs::read(place.path("datasets/d/damaged/000.bmp")).unwrap();
    assert_eq!(restore(&service, picture).await, StatusCode::OK);
    fs::remove_file(&balloon).unwrap();
    let begun = Instant::now();
    while service.get("/jobs").await.status() != 200 {
        assert!(begun.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(service.ended(&id).await["counts"]["done"], N_PAIRS);
    assert!(service.csv(&id).await == expected);
}
