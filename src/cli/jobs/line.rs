//! The line that commands print for a job.

use serde_json::Value;

/// Returns a job in one line: id, kind, state, counts of its tasks, time left, and the reason of a failure.
pub(super) fn line(job: &Value) -> String {
    let text = |name: &str| job[name].as_str().unwrap_or_default().to_owned();
    let count = |name: &str| job["counts"][name].as_i64().unwrap_or_default();
    let mut line = format!(
        "{}  {}  {}  {} of {} done, {} reused, {} failed, {} unpaired",
        text("id"),
        text("kind"),
        text("state"),
        count("done"),
        count("total"),
        count("reused"),
        count("failed"),
        count("unpaired"),
    );
    if let Some(left) = job["time_left_s"].as_f64() {
        line.push_str(&format!(", about {left:.0} s left"));
    }
    if let Some(reason) = job["reason"].as_str() {
        line.push_str(&format!(": {reason}"));
    }
    line
}
