//! Serving until the signal to stop, and stopping without losing a request.
//!
//! ```text
//!  signal             /health/ready is 503; new requests are still served for drain_delay
//!  drain_delay over   new work is refused; running requests finish, with their bodies
//!  drain_timeout over the rest is cut
//! ```

use std::time::{Duration, Instant};

use tokio::{net::TcpListener, time::timeout};

use super::{
    connection::{ConnectionLimits, Connections, listen},
    router::{health_router, router},
    state::AppState,
};

/// Period of looking for answers that are not written.
const DRAIN_PERIOD: Duration = Duration::from_millis(5);
/// Longest time for closing connections that have nothing more to send.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Where the service listens.
#[derive(Debug)]
pub struct Listeners {
    /// The listener of all routes.
    pub service: TcpListener,
    /// A listener of `/health/…` and nothing else.
    pub health: Option<TcpListener>,
}

/// The times of stopping.
#[derive(Clone, Copy, Debug)]
pub struct StopTimes {
    /// How long the service still takes requests after the signal.
    pub drain_delay: Duration,
    /// How long running requests may go on after that.
    pub drain_timeout: Duration,
}

/// Serves until `shutdown` resolves, then stops.
///
/// At first the service only says that it is not ready, so that a balancer sends requests elsewhere. Then it answers new
/// work with 503 and waits for running requests, until their answers are written. It answers those that take longer than
/// `drain_timeout` with 503. Then it closes the connections.
///
/// # Errors
/// Never at present: an error of a connection does not end the service.
pub async fn serve(
    listeners: Listeners,
    state: AppState,
    limits: ConnectionLimits,
    times: StopTimes,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    let Listeners { service, health } = listeners;
    let health = health
        .map(|health| listen(health, health_router(state.clone()), limits.clone(), Connections::default()));
    let service = listen(service, router(state.clone()), limits, state.connections.clone());
    shutdown.await;
    tracing::info!(delay_ms = times.drain_delay.as_millis(), "stopping");
    state.announce_stop();
    tokio::time::sleep(times.drain_delay).await;
    drain(&state, times.drain_timeout).await;
    service.close();
    if timeout(CLOSE_TIMEOUT, service.ended()).await.is_err() {
        tracing::warn!(n_connections = service.n(), "connections are cut that did not end in time");
        service.cut();
    }
    if let Some(health) = health {
        health.close();
        health.cut();
    }
    tracing::info!("stopped");
    Ok(())
}

/// Refuses new work and waits until the answers of all earlier requests are written. The listener still answers meanwhile.
async fn drain(state: &AppState, drain_timeout: Duration) {
    state.drain();
    let began = Instant::now();
    let n_busy = || state.connections.n_busy_since_before(began);
    let n_requests = n_busy();
    tracing::info!(n_requests, "draining");
    let all_written = async {
        while n_busy() > 0 {
            tokio::time::sleep(DRAIN_PERIOD).await;
        }
    };
    if timeout(drain_timeout, all_written).await.is_ok() {
        tracing::info!(n_requests, "every request has its answer");
        state.compute.close();
        return;
    }
    tracing::warn!(n_requests, n_cut = n_busy(), "requests are cut that did not finish in time");
    state.compute.close();
    state.cut_order.give();
}
