//! The bodies of a request and of its answer, which report to the connection.

use std::{
    pin::Pin,
    sync::{Arc, atomic::Ordering},
    task::{Context, Poll, ready},
};

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, header},
};
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;

use super::registry::Connection;

/// The body of a request. It reports whether the client still has to send the rest of it.
pub(super) struct RequestBody {
    incoming: Incoming,
    connection: Arc<Connection>,
    has_ended: bool,
}

impl RequestBody {
    /// The body of a request with these `headers`.
    pub(super) fn new(incoming: Incoming, headers: &HeaderMap, connection: Arc<Connection>) -> Self {
        let has_ended = incoming.is_end_stream();
        // A client that expects `100 Continue` sends nothing before the service reads.
        let waits = headers.contains_key(header::EXPECT);
        connection.lingers.store(!has_ended && !waits, Ordering::Relaxed);
        connection.is_abandoned.store(false, Ordering::Relaxed);
        Self { incoming, connection, has_ended }
    }
}

impl HttpBody for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let this = self.get_mut();
        if !this.has_ended {
            this.connection.lingers.store(true, Ordering::Relaxed);
        }
        let frame = ready!(Pin::new(&mut this.incoming).poll_frame(cx));
        if !matches!(frame, Some(Ok(_))) || this.incoming.is_end_stream() {
            this.has_ended = true;
            this.connection.lingers.store(false, Ordering::Relaxed);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        self.connection.is_abandoned.store(!self.has_ended, Ordering::Relaxed);
    }
}

/// The body of an answer. It reports when the whole answer has been handed over for writing.
pub(super) struct AnswerBody {
    body: Body,
    connection: Arc<Connection>,
}

impl AnswerBody {
    pub(super) fn new(body: Body, connection: Arc<Connection>) -> Self {
        connection.is_answered.store(false, Ordering::Relaxed);
        Self { body, connection }
    }
}

impl HttpBody for AnswerBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for AnswerBody {
    fn drop(&mut self) {
        self.connection.is_answered.store(true, Ordering::Relaxed);
    }
}
