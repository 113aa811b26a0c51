//! `pentimento serve`: runs the HTTP service until a signal stops it.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context as _, Result};
use clap::Args;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};
use tokio_util::sync::CancellationToken;

use super::{
    arguments::{SettingsArguments, ThreadArguments, predictor},
    outcome::{Outcome, usage},
    output,
};
use crate::{
    compute::Compute,
    config::Config,
    http,
    jobs::{
        child,
        dataset_root::DatasetRoot,
        service::{JobsSetup, keep_open},
    },
    telemetry, worker,
};

/// A damaged picture of the repository, for the command line that the service suggests.
const SAMPLE: &str = "samples/faded.jpg";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Address to listen on (setting server.address)
    #[arg(long, value_name = "HOST:PORT")]
    address: Option<SocketAddr>,
    /// Model file made by `pentimento train` (setting model.path)
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    #[command(flatten)]
    threads: ThreadArguments,
}

pub(super) fn run(settings: &SettingsArguments, arguments: Arguments) -> Result<Outcome> {
    let mut flags = vec![
        ("--address", "server.address", arguments.address.map(|a| a.to_string())),
        ("--model", "model.path", arguments.model.as_ref().map(|path| path.display().to_string())),
    ];
    flags.extend(arguments.threads.flag());
    let config = settings.load(&flags)?;
    telemetry::install(&config.log).map_err(|error| usage(format_args!("{error:#}")))?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("starting the runtime")?;
    let ended = runtime.block_on(serve(&config));
    // Pixel work that still runs after the drain must not delay the end of the process.
    runtime.shutdown_background();
    ended.map(|()| Outcome::AllGood)
}

async fn serve(config: &Config) -> Result<()> {
    // The model is read while the database opens.
    let path = config.model.path.clone();
    let reading = tokio::task::spawn_blocking(move || {
        let predictor = predictor(Some(&path))?;
        predictor.id();
        anyhow::Ok(predictor)
    });
    let trust = http::Trust::new(&config.server.hosts)
        .map_err(|error| usage(format_args!("server.hosts: {error}")))?;
    let compute = Compute::new(&config.compute).context("starting the pixel pool")?;
    let stopping = CancellationToken::new();
    let jobs = keep_open(jobs_setup(config), stopping.clone())
        .await
        .with_context(|| format!("the database in {} (data.dir)", config.data.dir.display()))?;
    let predictor = reading.await.context("reading the model")??;
    let address = config.server.address;
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("listening on {address} (server.address)"))?;
    let address = listener.local_addr()?;
    tracing::info!(%address, model = predictor.id(), threads = compute.n_threads(), "listening");
    output::line(format_args!("Pentimento listens on http://{address}"))?;
    output::line(format_args!(
        "Try: curl --fail -o restored.jpg --data-binary @{SAMPLE} http://{address}/restore"
    ))?;
    let body_timeout = Duration::from_millis(config.server.body_timeout_ms);
    let state = http::AppState::new(compute, Arc::new(predictor), config.limits.limits(), body_timeout)
        .with_jobs(jobs.clone())
        .with_trust(trust);
    let worker = worker::start(jobs, stopping.clone());
    let stop = stop_signal()?;
    let stop_all = async move {
        stop.await;
        stopping.cancel();
    };
    http::serve(listener, state, Duration::from_millis(config.server.drain_timeout_ms), stop_all).await?;
    worker.await.context("the worker")?;
    tracing::info!("stopped");
    Ok(())
}

/// Returns the settings that jobs need.
fn jobs_setup(config: &Config) -> JobsSetup {
    JobsSetup {
        folder: config.data.dir.clone(),
        datasets: DatasetRoot::new(config.datasets.root.clone()),
        settings: config.jobs,
        limits: config.limits.limits(),
        model: config.model.path.clone(),
        drain_timeout: Duration::from_millis(config.server.drain_timeout_ms),
        program: child::this_program(),
    }
}

/// Returns a future that ends at SIGTERM or Ctrl-C. The signals are caught from this call on, before the service says
/// that it listens.
fn stop_signal() -> Result<impl Future<Output = ()> + Send + 'static> {
    let mut terminate = signal(SignalKind::terminate()).context("waiting for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("waiting for Ctrl-C")?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
