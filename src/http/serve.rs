//! Serving until told to stop, and stopping without losing a request.

use std::{pin::pin, time::Duration};

use anyhow::Context as _;
use axum::serve::ListenerExt as _;
use tokio::{net::TcpListener, sync::oneshot, time::timeout};

use super::{AppState, router};

/// How long the last answers may take to leave after everything is computed or cut.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

/// Serves `listener` until `shutdown` resolves. Then new work and readiness are answered 503 while requests under way
/// finish, those that take longer than `drain_timeout` are answered 503 too, and connections are closed.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    state: AppState,
    drain_timeout: Duration,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection keeps Nagle's delay");
        }
    });
    let (close, closed) = oneshot::channel::<()>();
    let server = axum::serve(listener, router(state.clone())).with_graceful_shutdown(async {
        let _ = closed.await;
    });
    let mut server = pin!(tokio::spawn(server.into_future()));
    tokio::select! {
        outcome = &mut server => return outcome.context("the server stopped")?.context("the listener failed"),
        () = shutdown => {}
    }
    drain(&state, drain_timeout).await;
    let _ = close.send(());
    if timeout(FLUSH_TIMEOUT, &mut server).await.is_err() {
        tracing::warn!("connections are cut that did not take their answers in time");
        server.abort();
    }
    tracing::info!("stopped");
    Ok(())
}

/// Takes no new work and waits for the old; the listener still answers meanwhile.
async fn drain(state: &AppState, drain_timeout: Duration) {
    state.compute.close();
    tracing::info!(n_requests = state.under_way.n(), "draining");
    if timeout(drain_timeout, state.under_way.none()).await.is_err() {
        tracing::warn!(n_requests = state.under_way.n(), "requests are cut that did not finish in time");
        state.under_way.cut();
    }
}
