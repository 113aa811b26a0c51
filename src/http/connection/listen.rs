//! Accepts connections and serves each with hyper.

use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    pin::pin,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{HeaderValue, header},
    response::Response,
};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt as _;

use super::{
    bodies::{AnswerBody, RequestBody},
    client::Client,
    guarded_stream::GuardedStream,
    registry::{Connection, Connections, Phase},
};

/// Bytes of a connection's buffer. It bounds the head of a request.
pub(in crate::http) const BUFFER_BYTES: usize = 64 << 10;
/// Connections above the limit that may still ask for the health.
const EXTRA_CONNECTIONS: usize = 32;
/// Most bytes of an answer that wait in the kernel. The rest stays here, where the budget counts it.
const UNSENT_BYTES_MAX: u32 = 128 << 10;
/// Pause after an error of accepting, for example for want of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// The limits of connections.
#[derive(Clone, Debug)]
pub struct ConnectionLimits {
    /// Most connections at the same time.
    pub connections_max: usize,
    /// Longest time for the head of a request.
    pub header_timeout: Duration,
    /// Longest pause between requests.
    pub keep_alive_timeout: Duration,
    /// Longest time for an answer whose client does not keep up with it.
    pub answer_timeout: Duration,
    /// Fewest bytes per second that a client must send or read.
    pub rate_min: u64,
    /// Most bytes of a refused body that are read after the answer.
    pub linger_bytes_max: u64,
}

/// A listener that accepts connections until it is closed.
#[derive(Debug)]
pub(in crate::http) struct Listening {
    accepting: CancellationToken,
    closing: CancellationToken,
    tasks: TaskTracker,
    connections: Connections,
}

/// Accepts connections on `listener` and lets `router` answer their requests.
pub(in crate::http) fn listen(
    listener: TcpListener,
    router: Router,
    limits: ConnectionLimits,
    connections: Connections,
) -> Listening {
    let listening = Listening {
        accepting: CancellationToken::new(),
        closing: CancellationToken::new(),
        tasks: TaskTracker::new(),
        connections: connections.clone(),
    };
    let accept = Accept {
        router,
        limits: Arc::new(limits),
        connections,
        closing: listening.closing.clone(),
        tasks: listening.tasks.clone(),
    };
    let accepting = listening.accepting.clone();
    listening.tasks.spawn(async move { accept.run(listener, accepting).await });
    listening
}

impl Listening {
    /// Accepts no more connections. Idle connections end now, the others after their answer.
    pub(in crate::http) fn close(&self) {
        self.accepting.cancel();
        self.closing.cancel();
        self.tasks.close();
    }

    /// Waits until every connection has ended.
    pub(in crate::http) async fn ended(&self) {
        self.tasks.wait().await;
    }

    /// Number of open connections.
    pub(in crate::http) fn n(&self) -> usize {
        self.connections.n()
    }

    /// Ends all connections at once.
    pub(in crate::http) fn cut(&self) {
        self.connections.cut_all();
    }
}

/// What accepting needs.
#[derive(Clone)]
struct Accept {
    router: Router,
    limits: Arc<ConnectionLimits>,
    connections: Connections,
    closing: CancellationToken,
    tasks: TaskTracker,
}

impl Accept {
    /// Accepts connections until `stop`. An error of accepting never ends the service.
    async fn run(self, listener: TcpListener, stop: CancellationToken) {
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = stop.cancelled() => return,
            };
            match accepted {
                Ok((stream, peer)) => self.admit(stream, peer),
                Err(error) => self.cannot_accept(&error).await,
            }
        }
    }

    /// Serves a connection. If there are too many, the one that has waited longest for a request makes room.
    fn admit(&self, stream: TcpStream, peer: SocketAddr) {
        let n = self.connections.n();
        let is_extra = n >= self.limits.connections_max && !self.connections.cut_oldest_waiting();
        if is_extra && n >= self.limits.connections_max + EXTRA_CONNECTIONS {
            tracing::warn!(
                n,
                limit = self.limits.connections_max,
                "a connection is refused: there are too many"
            );
            return;
        }
        let accept = self.clone();
        self.tasks.spawn(async move { accept.serve(stream, peer, is_extra).await });
    }

    async fn cannot_accept(&self, error: &io::Error) {
        // The client has gone before its turn.
        if matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) {
            return;
        }
        let made_room = self.connections.cut_oldest_waiting();
        tracing::warn!(%error, made_room, n = self.connections.n(), "a connection cannot be accepted");
        tokio::time::sleep(ACCEPT_PAUSE).await;
    }

    /// Serves one connection to its end.
    async fn serve(self, stream: TcpStream, peer: SocketAddr, is_extra: bool) {
        if let Err(error) = prepare(&stream) {
            tracing::debug!(%error, "an option of a connection cannot be set");
        }
        let open = self.connections.open(peer, is_extra);
        let connection = open.connection.clone();
        let io = TokioIo::new(GuardedStream::new(stream, connection.clone(), self.limits.clone()));
        let router = self.router;
        let service = service_fn(|request: hyper::Request<Incoming>| {
            answer(router.clone(), connection.clone(), request)
        });
        let served = http1::Builder::new()
            .timer(TokioTimer::new())
            // The stream has the deadlines of head and keep-alive.
            .header_read_timeout(None)
            .max_buf_size(BUFFER_BYTES)
            .serve_connection(io, service);
        let mut served = pin!(served);
        let mut is_closing = false;
        loop {
            tokio::select! {
                outcome = served.as_mut() => {
                    if let Err(error) = outcome {
                        tracing::debug!(%peer, %error, "a connection ended with an error");
                    }
                    return;
                }
                () = connection.cut.cancelled() => return,
                () = self.closing.cancelled(), if !is_closing => {
                    is_closing = true;
                    served.as_mut().graceful_shutdown();
                }
            }
        }
    }
}

/// Sets the options of a connection: no delay for small answers, and few bytes that wait in the kernel.
fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    #[cfg(target_os = "linux")]
    socket2::SockRef::from(stream).set_tcp_notsent_lowat(UNSENT_BYTES_MAX)?;
    Ok(())
}

/// Lets the router answer a request, and keeps the connection's phase.
async fn answer(
    router: Router,
    connection: Arc<Connection>,
    request: hyper::Request<Incoming>,
) -> Result<Response, Infallible> {
    connection.begin_request();
    let (parts, incoming) = request.into_parts();
    let body = Body::new(RequestBody::new(incoming, &parts.headers, connection.clone()));
    let mut request = Request::from_parts(parts, body);
    request.extensions_mut().insert(Client::new(connection.clone()));
    let response = router.oneshot(request).await.unwrap_or_else(|never| match never {});
    let mut response = response.map(|body| Body::new(AnswerBody::new(body, connection.clone())));
    if connection.is_abandoned.load(Ordering::Relaxed) {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    let mime = response.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    let is_stream = mime.is_some_and(|mime| mime.starts_with(b"text/event-stream"));
    connection.is_stream.store(is_stream, Ordering::Relaxed);
    connection.enter(Phase::Sending);
    Ok(response)
}
