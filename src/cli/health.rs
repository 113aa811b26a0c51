//! `pentimento health`: one request to a running service, for probes without a client of their own.

use std::{
    io::{Read as _, Write as _},
    net::{TcpStream, ToSocketAddrs as _},
    time::Duration,
};

use anyhow::{Context as _, Result};
use clap::Args;

use super::{Outcome, output, usage};

/// How long a probe waits for a connection and for an answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Most bytes of an answer that are read.
const ANSWER_BYTES_MAX: u64 = 64 << 10;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// http://HOST:PORT, with a path such as /health/live; without one /health/ready is asked
    #[arg(value_name = "URL")]
    url: String,
}

pub(super) fn run(arguments: Arguments) -> Result<Outcome> {
    let rest = arguments
        .url
        .strip_prefix("http://")
        .ok_or_else(|| usage("a URL that begins with http:// is needed"))?;
    let (host, path) = match rest.split_once('/') {
        Some((host, path)) if !path.is_empty() => (host, format!("/{path}")),
        Some((host, _)) => (host, "/health/ready".to_owned()),
        None => (rest, "/health/ready".to_owned()),
    };
    if host.is_empty() || rest.contains(char::is_whitespace) {
        return Err(usage(format_args!("{:?} is not a URL", arguments.url)));
    }
    let address = if host.contains(']') || !host.contains(':') { with_port(host) } else { host.to_owned() };
    let answer = ask(&address, host, &path).with_context(|| format!("asking {}", arguments.url))?;
    let status = answer.strip_prefix("HTTP/").and_then(|line| line.split(' ').nth(1)?.parse::<u16>().ok());
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body).trim();
    match status {
        Some(code @ 200..=299) => {
            output::line(format_args!("{code} {body}"))?;
            Ok(Outcome::AllGood)
        }
        Some(code) => {
            output::line(format_args!("{code} {body}"))?;
            Ok(Outcome::SomeFailed)
        }
        None => Err(anyhow::anyhow!("{} does not speak HTTP", arguments.url)),
    }
}

/// Port 80 unless one is named.
fn with_port(host: &str) -> String {
    let has_port = host.rsplit_once("]:").is_some() || (!host.contains(']') && host.contains(':'));
    if has_port { host.to_owned() } else { format!("{host}:80") }
}

fn ask(address: &str, host: &str, path: &str) -> Result<String> {
    let address = address.to_socket_addrs()?.next().context("the host has no address")?;
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
