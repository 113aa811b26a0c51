//! Jobs: submitting, following, reading, cancelling, retrying, reusing results, deleting.

use std::{fs, os::unix::fs::symlink};

use pentimento::jobs::retention::forget_before;
use reqwest::{Method, header};
use serde_json::{Value, json};

use crate::{
    described,
    jobs_support::{JobsApp, job_of},
    support::{damaged, golden, ok, problem, send},
};

const PAIRS: [&str; 4] = ["cast", "jpeg", "noise", "smallest"];

fn id(job: &Value) -> &str {
    job["id"].as_str().unwrap()
}

/// Number, kind and data of each event in the text of a stream.
fn events(text: &str) -> Vec<(Option<i64>, String, Value)> {
    let field = |block: &str, name: &str| {
        block.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")).map(str::to_owned))
    };
    text.split("\n\n")
        .filter(|block| block.contains("event: "))
        .map(|block| {
            let number = field(block, "id").map(|id| id.parse().unwrap());
            (
                number,
                field(block, "event").unwrap(),
                serde_json::from_str(&field(block, "data").unwrap()).unwrap(),
            )
        })
        .collect()
}

#[tokio::test]
async fn datasets_are_listed_and_described() {
    let app = JobsApp::start().await;
    app.dataset("plain", &PAIRS);
    app.dataset("sets/one", &["cast"]);
    app.write("sets/two/damaged/a.png", b"x");
    app.write("sets/two/undamaged/b.png", b"x");
    app.write("sets/two/damaged/notes.txt", b"x");
    symlink("/", app.root().join("outside")).unwrap();
    let list: Value = ok(app.get("/datasets")).await.json().await.unwrap();
    described::check(&list, "Datasets");
    assert_eq!(list, json!({ "datasets": [{ "name": "plain" }, { "name": "sets" }] }));
    let sets: Value = ok(app.get("/datasets/sets")).await.json().await.unwrap();
    described::check(&sets, "Dataset");
    assert_eq!(
        (&sets["n_pairs"], &sets["n_unpaired"], &sets["n_ignored"]),
        (&json!(1), &json!(2), &json!(1))
    );
    let size = damaged("cast").len() + golden("pairs/cast.reference.png").len();
    assert_eq!(
        sets["sets"][0],
        json!({"name": "one", "n_pairs": 1, "n_unpaired": 0, "n_failed": 0, "size_bytes": size})
    );
    assert_eq!(sets["unpaired"], json!(["two/damaged/a.png", "two/undamaged/b.png"]));
    for name in ["outside", "..%2fdata", "%2fetc", "gone", ".hidden"] {
        let response = send(app.get(&format!("/datasets/{name}"))).await;
        assert_eq!(response.status(), 404, "{name}");
    }
    problem(app.get("/datasets/outside"), 404, "unknown-dataset").await;
    fs::create_dir_all(app.root().join("half/pictures")).unwrap();
    let unusable = problem(app.get("/datasets/half"), 422, "unusable-dataset").await;
    assert!(!unusable.to_string().contains(app.folder.path().to_str().unwrap()), "{unusable}");
}

#[tokio::test]
async fn a_job_gives_what_the_command_gives_in_every_form() {
    let app = JobsApp::start().await;
    app.dataset("d", &["cast", "half-size", "undamaged", "smallest"]);
    app.write("d/damaged/broken.png", b"no picture");
    app.write("d/undamaged/broken.png", b"no picture");
    app.write("d/damaged/lonely.png", &damaged("cast"));
    for grid in ["seed", "full"] {
        let job = app.run("optimize", &json!({ "dataset": "d", "grid": grid })).await;
        assert_eq!((&job["state"], &job["counts"]["done"]), (&json!("finished"), &json!(4)), "{job}");
        let failures: Vec<_> =
            job["failures"].as_array().unwrap().iter().map(|f| (&f["name"], &f["state"])).collect();
        assert_eq!(
            failures,
            [(&json!("broken.png"), &json!("failed")), (&json!("damaged/lonely.png"), &json!("unpaired"))]
        );
        assert!(!job.to_string().contains(app.folder.path().to_str().unwrap()), "{job}");
        let (table, all) = app.optimize("d", grid);
        assert!(app.results(id(&job), "", "text/csv").await == table, "{grid}");
        assert!(app.results(id(&job), "?view=combinations", "*/*").await == all, "{grid}");
        let lines = String::from_utf8(app.results(id(&job), "", "application/x-ndjson").await).unwrap();
        let rows: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(rows.len(), 4);
        let parquet = app.results(id(&job), "?view=combinations", "application/vnd.apache.parquet").await;
        assert!(parquet.starts_with(b"PAR1") && parquet.ends_with(b"PAR1"));
        problem(
            app.get(&format!("/jobs/{}/results", id(&job))).header("accept", "image/png"),
            406,
            "not-acceptable",
        )
        .await;
        problem(app.get(&format!("/jobs/{}/results?view=card", id(&job))), 422, "bad-parameter").await;
    }
}

#[tokio::test]
async fn ended_results_have_a_tag_and_parts() {
    let app = JobsApp::start().await;
    app.dataset("d", &PAIRS);
    let job = app.run("optimize", &json!({ "dataset": "d" })).await;
    for (accept, query) in [
        ("text/csv", ""),
        ("application/jsonl", "?view=combinations"),
        ("application/vnd.apache.parquet", ""),
    ] {
        let path = format!("/jobs/{}/results{query}", id(&job));
        let asked = || app.get(&path).header("accept", accept);
        let whole = ok(asked()).await;
        let tag = whole.headers()["etag"].to_str().unwrap().to_owned();
        assert!(tag.starts_with('"') && tag.len() == 66 && whole.headers()["accept-ranges"] == "bytes");
        let whole = whole.bytes().await.unwrap();
        let n = whole.len();
        let part = async |range: &str, if_range: &str| {
            let request = asked().header(header::RANGE, range).header(header::IF_RANGE, if_range);
            let response = send(request).await;
            let range = response.headers().get("content-range").map(|r| r.to_str().unwrap().to_owned());
            (response.status().as_u16(), range, response.bytes().await.unwrap())
        };
        let (status, range, bytes) = part("bytes=10-29", &tag).await;
        assert_eq!((status, range), (206, Some(format!("bytes 10-29/{n}"))));
        assert!(bytes == whole[10..30]);
        let (status, _, bytes) = part("bytes=-7", &tag).await;
        assert!(status == 206 && bytes == whole[n - 7..]);
        let (status, _, bytes) = part(&format!("bytes={}-", n - 1), &tag).await;
        assert!(status == 206 && bytes == whole[n - 1..]);
        let (status, range, bytes) = part("bytes=0-1", "\"other\"").await;
        assert!(status == 200 && range.is_none() && bytes == whole);
        let response = send(asked().header(header::IF_NONE_MATCH, &tag)).await;
        assert_eq!((response.status().as_u16(), response.headers()["etag"].to_str().unwrap()), (304, &*tag));
        let outside =
            problem(asked().header(header::RANGE, format!("bytes={n}-")), 416, "range-outside").await;
        assert_eq!(outside["limit"], n);
        let head = send(app.request(Method::HEAD, &path).header("accept", accept)).await;
        assert_eq!(head.headers()["content-length"], n.to_string());
    }
}

#[tokio::test]
async fn a_repeated_request_with_a_key_is_the_same_job() {
    let app = JobsApp::start().await;
    app.dataset("d", &["smallest"]);
    let post = |key: &str, body: Value| app.submit("optimize", &body).header("idempotency-key", key);
    let first = job_of(send(post("k1", json!({ "dataset": "d" }))).await).await;
    // The same request with the defaults written out.
    let again = send(post("\"k1\"", json!({ "grid": "seed", "dataset": "d" }))).await;
    assert_eq!(again.status(), 202);
    assert_eq!(id(&job_of(again).await), id(&first));
    app.ended(id(&first)).await;
    let later = job_of(send(post("k1", json!({ "dataset": "d" }))).await).await;
    assert_eq!((id(&later), later["state"].as_str()), (id(&first), Some("finished")));
    problem(post("k1", json!({ "dataset": "d", "grid": "full" })), 422, "idempotency-key-reused").await;
    for bad in ["", "two words", &"x".repeat(256)] {
        let refused = problem(post(bad, json!({ "dataset": "d" })), 422, "bad-parameter").await;
        assert_eq!(refused["parameter"], "Idempotency-Key");
    }
    // The key of a refused request stays free.
    problem(post("k2", json!({ "dataset": "gone" })), 404, "unknown-dataset").await;
    assert_eq!(send(post("k2", json!({ "dataset": "d" }))).await.status(), 202);
    // Many requests at once make one job. Those that arrive while it is being accepted get a problem of their own.
    let many = (0..12).map(|_| tokio::spawn(send(post("k3", json!({ "dataset": "d" })))));
    let mut ids = std::collections::BTreeSet::new();
    for response in many.collect::<Vec<_>>() {
        let response = response.await.unwrap();
        match response.status().as_u16() {
            202 => drop(ids.insert(id(&job_of(response).await).to_owned())),
            409 => {
                let body: Value = response.json().await.unwrap();
                assert_eq!(body["type"], "/problems/idempotency-key-in-use");
            }
            other => panic!("{other}"),
        }
    }
    assert_eq!(ids.len(), 1);
    // The key of a deleted job is free again.
    app.ended(id(&first)).await;
    let path = format!("/jobs/{}", id(&first));
    assert_eq!(send(app.request(Method::DELETE, &path)).await.status(), 204);
    assert_ne!(id(&job_of(send(post("k1", json!({ "dataset": "d" }))).await).await), id(&first));
}

#[tokio::test]
async fn a_request_that_describes_no_job_is_refused() {
    let app = JobsApp::start().await;
    app.dataset("d", &["smallest"]);
    let refused = async |kind: &str, body: Value, status: u16, slug: &str| {
        problem(app.submit(kind, &body), status, slug).await
    };
    assert!(
        refused("optimize", json!({ "dataset": "d", "gird": 1 }), 422, "bad-job").await["detail"]
            .as_str()
            .unwrap()
            .contains("gird")
    );
    assert_eq!(
        refused("optimize", json!({ "dataset": "d", "grid": "fine" }), 422, "bad-job").await["parameter"],
        "grid"
    );
    assert_eq!(
        refused("optimize", json!({ "dataset": "d", "features": "x/1" }), 422, "bad-job").await["allowed"],
        "seed-14/1"
    );
    refused("optimize", json!({ "dataset": "../d" }), 404, "unknown-dataset").await;
    refused("optimize", json!([1]), 422, "bad-job").await;
    assert_eq!(refused("train", json!({ "tables": ["1"] }), 422, "bad-job").await["parameter"], "tables");
    refused("train", json!({ "tables": [] }), 422, "bad-job").await;
    assert_eq!(
        refused("evaluate", json!({ "dataset": "d", "model": "1" }), 422, "bad-job").await["parameter"],
        "model"
    );
    let wrong = app.request(Method::POST, "/jobs/optimize").header("content-type", "text/plain").body("x");
    problem(wrong, 415, "unsupported-media-type").await;
    problem(app.request(Method::POST, "/jobs/optimize?dataset=d"), 422, "unknown-parameter").await;
    for (method, path) in [
        ("GET", ""),
        ("DELETE", ""),
        ("GET", "/events"),
        ("GET", "/results"),
        ("POST", "/cancel"),
        ("POST", "/retry"),
    ] {
        let request = app.request(method.parse().unwrap(), &format!("/jobs/NOPE{path}"));
        problem(request, 404, "unknown-job").await;
    }
    let list: Value = ok(app.get("/jobs")).await.json().await.unwrap();
    assert_eq!(list["jobs"], json!([]), "nothing was accepted");
}

#[tokio::test]
async fn jobs_are_listed_newest_first_page_by_page() {
    let app = JobsApp::start().await;
    app.dataset("d", &["smallest"]);
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(id(&app.run("optimize", &json!({ "dataset": "d" })).await).to_owned());
    }
    let list = async |path: &str| -> Value {
        let list: Value = ok(app.get(path)).await.json().await.unwrap();
        described::check(&list, "Jobs");
        list
    };
    let first = list("/jobs?limit=2&state=finished").await;
    let second = list(first["next"].as_str().unwrap()).await;
    let found: Vec<_> = [&first, &second]
        .iter()
        .flat_map(|l| l["jobs"].as_array().unwrap())
        .map(|j| id(j).to_owned())
        .collect();
    ids.reverse();
    assert_eq!((found, &second["next"]), (ids, &Value::Null));
    assert_eq!(list("/jobs?state=cancelled").await["jobs"], json!([]));
    problem(app.get("/jobs?state=done"), 422, "bad-parameter").await;
    problem(app.get("/jobs?limit=0"), 422, "bad-parameter").await;
}

#[tokio::test]
async fn events_come_once_and_continue_after_the_last_one_that_a_client_saw() {
    let app = JobsApp::start().await;
    app.dataset("d", &PAIRS);
    let job = app.accepted("optimize", &json!({ "dataset": "d" })).await;
    let path = format!("/jobs/{}/events", id(&job));
    // The client follows the job from the beginning while it runs: the stream ends with the job.
    let live = ok(app.get(&path)).await;
    assert_eq!(live.headers()["content-type"], "text/event-stream");
    let live = events(&live.text().await.unwrap());
    let kinds: Vec<&str> = live.iter().map(|event| event.1.as_str()).collect();
    assert_eq!(kinds, ["accepted", "started", "task", "task", "task", "task", "finished"]);
    assert_eq!(live.iter().map(|event| event.0.unwrap()).collect::<Vec<_>>(), (1..=7).collect::<Vec<_>>());
    let mut names: Vec<_> = live[2..6].iter().map(|event| event.2["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, PAIRS.map(|pair| format!("{pair}.png")));
    // The client reads the events again: all of them, or those after the last one that it saw.
    assert_eq!(events(&ok(app.get(&path)).await.text().await.unwrap()), live);
    let rest = ok(app.get(&path).header("last-event-id", "5")).await.text().await.unwrap();
    assert_eq!(events(&rest), live[5..]);
    assert_eq!(send(app.get(&path).header("last-event-id", "7")).await.status(), 204);
    problem(app.get(&path).header("last-event-id", "x"), 422, "bad-parameter").await;
}

#[tokio::test]
async fn a_cancelled_job_ends_at_once_and_keeps_what_was_done() {
    let app = JobsApp::start().await;
    app.dataset("d", &PAIRS);
    let (table, _) = app.optimize("d", "full");
    for i in 0..4 {
        app.slow_pair("d", &format!("z{i}"), 1500);
    }
    let job = app.accepted("optimize", &json!({ "dataset": "d", "grid": "full" })).await;
    let job = app.until(id(&job), |job| job["counts"]["done"] == 4 && job["counts"]["running"] == 2).await;
    let partial = ok(app.get(&format!("/jobs/{}/results", id(&job)))).await;
    assert!(partial.headers().get("etag").is_none());
    assert!(partial.bytes().await.unwrap() == table, "partial results are those of the pairs done");
    problem(app.request(Method::DELETE, &format!("/jobs/{}", id(&job))), 409, "job-state").await;

    let cancel = || app.request(Method::POST, &format!("/jobs/{}/cancel", id(&job)));
    let cancelled = job_of(ok(cancel()).await).await;
    assert_eq!(
        (&cancelled["state"], &cancelled["counts"]["done"], &cancelled["counts"]["cancelled"]),
        (&json!("cancelled"), &json!(4), &json!(4))
    );
    assert_eq!(job_of(ok(cancel()).await).await["finished_at_ms"], cancelled["finished_at_ms"]);
    problem(app.request(Method::POST, &format!("/jobs/{}/retry", id(&job))), 409, "job-state").await;
    // The processes end within seconds, so the next job starts at once.
    let next = tokio::time::timeout(std::time::Duration::from_secs(20), async {
        app.dataset("e", &["odd-size"]);
        app.run("optimize", &json!({ "dataset": "e" })).await
    });
    assert_eq!(next.await.expect("turns are free")["state"], "finished");
    let ended = ok(app.get(&format!("/jobs/{}/results", id(&job)))).await;
    assert!(ended.headers().contains_key("etag"));
    assert!(ended.bytes().await.unwrap() == table);
    let stream = ok(app.get(&format!("/jobs/{}/events", id(&job)))).await.text().await.unwrap();
    assert_eq!(events(&stream).last().unwrap().1, "cancelled");
    assert_eq!(send(app.request(Method::DELETE, &format!("/jobs/{}", id(&job)))).await.status(), 204);
    problem(app.get(&format!("/jobs/{}", id(&job))), 404, "unknown-job").await;
}

#[tokio::test]
async fn retry_repeats_what_failed_and_nothing_else() {
    let app = JobsApp::start().await;
    app.dataset("d", &["cast", "jpeg"]);
    let good = fs::read(app.root().join("d/damaged/jpeg.png")).unwrap();
    app.write("d/damaged/jpeg.png", &good[..good.len() / 2]);
    app.write("d/damaged/lonely.png", &good);
    let job = app.run("optimize", &json!({ "dataset": "d" })).await;
    let (done, failed) = (&job["counts"]["done"], &job["counts"]["failed"]);
    assert_eq!((&job["state"], done, failed), (&json!("finished"), &json!(1), &json!(1)));
    app.write("d/damaged/jpeg.png", &good);
    let retry = || app.request(Method::POST, &format!("/jobs/{}/retry", id(&job)));
    let response = send(retry()).await;
    assert_eq!(response.status(), 202);
    let job = app.ended(id(&job_of(response).await)).await;
    assert_eq!(
        (&job["counts"]["done"], &job["counts"]["failed"], &job["counts"]["unpaired"]),
        (&json!(2), &json!(0), &json!(1))
    );
    assert!(app.results(id(&job), "", "*/*").await == app.optimize("d", "seed").0);
    let stream = ok(app.get(&format!("/jobs/{}/events", id(&job)))).await.text().await.unwrap();
    let kinds: Vec<_> = events(&stream).into_iter().map(|event| event.1).collect();
    assert_eq!(kinds[kinds.len() - 4..], ["retried", "started", "task", "finished"]);
    problem(app.request(Method::POST, &format!("/jobs/{}/retry", id(&job))), 409, "job-state").await;
    problem(app.request(Method::POST, &format!("/jobs/{}/cancel", id(&job))), 409, "job-state").await;
}

#[tokio::test]
async fn earlier_results_are_not_computed_again() {
    let app = JobsApp::start().await;
    app.dataset("d", &PAIRS);
    let first = app.run("optimize", &json!({ "dataset": "d" })).await;
    assert_eq!(first["counts"]["reused"], 0);
    // The results are reused under other names too, since they depend on the pictures only.
    app.dataset("copy/set", &PAIRS);
    for (dataset, n) in [("d", 4), ("copy", 4)] {
        let again = app.run("optimize", &json!({ "dataset": dataset })).await;
        assert_ne!(id(&again), id(&first));
        assert_eq!((&again["counts"]["done"], &again["counts"]["reused"]), (&json!(4), &json!(n)), "{again}");
        assert!(app.results(id(&again), "", "*/*").await == app.optimize(dataset, "seed").0);
    }
    let other = app.run("optimize", &json!({ "dataset": "d", "grid": "full" })).await;
    assert_eq!(other["counts"]["reused"], 0, "another grid");
    // The lists of the seed grid are the same space as its name.
    let lists = json!({ "color_methods": ["white_balance", "none"], "sigmas": [0.5, 1, 1.5, 2], "strengths": [0.5, 1, 1.5, 2, 2.5] });
    let spelt = app.run("optimize", &json!({ "dataset": "d", "grid": lists })).await;
    assert_eq!(spelt["counts"]["reused"], 4);
    app.write("d/damaged/cast.png", &damaged("dark"));
    let changed = app.run("optimize", &json!({ "dataset": "d" })).await;
    assert_eq!(changed["counts"]["reused"], 3, "another picture");
    assert!(app.results(id(&changed), "", "*/*").await == app.optimize("d", "seed").0);
    // Other jobs still reuse the results of the deleted job.
    assert_eq!(send(app.request(Method::DELETE, &format!("/jobs/{}", id(&changed)))).await.status(), 204);
    assert_eq!(app.run("optimize", &json!({ "dataset": "d" })).await["counts"]["reused"], 4);
}

#[tokio::test]
async fn old_jobs_are_deleted() {
    let app = JobsApp::start().await;
    app.dataset("d", &["smallest"]);
    let old = app.run("optimize", &json!({ "dataset": "d" })).await;
    forget_before(&app.jobs(), old["finished_at_ms"].as_i64().unwrap()).await.unwrap();
    app.job(id(&old)).await;
    forget_before(&app.jobs(), old["finished_at_ms"].as_i64().unwrap() + 1).await.unwrap();
    problem(app.get(&format!("/jobs/{}", id(&old))), 404, "unknown-job").await;
    let again = app.run("optimize", &json!({ "dataset": "d" })).await;
    assert_eq!(again["counts"]["reused"], 0, "its results went with it");
}

#[tokio::test]
async fn training_and_evaluation_are_jobs_too() {
    let app = JobsApp::start().await;
    for i in 0..12 {
        app.write(&format!("d/damaged/{i}.bmp"), &crate::jobs_support::picture(40, i + 1));
        app.write(&format!("d/undamaged/{i}.bmp"), &crate::jobs_support::picture(40, i + 100));
    }
    let table = app.run("optimize", &json!({ "dataset": "d" })).await;
    assert_eq!(table["counts"]["done"], 12, "{table}");
    let trained = app.run("train", &json!({ "tables": [id(&table)], "dataset": "d", "seed": 7 })).await;
    assert_eq!(trained["state"], "finished", "{trained}");
    let model = app.results(id(&trained), "", "*/*").await;
    let card = String::from_utf8(app.results(id(&trained), "?view=card", "*/*").await).unwrap();
    let predictor = pentimento_core::models::predictor::Predictor::from_bytes(&model).unwrap();
    assert!(card.starts_with(&format!("# Model {}", predictor.id())), "{card}");
    let (csv, _) = app.optimize("d", "seed");
    fs::write(app.path("table.csv"), csv).unwrap();
    let status = std::process::Command::new(crate::jobs_support::PROGRAM)
        .args(["train", "--seed", "7", "--table"])
        .arg(app.path("table.csv"))
        .arg("--dataset")
        .arg(app.root().join("d"))
        .arg("--out")
        .arg(app.path("model"))
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .status();
    assert!(status.unwrap().success());
    assert!(fs::read(app.path("model")).unwrap() == model, "the job trains what the command trains");

    let measured = app.run("evaluate", &json!({ "dataset": "d", "model": id(&trained) })).await;
    assert_eq!(measured["state"], "finished", "{measured}");
    let path = format!("/jobs/{}/results", id(&measured));
    let report: Value = ok(app.get(&path)).await.json().await.unwrap();
    assert_eq!(report["model"], predictor.id(), "{report}");
    let part = send(app.get(&path).header(header::RANGE, "bytes=0-0")).await;
    assert_eq!((part.status().as_u16(), part.bytes().await.unwrap().as_ref()), (206, &b"{"[..]));
    // A job that fails reports the command's message.
    app.dataset("few", &["smallest"]);
    let few = app.run("optimize", &json!({ "dataset": "few" })).await;
    let failed = app.run("train", &json!({ "tables": [id(&few)] })).await;
    assert_eq!(failed["state"], "failed");
    assert!(failed["failures"][0]["reason"].as_str().unwrap().contains("pentimento: "), "{failed}");
    problem(app.get(&format!("/jobs/{}/results", id(&failed))), 409, "job-state").await;
    problem(app.submit("train", &json!({ "tables": [id(&trained)] })), 422, "bad-job").await;
}

#[tokio::test]
async fn without_a_folder_to_write_pictures_are_restored_and_jobs_come_later() {
    let mut data = std::path::PathBuf::new();
    let app = JobsApp::with(|setup| {
        // A file stands in the place of the folder, so that not even root can write below it.
        setup.folder = setup.folder.join("sub");
        fs::write(setup.folder.parent().unwrap(), b"").unwrap();
        data = setup.folder.clone();
    })
    .await;
    for path in ["/jobs", "/jobs/1", "/jobs/1/events", "/jobs/1/results", "/datasets"] {
        assert_eq!(problem(app.get(path), 503, "no-jobs").await["setting"], "data.dir");
    }
    let refused = problem(app.submit("optimize", &json!({ "dataset": "d" })), 503, "no-jobs").await;
    assert_eq!(refused["setting"], "data.dir");
    ok(app.request(Method::POST, "/restore").body(damaged("smallest"))).await;
    fs::remove_file(data.parent().unwrap()).unwrap();
    let mut open = app.availability.clone();
    let opened = open.wait_for(|found| matches!(found, pentimento::jobs::service::Availability::Open(_)));
    tokio::time::timeout(crate::support::PATIENCE, opened).await.expect("jobs open by themselves").unwrap();
    app.dataset("d", &["smallest"]);
    assert_eq!(app.run("optimize", &json!({ "dataset": "d" })).await["state"], "finished");
}

#[tokio::test]
async fn without_datasets_the_setting_is_named() {
    let app =
        JobsApp::with(|setup| setup.datasets = pentimento::jobs::dataset_root::DatasetRoot::new("".into()))
            .await;
    assert_eq!(problem(app.get("/datasets"), 503, "no-datasets").await["setting"], "datasets.root");
    problem(app.submit("optimize", &json!({ "dataset": "d" })), 503, "no-datasets").await;
}

#[tokio::test]
async fn a_dataset_without_pairs_is_a_failed_job_and_one_of_thousands_is_accepted_whole() {
    let app = JobsApp::start().await;
    app.write("empty/damaged/a.png", b"x");
    fs::create_dir_all(app.root().join("empty/undamaged")).unwrap();
    let job = app.run("optimize", &json!({ "dataset": "empty" })).await;
    assert_eq!((&job["state"], &job["counts"]["unpaired"]), (&json!("failed"), &json!(1)));
    for i in 0..3000 {
        app.write(&format!("many/damaged/{i}.png"), b"");
        app.write(&format!("many/undamaged/{i}.png"), b"");
    }
    let job = app.accepted("optimize", &json!({ "dataset": "many" })).await;
    assert_eq!(job["counts"]["total"], 3000);
    let cancelled = job_of(ok(app.request(Method::POST, &format!("/jobs/{}/cancel", id(&job)))).await).await;
    assert_eq!(cancelled["state"], "cancelled");
}

#[tokio::test]
async fn when_no_process_can_be_started_no_attempt_counts() {
    let mut program = std::path::PathBuf::new();
    let app = JobsApp::with(|setup| {
        setup.settings.attempts_max = 1;
        program = setup.folder.with_file_name("program");
        setup.program = program.clone();
    })
    .await;
    app.dataset("d", &["smallest", "cast"]);
    let job = app.accepted("optimize", &json!({ "dataset": "d" })).await;
    app.until(id(&job), |job| job["state"] == "running").await;
    app.until(id(&job), |job| job["counts"]["waiting"] == 2).await;
    symlink(crate::jobs_support::PROGRAM, &program).unwrap();
    let job = app.ended(id(&job)).await;
    assert_eq!((&job["state"], &job["counts"]["done"]), (&json!("finished"), &json!(2)), "{job}");
}
