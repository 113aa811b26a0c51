//! The work on one picture: its memory, its place in the queue, its deadline, and the flag that ends it.

use axum::body::Bytes;

use pentimento_core::{
    cancel::Cancel,
    imaging::codec::{self, Header, Limits},
    restoration::{self, Cost, RestoreRequest, Stage, Watch},
};

use super::{
    in_flight::Outcome, kind::ProblemKind, problem::Problem, queue::Queue, response::Finished,
    state::AppState, timing::Timings,
};
use crate::{compute::Place, memory::Reservation};

/// Length from which a header is read on a thread that may block.
const LONG_BYTES: usize = 1 << 20;

/// What a piece of work needs before it runs.
#[derive(Clone, Copy, Debug)]
pub(super) struct WorkPlan {
    /// Most memory of the work and its answer, in bytes.
    pub(super) bytes: u64,
    pub(super) queue: Queue,
    /// The step before the first stage, if it has a name of its own.
    pub(super) begins_with: Option<&'static str>,
}

/// Sets the flag when it is dropped, so that work ends whose request has gone.
pub(super) struct CancelOnDrop(pub(super) Cancel);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

impl AppState {
    /// Restores a picture: in the same time as identical requests, within the deadline.
    pub(super) async fn restore(
        &self,
        bytes: Bytes,
        request: RestoreRequest,
        queue: Queue,
        timings: Timings,
    ) -> Outcome {
        let limits = self.limits.with_lenient(request.lenient).with_page(request.page);
        let pages = self.pages(&bytes, limits).await?;
        let (length, schema) = (bytes.len() as u64, self.predictor.schema());
        let cost = Cost::of_pages(&pages, length, &request, schema, &limits);
        let state = self.clone();
        let restoring = self.in_flight.restore(bytes, request, queue, |bytes, request, cancel| async move {
            let AppState { predictor, limits, .. } = state.clone();
            let (input, flag) = (bytes.clone(), cancel.clone());
            let work = move |watch: &mut Watch| {
                restoration::restore(&input, &request, &predictor, &limits, watch).map(Finished::new)
            };
            let plan = WorkPlan { bytes: cost.working_bytes, queue, begins_with: None };
            let (finished, timings, memory) = state.work(plan, &flag, timings, work).await?;
            Ok((finished?.answer(&bytes, memory), timings))
        });
        self.in_time(restoring).await
    }

    /// Waits for a place, a turn and the memory of the plan. Then runs `work` on the pixel pool and takes its times.
    ///
    /// The work is cancelled if the future is dropped.
    pub(super) async fn work<T: Send + 'static>(
        &self,
        plan: WorkPlan,
        cancel: &Cancel,
        mut timings: Timings,
        work: impl FnOnce(&mut Watch) -> T + Send + 'static,
    ) -> Result<(T, Timings, Reservation), Problem> {
        let guard = CancelOnDrop(cancel.clone());
        timings.begin("wait");
        let place = self.place(plan.queue).await?;
        let flag = cancel.clone();
        let ran = place.run(&self.memory.work, plan.bytes, move || {
            plan.begins_with.into_iter().for_each(|name| timings.begin(name));
            let mut hook = |stage: Stage| timings.begin(stage.name());
            let result = work(&mut Watch::new(&mut hook).cancelled_by(&flag));
            timings.end();
            (result, timings)
        });
        let ((result, timings), memory) = ran.await.map_err(|refusal| self.refusal(refusal))?;
        drop(guard);
        Ok((result, timings, memory))
    }

    async fn place(&self, queue: Queue) -> Result<Place, Problem> {
        match queue {
            Queue::OrRefuse => self.admit(),
            Queue::OrWait => self.compute.wait_for_place().await.map_err(|refusal| self.refusal(refusal)),
        }
    }

    /// Reads the header of a picture, and so checks the limits before the request waits for its turn.
    pub(super) async fn header(&self, bytes: &Bytes, limits: Limits) -> Result<Header, Problem> {
        Ok(read_header(bytes, move |bytes| codec::probe(bytes, &limits)).await??)
    }

    /// Same as [`AppState::header`], of the page of the limits or else of every page.
    pub(super) async fn pages(&self, bytes: &Bytes, limits: Limits) -> Result<Vec<Header>, Problem> {
        Ok(read_header(bytes, move |bytes| restoration::probe(bytes, &limits)).await??)
    }

    /// Gives up `working` after the time that a request may take.
    pub(super) async fn in_time<T>(
        &self,
        working: impl Future<Output = Result<T, Problem>>,
    ) -> Result<T, Problem> {
        let max = self.server.request_timeout;
        tokio::time::timeout(max, working).await.unwrap_or_else(|_| {
            let max_ms = max.as_millis().try_into().unwrap_or(u64::MAX);
            Err(Problem::new(ProblemKind::Deadline, format!("the answer was not ready after {max_ms} ms"))
                .limit(max_ms)
                .setting("server.request_timeout_ms")
                .header(axum::http::header::RETRY_AFTER, self.retry_after()))
        })
    }
}

/// Reads a header, on a thread that may block if the file is long.
pub(super) async fn read_header<T: Send + 'static>(
    bytes: &Bytes,
    read: impl FnOnce(&[u8]) -> T + Send + 'static,
) -> Result<T, Problem> {
    if bytes.len() < LONG_BYTES {
        return Ok(read(bytes));
    }
    let bytes = bytes.clone();
    let probed = tokio::task::spawn_blocking(move || read(&bytes)).await;
    probed.map_err(|error| super::error::internal(&error))
}
