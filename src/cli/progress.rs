//! Progress bars with rate and time left, on a terminal only.

use std::{io::IsTerminal as _, time::Duration};

use indicatif::{ProgressBar, ProgressStyle};

/// Returns a bar for `n` things called `unit`. It is hidden when standard error is not a terminal.
pub(super) fn bar(n: usize, unit: &str) -> ProgressBar {
    if !std::io::stderr().is_terminal() || n < 2 {
        return ProgressBar::hidden();
    }
    let template =
        format!("{{wide_bar}} {{pos}}/{{len}} {unit}  {{per_sec}}  {{elapsed}} elapsed, {{eta}} left");
    let style = ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::new(n as u64).with_style(style);
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
