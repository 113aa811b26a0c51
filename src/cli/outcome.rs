//! How a command ends: all good, some inputs failed, or wrong usage.

use std::fmt;

/// The outcome of a command that was not stopped by an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Everything succeeded: exit code 0.
    AllGood,
    /// Some inputs failed: exit code 1.
    SomeFailed,
}

impl Outcome {
    /// Returns the end of a command with `n` failed inputs.
    pub fn from_failures(n: usize) -> Self {
        if n == 0 { Outcome::AllGood } else { Outcome::SomeFailed }
    }
}

/// An error of usage or settings: exit code 2.
#[derive(Debug)]
pub(super) struct UsageError(String);

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UsageError {}

/// Returns a usage error with this message.
pub(super) fn usage(message: impl fmt::Display) -> anyhow::Error {
    UsageError(message.to_string()).into()
}
