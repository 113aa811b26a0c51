//! Serving until the signal to stop, and stopping without losing a request.

use std::{pin::pin, time::Duration};

use anyhow::Context as _;
use axum::serve::ListenerExt as _;
use tokio::{net::TcpListener, sync::oneshot, time::timeout};

use super::{router::router, state::AppState};

/// Longest time for sending the last answers after every request has ended.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

/// Serves `listener` until `shutdown` resolves, then stops.
///
/// While it stops, it answers new work and `/health/ready` with 503 and waits for running requests. It answers those that
/// take longer than `drain_timeout` with 503 too. Then it closes the connections.
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

/// Refuses new work and waits for running requests. The listener still answers meanwhile.
async fn drain(state: &AppState, drain_timeout: Duration) {
    state.compute.close();
    tracing::info!(n_requests = state.running.n(), "draining");
    if timeout(drain_timeout, state.running.wait_until_none()).await.is_err() {
        tracing::warn!(n_requests = state.running.n(), "requests are cut that did not finish in time");
        state.running.cut();
    }
}
