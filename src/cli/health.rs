//! `pentimento health`: one request to a running service. The exit code shows a container's probe,
//! which may have no HTTP client, whether the service is healthy.

use anyhow::Result;
use clap::Args;

use super::{
    client,
    outcome::{Outcome, usage},
    output,
};

/// The path of the probe where the URL has none.
const DEFAULT_PATH: &str = "/health/ready";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// URL of the service, http://HOST:PORT or http://HOST:PORT/health/live; the default path is /health/ready, the
    /// default port 80
    #[arg(value_name = "URL")]
    url: String,
}

pub(super) fn run(arguments: Arguments) -> Result<Outcome> {
    let (status, body) = client::probe(&with_path(&arguments.url)?)?;
    output::line(format_args!("{status} {}", body.trim()))?;
    Ok(if (200..300).contains(&status) { Outcome::AllGood } else { Outcome::SomeFailed })
}

/// Returns the URL, with the default path where it has none.
fn with_path(url: &str) -> Result<String> {
    let rest =
        url.strip_prefix("http://").ok_or_else(|| usage("a URL that begins with http:// is needed"))?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    if host.is_empty() || rest.contains(char::is_whitespace) {
        return Err(usage(format_args!("{url:?} is not a URL")));
    }
    Ok(match path {
        "" => format!("http://{host}{DEFAULT_PATH}"),
        path => format!("http://{host}/{path}"),
    })
}
