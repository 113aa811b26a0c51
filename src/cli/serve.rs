//! `pentimento serve`: runs the HTTP service until a signal stops it.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context as _, Result};
use clap::Args;
use tokio::{
    net::TcpListener,
    signal::unix::{Signal, SignalKind, signal},
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
    http::{self, ConnectionLimits, Listeners, RequestLimits, StopTimes},
    jobs::{
        child,
        dataset_root::DatasetRoot,
        service::{JobsSetup, keep_open},
    },
    memory::{self, MemoryBudget, MemoryPlan, PlanSettings},
    system, telemetry, worker,
};
use pentimento_core::models::predictor::RequestedParameters;

/// A damaged picture of the repository, for the command line that the service suggests.
const SAMPLE: &str = "samples/faded.jpg";
/// Memory of the program where it cannot be measured, in bytes.
const RESIDENT_UNKNOWN: u64 = 64 << 20;
/// How many times the longest body is read after it was refused, so that its client sees the answer.
const LINGER_FACTOR: u64 = 4;
/// Exit code after a second signal: requests may have been cut.
const EXIT_AT_ONCE: i32 = 1;

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
    system::keep_heap_small();
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
    let unsaid = RequestedParameters::default().with_assume(config.restore.assume);
    predictor.check(&unsaid).map_err(|error| usage(format_args!("restore.assume: {error}")))?;
    let plan = memory_plan(config)?;
    let listeners = Listeners {
        service: listener(config.server.address, "server.address").await?,
        health: match config.server.health_address {
            Some(address) => Some(listener(address, "server.health_address").await?),
            None => None,
        },
    };
    let address = listeners.service.local_addr()?;
    let MemoryPlan { budget, requests, connections_max } = plan;
    tracing::info!(
        %address,
        model = predictor.id(),
        threads = compute.n_threads(),
        memory_budget_bytes = budget,
        memory_for_requests_bytes = requests,
        connections_max,
        "listening"
    );
    output::line(format_args!("Pentimento listens on http://{address}"))?;
    output::line(format_args!(
        "Try: curl --fail -o restored.jpg --data-binary @{SAMPLE} http://{address}/restore"
    ))?;
    if let Some(health) = &listeners.health {
        output::line(format_args!("Health: http://{}/health/ready", health.local_addr()?))?;
    }
    output::line(format_args!(
        "Memory: at most {budget} bytes, of which {requests} for requests; at most {connections_max} connections"
    ))?;
    let limits = request_limits(config, &compute);
    let memory = MemoryBudget::new(requests);
    let state = http::AppState::new(compute, Arc::new(predictor), config.limits.limits(), memory, limits)
        .with_jobs(jobs.clone())
        .with_trust(trust)
        .with_defaults(config.restore);
    let worker = worker::start(jobs, stopping.clone());
    let signals = StopSignals::new()?;
    let times = StopTimes {
        drain_delay: milliseconds(config.server.drain_delay_ms),
        drain_timeout: milliseconds(config.server.drain_timeout_ms),
    };
    let stop_all = async move {
        signals.stop_twice().await;
        stopping.cancel();
    };
    http::serve(listeners, state, connection_limits(config, connections_max), times, stop_all).await?;
    worker.await.context("the worker")?;
    tracing::info!("stopped");
    Ok(())
}

/// Divides the memory that the system allows.
fn memory_plan(config: &Config) -> Result<MemoryPlan> {
    let limit = memory::system_limit();
    let settings = PlanSettings {
        budget_bytes: config.memory.budget_bytes,
        share_percent: config.memory.share_percent,
        connections_max: config.server.connections_max,
    };
    let resident = system::resident_bytes().unwrap_or(RESIDENT_UNKNOWN);
    let descriptors = system::raise_descriptor_limit();
    tracing::debug!(limit_bytes = limit.bytes, source = limit.source, resident, descriptors, "system");
    MemoryPlan::new(settings, limit, resident, descriptors).map_err(usage)
}

/// Opens a listener. `setting` names the address in an error.
async fn listener(address: SocketAddr, setting: &str) -> Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("listening on {address} ({setting})"))
}

/// Returns the bounds on requests.
fn request_limits(config: &Config, compute: &Compute) -> RequestLimits {
    let caller_max = match config.compute.caller_places_max {
        0 => (compute.places_max() * 3).div_ceil(4),
        n => n,
    };
    RequestLimits {
        body_timeout: milliseconds(config.server.body_timeout_ms),
        request_timeout: milliseconds(config.server.request_timeout_ms),
        rate_min: config.server.rate_min,
        receiving_max: config.compute.receiving_max,
        sending_max: config.compute.sending_max,
        caller_max,
        pictures_max: config.limits.pictures_max,
    }
}

/// Returns the limits of connections.
fn connection_limits(config: &Config, connections_max: usize) -> ConnectionLimits {
    ConnectionLimits {
        connections_max,
        header_timeout: milliseconds(config.server.header_timeout_ms),
        keep_alive_timeout: milliseconds(config.server.keep_alive_timeout_ms),
        answer_timeout: milliseconds(config.server.answer_timeout_ms),
        rate_min: config.server.rate_min,
        linger_bytes_max: config.limits.input_bytes_max.saturating_mul(LINGER_FACTOR),
    }
}

fn milliseconds(ms: u64) -> Duration {
    Duration::from_millis(ms)
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

/// The signals that stop the service. They are caught from their creation on, before the service says that it listens.
struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    fn new() -> Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate()).context("waiting for SIGTERM")?,
            interrupt: signal(SignalKind::interrupt()).context("waiting for Ctrl-C")?,
        })
    }

    /// Waits for SIGTERM or Ctrl-C.
    async fn wait(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    /// Waits for the first signal. The second one ends the process at once.
    async fn stop_twice(mut self) {
        self.wait().await;
        tokio::spawn(async move {
            self.wait().await;
            tracing::warn!("a second signal ends the service at once");
            std::process::exit(EXIT_AT_ONCE);
        });
    }
}
