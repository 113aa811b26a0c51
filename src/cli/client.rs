//! The HTTP client of `pentimento health` and `pentimento jobs`. It speaks plain HTTP, as the service does.

use std::{io::Read as _, time::Duration};

use anyhow::{Context as _, Result, anyhow};
use serde_json::Value;
use ureq::{Agent, Body, http::Response};

use super::outcome::usage;

/// How long a job's client waits for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a job's client waits for the service to begin an answer. Answers themselves may take any time.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(120);

/// How long a probe waits for a connection, and for each part of the answer.
const PROBE_TIMEOUT: Duration = Duration::from_secs(5);
/// Most bytes of the body that a probe reads.
const PROBE_BYTES_MAX: u64 = 64 << 10;

/// A client of one service.
pub(super) struct Client {
    agent: Agent,
    base: String,
}

impl Client {
    /// Makes a client of the service at `base`, `http://HOST:PORT`. Does not connect yet.
    pub fn new(base: &str) -> Result<Self> {
        if !base.starts_with("http://") {
            return Err(usage(format_args!("{base:?}: a URL that begins with http:// is needed")));
        }
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_recv_response(Some(ANSWER_TIMEOUT))
            .build()
            .new_agent();
        Ok(Self { agent, base: base.trim_end_matches('/').to_owned() })
    }

    /// Gets a JSON document.
    pub fn get(&self, path: &str) -> Result<Value> {
        json(self.fetch(path, &[])?)
    }

    /// Gets an answer whose body is read piece by piece.
    pub fn fetch(&self, path: &str, headers: &[(&str, &str)]) -> Result<Response<Body>> {
        let mut request = self.agent.get(format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.call().with_context(|| format!("asking {}", self.base))?;
        if response.status().is_success() { Ok(response) } else { Err(refusal(response)) }
    }

    /// Posts a JSON document, or nothing, and returns the JSON document of the answer.
    pub fn post(&self, path: &str, body: Option<&Value>, key: Option<&str>) -> Result<Value> {
        let mut request = self.agent.post(format!("{}{path}", self.base));
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        let sent = match body {
            Some(body) => request.header("Content-Type", "application/json").send(body.to_string()),
            None => request.send_empty(),
        };
        let response = sent.with_context(|| format!("asking {}", self.base))?;
        if response.status().is_success() { json(response) } else { Err(refusal(response)) }
    }
}

/// Asks `url` once. Returns the status and at most 64 KiB of the body, whatever the status is. Follows no redirect
/// and uses no proxy: a probe is about this one service.
pub(super) fn probe(url: &str) -> Result<(u16, String)> {
    let agent = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .proxy(None)
        .timeout_resolve(Some(PROBE_TIMEOUT))
        .timeout_connect(Some(PROBE_TIMEOUT))
        .timeout_send_request(Some(PROBE_TIMEOUT))
        .timeout_recv_response(Some(PROBE_TIMEOUT))
        .timeout_recv_body(Some(PROBE_TIMEOUT))
        .build()
        .new_agent();
    let response = agent.get(url).header("Connection", "close").call().map_err(|error| match error {
        ureq::Error::Protocol(_) => anyhow!("{url} does not speak HTTP"),
        // The peer closed the connection before it had sent a status line and headers.
        ureq::Error::Io(cut) if cut.kind() == std::io::ErrorKind::UnexpectedEof => {
            anyhow!("{url} does not speak HTTP")
        }
        other => anyhow::Error::new(other).context(format!("asking {url}")),
    })?;
    let status = response.status().as_u16();
    let mut body = Vec::new();
    let mut reader = response.into_body().into_reader().take(PROBE_BYTES_MAX);
    reader.read_to_end(&mut body).with_context(|| format!("asking {url}"))?;
    Ok((status, String::from_utf8_lossy(&body).into_owned()))
}

/// Reads a JSON body.
fn json(response: Response<Body>) -> Result<Value> {
    let mut bytes = Vec::new();
    response.into_body().into_reader().read_to_end(&mut bytes).context("reading the answer")?;
    serde_json::from_slice(&bytes).context("the answer is not JSON")
}

/// Returns the error that an answer's problem document describes, in one line.
fn refusal(response: Response<Body>) -> anyhow::Error {
    let status = response.status();
    let Ok(problem) = json(response) else { return anyhow!("the service answered {status}") };
    let text = |name: &str| problem[name].as_str().unwrap_or_default();
    let setting = match text("setting") {
        "" => String::new(),
        setting => format!(" (setting {setting} of the service)"),
    };
    anyhow!("{}: {}{setting}", text("title"), text("detail"))
}
