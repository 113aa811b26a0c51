//! `pentimento jobs` and `pentimento migrate` against a real service.

use std::{fs, process::Command};

use serde_json::Value;

use crate::support::{PROGRAM, Place, Service};

/// Runs a command. Returns exit code, standard output and standard error.
fn run(arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(PROGRAM).args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn jobs(service: &Service, arguments: &[&str]) -> (i32, String, String) {
    run(&[&["jobs", "--server", service.base()], arguments].concat())
}

#[test]
fn a_job_from_the_command_line_from_submit_to_results() {
    let place = Place::new(&[]);
    place.dataset("d", 3, 60);
    place.file("d/damaged/broken.png");
    place.file("d/undamaged/broken.png");
    let grid = place.path("grid.toml");
    fs::write(&grid, "color_methods = [\"none\"]\nsigmas = [1.0]\nstrengths = [-0.5, 1.0]\n").unwrap();
    let grid = grid.to_str().unwrap();
    let expected = place.optimize("d", grid);
    let service = place.start();
    let submit = ["submit", "optimize", "--dataset", "d", "--grid", grid, "--key", "k"];
    let (code, id, _) = jobs(&service, &submit);
    let id = id.trim();
    assert_eq!((code, id.len()), (0, 26));
    assert_eq!(jobs(&service, &submit).1.trim(), id, "the same key gives the same job");

    let (code, out, said) = jobs(&service, &["watch", id]);
    assert_eq!(code, 1, "one pair failed: {out}{said}");
    assert!(
        out.contains("finished  3 of 4 done, 0 reused, 1 failed") && said.contains("broken.png: "),
        "{out}{said}"
    );
    let (code, out, _) = jobs(&service, &["list", "--state", "finished"]);
    assert_eq!((code, out.lines().count(), out.starts_with(id)), (0, 1, true), "{out}");
    let shown: Value = serde_json::from_str(&jobs(&service, &["show", id]).1).unwrap();
    assert_eq!(shown["counts"]["done"], 3);

    let (code, csv, _) = jobs(&service, &["results", id]);
    assert!(code == 0 && csv.as_bytes() == expected);
    let file = place.path("r.parquet");
    let file = file.to_str().unwrap();
    assert_eq!(jobs(&service, &["results", id, "--format", "parquet", "-o", file]).0, 0);
    assert!(fs::read(file).unwrap().starts_with(b"PAR1"));
    let (code, _, said) = jobs(&service, &["results", id, "-o", file]);
    assert!(code == 2 && said.contains("--force"), "{said}");
    let (code, all, _) = jobs(&service, &["results", id, "--view", "combinations", "--format", "jsonl"]);
    assert_eq!((code, all.lines().count()), (0, 9), "three candidates, identity included, of three pairs");

    let (code, out, _) = jobs(&service, &["submit", "optimize", "--dataset", "d", "--grid", grid, "--watch"]);
    assert!(code == 1 && out.contains("3 reused"), "{out}");
    let (code, _, said) = jobs(&service, &["submit", "optimize", "--dataset", "gone"]);
    assert!(code == 1 && said.contains("there is no dataset \"gone\""), "{said}");
    let (code, _, said) = jobs(&service, &["cancel", id]);
    assert!(code == 1 && said.contains("the job is finished"), "{said}");
    assert_eq!(jobs(&service, &["show", "../x"]).0, 2);
    assert_eq!(jobs(&service, &["submit", "optimize", "--dataset", "d", "--grid", "gone.toml"]).0, 2);
}

#[tokio::test]
async fn a_watcher_sees_that_a_job_is_cancelled() {
    let place = Place::new(&[]);
    place.dataset("d", 3, 1500);
    let service = place.start();
    let id = service.optimize("d", "full").await;
    let watcher = Command::new(PROGRAM)
        .args(["jobs", "--server", service.base(), "watch", &id])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    service.until(&id, |job| job["counts"]["running"] != 0).await;
    let (code, out, _) = jobs(&service, &["cancel", &id]);
    assert!(code == 0 && out.contains("cancelled"), "{out}");
    let watched = watcher.wait_with_output().unwrap();
    assert_eq!(watched.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&watched.stdout).contains("cancelled"));
}

#[test]
fn migrate_makes_the_database_and_refuses_a_newer_one() {
    let place = Place::new(&[]);
    let setting = format!("data.dir={}", place.data.display());
    let migrate = || run(&["migrate", "--set", &setting]);
    for _ in 0..2 {
        let (code, out, said) = migrate();
        assert!(code == 0 && out.contains("schema version 2"), "{out}{said}");
    }
    let service = place.start();
    let (code, _, said) = migrate();
    assert!(code == 1 && said.contains("in use by another process"), "{said}");
    drop(service);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(place.execute(
        "INSERT INTO pentimento_migrations SELECT 9, 'later', installed_on, success, checksum, execution_time \
         FROM pentimento_migrations LIMIT 1",
    ));
    for arguments in [&["migrate"][..], &["serve", "--address", "127.0.0.1:0"]] {
        let (code, _, said) = run(&[arguments, &["--set", &setting]].concat());
        assert!(code == 1 && said.contains("schema version 9") && said.contains("up to 2"), "{said}");
    }
}
