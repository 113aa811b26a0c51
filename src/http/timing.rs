//! The time of each step of a request, for the header `Server-Timing` (W3C).

use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};

use axum::http::HeaderValue;

/// The steps of a request in the order in which they began. One runs at a time.
#[derive(Clone, Debug)]
pub(super) struct Timings {
    started: Instant,
    current: Option<(&'static str, Instant)>,
    finished: Vec<(&'static str, Duration)>,
}

impl Timings {
    /// Starts the clock and the step `name`.
    pub(super) fn start(name: &'static str) -> Self {
        let now = Instant::now();
        Self { started: now, current: Some((name, now)), finished: Vec::with_capacity(8) }
    }

    /// Ends the current step and begins the step `name`.
    pub(super) fn begin(&mut self, name: &'static str) {
        self.end();
        self.current = Some((name, Instant::now()));
    }

    /// Ends the current step.
    pub(super) fn end(&mut self) {
        if let Some((name, began)) = self.current.take() {
            // Pages of a file take the same steps again: their times are added.
            match self.finished.iter_mut().find(|step| step.0 == name) {
                Some(step) => step.1 += began.elapsed(),
                None => self.finished.push((name, began.elapsed())),
            }
        }
    }

    /// The header `decode;dur=1.234, …, total;dur=5.678`, in milliseconds.
    pub(super) fn header(&self) -> HeaderValue {
        let mut text = String::new();
        for (name, took) in &self.finished {
            let _ = write!(text, "{name};dur={:.3}, ", milliseconds(*took));
        }
        let _ = write!(text, "total;dur={:.3}", milliseconds(self.started.elapsed()));
        HeaderValue::try_from(text).expect("names and numbers are ASCII")
    }
}

fn milliseconds(took: Duration) -> f64 {
    took.as_secs_f64() * 1e3
}
