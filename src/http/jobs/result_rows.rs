//! The rows of a search as the body of an answer.

use std::{io::Write, sync::Arc};

use axum::body::Body;
use tokio::{runtime::Handle, sync::mpsc, task::spawn_blocking};
use tokio_stream::wrappers::ReceiverStream;

use super::{
    super::{
        error::internal,
        problem::Problem,
        result_bodies::{BodyFacts, BodyKey, ResultBodies},
    },
    pieces::{MeasuringWriter, PieceWriter},
};
use crate::jobs::{
    results::{JobResults, ResultFormat, ResultView},
    service::Jobs,
};
use pentimento_core::search::SearchSpace;

/// The rows of a job in one view and format. Each writing reads them from the database again.
#[derive(Clone)]
pub(super) struct ResultRows {
    pub(super) jobs: Arc<Jobs>,
    pub(super) job: String,
    pub(super) space: SearchSpace,
    pub(super) view: ResultView,
    pub(super) format: ResultFormat,
}

impl ResultRows {
    /// Writes the rows to `out`. Blocks; `runtime` reads the database.
    fn write(&self, runtime: &Handle, out: &mut (dyn Write + Send)) -> anyhow::Result<()> {
        let results = JobResults { storage: &self.jobs.storage, runtime, job: &self.job, space: &self.space };
        results.write(self.view, self.format, out)
    }

    /// Returns length and digest of the body. The first call for a set of results writes all rows once, only to count and
    /// hash their bytes.
    pub(super) async fn measured(&self, bodies: &ResultBodies) -> Result<BodyFacts, Problem> {
        let results = self.jobs.storage.results_digest(&self.job).await?;
        let key = BodyKey { job: self.job.clone(), results, view: self.view, format: self.format };
        if let Some(facts) = bodies.get(&key) {
            return Ok(facts);
        }
        let (rows, runtime) = (self.clone(), Handle::current());
        let measured = spawn_blocking(move || {
            let mut measuring = MeasuringWriter::new();
            rows.write(&runtime, &mut measuring).map(|()| measuring.facts())
        });
        let facts = measured.await.map_err(|e| internal(&e))?.map_err(|e| internal(&format!("{e:#}")))?;
        bodies.insert(key, facts.clone());
        Ok(facts)
    }

    /// Returns a body with the bytes from `first`, at most `n`. The rows are written while the client reads them.
    pub(super) fn stream(&self, first: u64, n: u64) -> Body {
        let (rows, runtime) = (self.clone(), Handle::current());
        let (sender, receiver) = mpsc::channel(4);
        spawn_blocking(move || {
            let mut pieces = PieceWriter::new(first, n, sender);
            let ended = rows.write(&runtime, &mut pieces).and_then(|()| Ok(pieces.send()?));
            // An error that stops the writing at the end of the range, or without a client, is no fault.
            if let Err(error) = ended
                && pieces.is_wanted()
            {
                tracing::warn!(error = format!("{error:#}"), job = rows.job, "results broke off");
                pieces.fail("the results are incomplete: reading them failed");
            }
        });
        Body::from_stream(ReceiverStream::new(receiver))
    }
}
