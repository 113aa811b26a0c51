//! Requests to a service, and what it answers.

use std::{io::Read, time::Duration};

use anyhow::{Context as _, Result, anyhow};
use serde_json::Value;
use ureq::{Agent, Body, http::Response};

use super::super::usage;

/// How long a service may take to begin an answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(120);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A service.
pub(super) struct Client {
    agent: Agent,
    base: String,
}

impl Client {
    pub(super) fn new(base: &str) -> Result<Self> {
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

    pub(super) fn get(&self, path: &str) -> Result<Value> {
        json(self.fetch(path, &[])?)
    }

    /// The answer itself, for those that are long.
    pub(super) fn fetch(&self, path: &str, headers: &[(&str, &str)]) -> Result<Response<Body>> {
        let mut request = self.agent.get(format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.call().with_context(|| format!("asking {}", self.base))?;
        if response.status().is_success() { Ok(response) } else { Err(refusal(response)) }
    }

    pub(super) fn post(&self, path: &str, body: Option<&Value>, key: Option<&str>) -> Result<Value> {
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

fn json(response: Response<Body>) -> Result<Value> {
    let mut bytes = Vec::new();
    response.into_body().into_reader().read_to_end(&mut bytes).context("reading the answer")?;
    serde_json::from_slice(&bytes).context("the answer is not JSON")
}

/// What a problem document says, in one line.
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

/// The path of a job.
pub(super) fn job_path(id: &str, more: &str) -> Result<String> {
    if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(usage(format_args!("{id:?} is not the id of a job")));
    }
    Ok(format!("/jobs/{id}{more}"))
}

/// A value in a query.
pub(super) fn escaped(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(byte).collect()
}
