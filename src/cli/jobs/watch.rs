//! `pentimento jobs watch`: follows the events of a job to its end, across restarts of the service.

use std::{
    io::{BufRead as _, BufReader},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use indicatif::ProgressBar;
use serde_json::Value;

use super::{
    super::{client::Client, outcome::Outcome, output, progress},
    line::line,
    path::job_path,
};

/// How long a service may be unreachable before the command gives up.
const AWAY_MAX: Duration = Duration::from_secs(120);
/// Pause between two attempts to follow.
const RETRY_PERIOD: Duration = Duration::from_secs(1);

pub(super) fn run(client: &Client, id: &str) -> Result<Outcome> {
    let job = client.get(&job_path(id, "")?)?;
    let count = |job: &Value, name: &str| job["counts"][name].as_u64().unwrap_or_default();
    let n_open = count(&job, "total") - count(&job, "unpaired");
    let bar = progress::bar(usize::try_from(n_open)?, "tasks");
    let (mut last, mut seen_at) = (0, Instant::now());
    let job = loop {
        match follow(client, id, &mut last, &bar) {
            Ok(()) => seen_at = Instant::now(),
            Err(error) if seen_at.elapsed() > AWAY_MAX => return Err(error),
            Err(_) => {}
        }
        match client.get(&job_path(id, "")?) {
            Ok(job) if job["finished_at_ms"].is_number() => break job,
            Ok(_) => {}
            Err(error) if seen_at.elapsed() > AWAY_MAX => return Err(error),
            Err(_) => {}
        }
        thread::sleep(RETRY_PERIOD);
    };
    bar.finish_and_clear();
    output::line(line(&job))?;
    for failure in job["failures"].as_array().into_iter().flatten() {
        let text = |name: &str| failure[name].as_str().unwrap_or_default();
        output::tell(format_args!("{}: {}", text("name"), text("reason")));
    }
    let all_done = job["state"] == "finished" && count(&job, "done") == count(&job, "total");
    Ok(if all_done { Outcome::AllGood } else { Outcome::SomeFailed })
}

/// Reads the events after `last` until the service ends the stream. Sets `last` to the last complete event.
fn follow(client: &Client, id: &str, last: &mut u64, bar: &ProgressBar) -> Result<()> {
    let seen = last.to_string();
    let headers: &[(&str, &str)] = if *last > 0 { &[("Last-Event-ID", &seen)] } else { &[] };
    let response = client.fetch(&job_path(id, "/events")?, headers)?;
    let (mut kind, mut number) = (String::new(), None);
    for line in BufReader::new(response.into_body().into_reader()).lines() {
        let line = line?;
        match line.split_once(": ") {
            Some(("event", name)) => name.clone_into(&mut kind),
            Some(("id", text)) => number = text.parse().ok(),
            Some(("data", data)) => tell(&kind, &serde_json::from_str(data)?, bar),
            _ if line.is_empty() => {
                // An event counts as seen when it is complete.
                if let Some(number) = number.take() {
                    *last = number;
                }
            }
            _ => {}
        }
    }
    if *last == 0 {
        bail!("the service ended the stream without an event");
    }
    Ok(())
}

/// Shows an event on the bar or as a message.
fn tell(kind: &str, data: &Value, bar: &ProgressBar) {
    let say = |text: String| bar.suspend(|| output::tell(text));
    let text = |name: &str| data[name].as_str().unwrap_or_default();
    match kind {
        "task" => {
            bar.inc(1);
            if data["state"] == "failed" {
                say(format!("{}: {}", text("name"), text("reason")));
            }
        }
        "retried" => bar.set_position(bar.position().saturating_sub(data["tasks"].as_u64().unwrap_or(0))),
        "paused" => say(format!("paused: {}", text("reason"))),
        "resumed" => say("resumed: the disk accepts writes again".to_owned()),
        _ => {}
    }
}
