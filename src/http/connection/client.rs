//! What a handler knows about the connection of its request.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::Duration,
};

use axum::http::Extensions;

use super::registry::{Connection, Phase};

/// The client of a request. A request that came over no connection, as in unit tests, has a client without one.
#[derive(Clone, Debug, Default)]
pub(in crate::http) struct Client(Option<Arc<Connection>>);

/// The time in which a body is read. The connection is in the phase `Receiving` until this value is dropped.
#[derive(Debug)]
pub(in crate::http) struct Receiving(Client);

impl Client {
    pub(super) fn new(connection: Arc<Connection>) -> Self {
        Self(Some(connection))
    }

    /// The client of the request with these extensions.
    pub(in crate::http) fn of(extensions: &Extensions) -> Self {
        extensions.get::<Client>().cloned().unwrap_or_default()
    }

    /// The client's address.
    pub(in crate::http) fn address(&self) -> IpAddr {
        self.0.as_ref().map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |connection| connection.peer.ip())
    }

    /// Whether the connection is one more than allowed.
    pub(in crate::http) fn is_extra(&self) -> bool {
        self.0.as_ref().is_some_and(|connection| connection.is_extra)
    }

    /// The time for which the client has read nothing of what is ready for it.
    pub(in crate::http) fn unread_for(&self) -> Duration {
        self.0.as_ref().and_then(|connection| connection.blocked_for()).unwrap_or_default()
    }

    /// Begins to read the body.
    pub(in crate::http) fn receive(&self) -> Receiving {
        if let Some(connection) = &self.0 {
            connection.enter(Phase::Receiving);
        }
        Receiving(self.clone())
    }
}

impl Receiving {
    /// The service waits for the next bytes from now on.
    pub(in crate::http) fn begin_waiting(&self) {
        if let Some(connection) = &self.0.0 {
            connection.begin_waiting();
        }
    }

    /// The next bytes have come.
    pub(in crate::http) fn end_waiting(&self, bytes: usize) {
        if let Some(connection) = &self.0.0 {
            connection.end_waiting(bytes);
        }
    }
}

impl Drop for Receiving {
    fn drop(&mut self) {
        if let Some(connection) = &self.0.0
            && connection.phase() == Phase::Receiving
        {
            connection.enter(Phase::Working);
        }
    }
}
