//! The service over HTTP.
use crate::{compute::Compute, imaging::codec::Limits, predictor::Predictor};
use std::{future::Future, sync::Arc, time::Duration};
/// stub
pub struct AppState {
    /// x
    pub compute: Compute,
    /// x
    pub predictor: Arc<Predictor>,
    /// x
    pub limits: Limits,
    /// x
    pub body_timeout: Duration,
}
/// stub
pub async fn serve(
    _: tokio::net::TcpListener,
    _: AppState,
    _: Duration,
    _: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    Ok(())
}
