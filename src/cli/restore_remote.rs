//! `pentimento restore --server URL`: lets a service restore the pictures, many in one request.
//!
//! The pictures go out and the answers come in at the same time, so that neither side keeps more than a few of them.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context as _, Result, anyhow, bail};
use axum::{
    body::{Body, Bytes},
    http::{Request, StatusCode, Uri, header},
};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use multer::{Field, Multipart, parse_boundary};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use tokio::{net::TcpStream, sync::mpsc};
use tokio_stream::wrappers::ReceiverStream;

use super::{inputs::CommandInput, outcome::usage};
use pentimento_core::{
    imaging::codec::{Limits, MetadataPolicy},
    restoration::{RestoreRequest, receipt::Receipt},
};

/// The delimiter of the form. A picture that contains it would be cut there; 128 fixed bits make that no accident.
const BOUNDARY: &str = "pentimento-8d3f0c5e6b1a49b7a2c4d90e17f3586b";
/// Longest part of an answer that is kept, in bytes.
const PART_BYTES_MAX: usize = 2 << 30;
/// Most pictures of one request, below the default of the service's `limits.pictures_max`.
const PICTURES_PER_REQUEST: usize = 200;
/// Port of a URL without one.
const PORT_DEFAULT: u16 = 80;

/// A restored picture with its receipt.
pub(super) struct RemoteResult {
    pub(super) bytes: Bytes,
    pub(super) receipt: Receipt,
}

/// What the service needs to know about the request.
pub(super) struct RemoteRequest<'a> {
    /// `http://HOST:PORT`.
    pub(super) server: &'a str,
    pub(super) request: &'a RestoreRequest,
    pub(super) limits: Limits,
    /// Whether the pictures are one roll. They are then sent in one request, whatever their number.
    pub(super) together: bool,
}

/// The index of each picture that was sent. The first has number 1 in the form.
type SentIndices = Arc<Mutex<Vec<usize>>>;

/// Sends the inputs and calls `done` with the index and the result of each, as they come.
///
/// # Errors
/// When the service cannot be reached, refuses the whole request, or breaks off. Inputs without a call of `done` have no
/// result then.
pub(super) fn restore_remotely(
    remote: &RemoteRequest,
    inputs: &[(usize, CommandInput)],
    done: &mut dyn FnMut(usize, Result<RemoteResult>) -> Result<()>,
) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let ended = runtime.block_on(async {
        let per_request = if remote.together { inputs.len() } else { PICTURES_PER_REQUEST };
        for inputs in inputs.chunks(per_request) {
            converse(remote, inputs, done).await?;
        }
        Ok(())
    });
    runtime.shutdown_background();
    ended
}

async fn converse(
    remote: &RemoteRequest<'_>,
    inputs: &[(usize, CommandInput)],
    done: &mut dyn FnMut(usize, Result<RemoteResult>) -> Result<()>,
) -> Result<()> {
    let (base, authority) = address(remote.server)?;
    let (sender, receiver) = mpsc::channel(1);
    let (inputs, limits, sent) = (inputs.to_vec(), remote.limits, SentIndices::default());
    let indices = sent.clone();
    let sending = tokio::task::spawn_blocking(move || send_form(&inputs, &limits, &indices, &sender));
    let request = Request::post(format!("{base}/restore?{}", query(remote)))
        .header(header::HOST, &authority)
        .header(header::ACCEPT, "multipart/mixed")
        .header(header::CONTENT_TYPE, format!("multipart/form-data; boundary={BOUNDARY}"))
        .body(Body::from_stream(ReceiverStream::new(receiver)))?;
    let asking = || format!("asking {}", remote.server);
    let stream = TcpStream::connect(&authority).await.with_context(asking)?;
    let (mut client, connection) = http1::handshake(TokioIo::new(stream)).await.with_context(asking)?;
    tokio::spawn(connection);
    let response = client.send_request(request).await.with_context(asking)?;
    let (head, body) = response.into_parts();
    let body = Body::new(body);
    if head.status != StatusCode::OK {
        if sent.lock().unwrap_or_else(PoisonError::into_inner).is_empty() {
            // No picture could be read, so the form was empty. The reasons say more than the service.
            for (index, error) in sending.await? {
                done(index, Err(error))?;
            }
            return Ok(());
        }
        return Err(refusal(head.status, body).await);
    }
    let mime = head.headers.get(header::CONTENT_TYPE).and_then(|mime| mime.to_str().ok()).unwrap_or_default();
    let boundary = mime.strip_prefix("multipart/mixed").and_then(|rest| {
        // The parser only takes the boundary of forms.
        parse_boundary(format!("multipart/form-data{rest}")).ok()
    });
    let boundary = boundary.ok_or_else(|| anyhow!("the service answered {mime:?}, not multipart/mixed"))?;
    let parts = Multipart::new(body.into_data_stream(), boundary);
    read_answers(parts, &sent, done)
        .await
        .with_context(|| format!("reading the answer of {}", remote.server))?;
    for (index, error) in sending.await? {
        done(index, Err(error))?;
    }
    Ok(())
}

/// Reads the parts and hands over each picture with its receipt.
async fn read_answers(
    mut parts: Multipart<'_>,
    sent: &SentIndices,
    done: &mut dyn FnMut(usize, Result<RemoteResult>) -> Result<()>,
) -> Result<()> {
    let mut pictures: BTreeMap<usize, Bytes> = BTreeMap::new();
    while let Some(part) = parts.next_field().await? {
        let number = number_of(&part)?;
        let mime = part.content_type().map(ToString::to_string).unwrap_or_default();
        let bytes = content(part).await?;
        let index = sent.lock().unwrap_or_else(PoisonError::into_inner).get(number.wrapping_sub(1)).copied();
        let index = index.ok_or_else(|| anyhow!("an answer to picture {number}, which was not sent"))?;
        match mime.as_str() {
            "application/problem+json" => done(index, Err(said_by(&bytes)))?,
            "application/json" => {
                let receipt = serde_json::from_slice(&bytes).context("a receipt")?;
                let bytes =
                    pictures.remove(&number).ok_or_else(|| anyhow!("a receipt without its picture"))?;
                done(index, Ok(RemoteResult { bytes, receipt }))?;
            }
            _ => drop(pictures.insert(number, bytes)),
        }
    }
    Ok(())
}

/// The number of the picture that a part belongs to.
fn number_of(part: &Field) -> Result<usize> {
    let number = part.headers().get("picture-number").and_then(|number| number.to_str().ok()?.parse().ok());
    number.ok_or_else(|| anyhow!("a part without the number of its picture"))
}

/// Reads the content of a part.
async fn content(mut part: Field<'_>) -> Result<Bytes> {
    let mut bytes = Vec::new();
    while let Some(piece) = part.chunk().await? {
        if bytes.len() + piece.len() > PART_BYTES_MAX {
            bail!("a part has more than {PART_BYTES_MAX} bytes");
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes.into())
}

/// Sends the form piece by piece. Ends early if the service takes no more. Returns the inputs that cannot be read.
fn send_form(
    inputs: &[(usize, CommandInput)],
    limits: &Limits,
    sent: &SentIndices,
    to: &mpsc::Sender<Result<Bytes, Infallible>>,
) -> Vec<(usize, anyhow::Error)> {
    let mut unreadable = Vec::new();
    let send = |bytes: Vec<u8>| to.blocking_send(Ok(bytes.into())).is_ok();
    for (index, input) in inputs {
        let bytes = match input.read(limits) {
            Ok(bytes) => bytes,
            Err(error) => {
                unreadable.push((*index, error));
                continue;
            }
        };
        let name = utf8_percent_encode(&input.name(), NON_ALPHANUMERIC).to_string();
        let head = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"image\"; filename=\"{name}\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n"
        );
        sent.lock().unwrap_or_else(PoisonError::into_inner).push(*index);
        if !(send(head.into_bytes()) && send(bytes) && send(b"\r\n".to_vec())) {
            break;
        }
    }
    send(format!("--{BOUNDARY}--\r\n").into_bytes());
    unreadable
}

/// The path before the routes, and `HOST:PORT`.
fn address(server: &str) -> Result<(String, String)> {
    let bad = || usage(format_args!("--server {server:?}: a URL like http://HOST:PORT is needed"));
    let uri: Uri = server.parse().map_err(|_| bad())?;
    let host = uri.host().filter(|_| uri.scheme_str() == Some("http")).ok_or_else(bad)?;
    let authority = format!("{host}:{}", uri.port_u16().unwrap_or(PORT_DEFAULT));
    Ok((uri.path().trim_end_matches('/').to_owned(), authority))
}

/// The parameters as a query. The answers come as soon as they are ready.
fn query(remote: &RemoteRequest) -> String {
    let RestoreRequest { parameters, format, quality, metadata, lenient, page, .. } = remote.request;
    let pairs = [
        ("order", Some("ready".to_owned())),
        ("together", remote.together.then(|| "true".to_owned())),
        ("color_method", parameters.color_method().map(|method| method.name().to_owned())),
        ("sigma", parameters.sigma().map(|sigma| sigma.to_string())),
        ("strength", parameters.strength().map(|strength| strength.to_string())),
        // What this call knows wins over the settings of the service.
        ("tone", Some(parameters.tone().to_string())),
        ("assume", Some(parameters.assume().to_string())),
        ("format", format.map(|format| format.to_string())),
        ("quality", quality.map(|quality| quality.to_string())),
        ("metadata", Some(metadata_name(*metadata).to_owned())),
        ("lenient", lenient.then(|| "true".to_owned())),
        ("page", page.map(|page| page.to_string())),
    ];
    let given = pairs.into_iter().filter_map(|(name, value)| Some(format!("{name}={}", value?)));
    given.collect::<Vec<_>>().join("&")
}

fn metadata_name(metadata: MetadataPolicy) -> &'static str {
    match metadata {
        MetadataPolicy::Keep => "keep",
        MetadataPolicy::Strip => "strip",
    }
}

/// The error of an answer that is not 200.
async fn refusal(status: StatusCode, body: Body) -> anyhow::Error {
    match axum::body::to_bytes(body, 1 << 20).await {
        Ok(bytes) if !bytes.is_empty() => said_by(&bytes),
        _ => anyhow!("the service answered {status}"),
    }
}

/// The error that a problem document describes, in one line.
fn said_by(bytes: &[u8]) -> anyhow::Error {
    let problem: Value = serde_json::from_slice(bytes).unwrap_or_default();
    let text = |name: &str| problem[name].as_str().unwrap_or_default();
    let setting = match text("setting") {
        "" => String::new(),
        setting => format!(" (setting {setting} of the service)"),
    };
    anyhow!("{}: {}{setting}", text("title"), text("detail"))
}
