//! The restorations that are being worked on. Identical concurrent requests share one, and a restoration whose clients
//! have all gone is cancelled.

use std::sync::{Arc, Mutex, MutexGuard};

use axum::body::Bytes;
use pentimento_core::{cancel::Cancel, restoration::RestoreRequest};
use tokio::{sync::watch, task::AbortHandle};
use tracing::Instrument as _;

use super::{error::internal, problem::Problem, queue::Queue, response::Answer, timing::Timings};

/// The answer of a restoration with its times.
pub(super) type Outcome = Result<(Answer, Timings), Problem>;

/// The restorations under way. Cheap to clone; clones share the list.
#[derive(Clone, Debug, Default)]
pub(super) struct InFlight(Arc<Mutex<Vec<Arc<Flight>>>>);

/// One restoration under way.
#[derive(Debug)]
struct Flight {
    bytes: Bytes,
    request: RestoreRequest,
    queue: Queue,
    outcome: watch::Receiver<Option<Outcome>>,
    cancel: Cancel,
    task: AbortHandle,
    /// Requests that wait for the outcome. A flight that reached 0 is being cancelled and takes no more.
    n_waiting: Mutex<usize>,
}

impl Flight {
    fn n_waiting(&self) -> MutexGuard<'_, usize> {
        self.n_waiting.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// One request that waits. The last one that is dropped cancels the work.
struct Waiting {
    list: InFlight,
    flight: Arc<Flight>,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut n = self.flight.n_waiting();
        *n -= 1;
        if *n == 0 {
            self.flight.cancel.cancel();
            self.flight.task.abort();
            self.list.remove(&self.flight);
        }
    }
}

impl InFlight {
    /// Waits for the restoration of `bytes` by `request`: the one under way, or a new one that `start` begins.
    ///
    /// Dropping the future is going away. The flag given to `start` is set when all have gone.
    pub(super) async fn restore<F>(
        &self,
        bytes: Bytes,
        request: RestoreRequest,
        queue: Queue,
        start: impl FnOnce(Bytes, RestoreRequest, Cancel) -> F,
    ) -> Outcome
    where
        F: Future<Output = Outcome> + Send + 'static,
    {
        let waiting = match self.join(&bytes, &request, queue) {
            Some(waiting) => waiting,
            None => self.begin(bytes, request, queue, start),
        };
        let mut outcome = waiting.flight.outcome.clone();
        let done = outcome.wait_for(Option::is_some).await;
        match done {
            Ok(outcome) => outcome.clone().expect("the outcome is there"),
            // The task ends without an outcome only if it panics.
            Err(_) => Err(internal(&"a restoration ended without an outcome")),
        }
    }

    /// Joins the same restoration, if it is under way. A request that would wait for a place joins none that may be refused.
    fn join(&self, bytes: &Bytes, request: &RestoreRequest, queue: Queue) -> Option<Waiting> {
        let alike = |flight: &&Arc<Flight>| {
            flight.bytes.len() == bytes.len() && flight.request == *request && flight.queue == queue
        };
        let candidates: Vec<_> = self.lock().iter().filter(alike).cloned().collect();
        // Bytes are compared without the lock: a picture may be long.
        let flight = candidates.into_iter().find(|flight| flight.bytes == *bytes)?;
        let mut n = flight.n_waiting();
        if *n == 0 {
            return None;
        }
        *n += 1;
        drop(n);
        Some(Waiting { list: self.clone(), flight })
    }

    /// Begins a restoration in a task of its own.
    fn begin<F>(
        &self,
        bytes: Bytes,
        request: RestoreRequest,
        queue: Queue,
        start: impl FnOnce(Bytes, RestoreRequest, Cancel) -> F,
    ) -> Waiting
    where
        F: Future<Output = Outcome> + Send + 'static,
    {
        let cancel = Cancel::default();
        let (sender, outcome) = watch::channel(None);
        let work = start(bytes.clone(), request.clone(), cancel.clone());
        let task = tokio::spawn(async move { drop(sender.send(Some(work.await))) }.in_current_span());
        let flight = Arc::new(Flight {
            bytes,
            request,
            queue,
            outcome,
            cancel,
            task: task.abort_handle(),
            n_waiting: Mutex::new(1),
        });
        self.lock().push(flight.clone());
        Waiting { list: self.clone(), flight }
    }

    fn remove(&self, flight: &Arc<Flight>) {
        self.lock().retain(|other| !Arc::ptr_eq(other, flight));
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Flight>>> {
        // A panic while the lock is held leaves whole entries.
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicUsize, Ordering},
        time::Duration,
    };

    use super::*;
    use crate::http::kind::ProblemKind;
    use pentimento_core::{
        imaging::Tone,
        models::{Assume, predictor::RequestedParameters},
    };

    /// Work that ends when `go` is sent.
    fn slow(
        begun: Arc<AtomicUsize>,
        mut go: watch::Receiver<bool>,
    ) -> impl FnOnce(Bytes, RestoreRequest, Cancel) -> std::pin::Pin<Box<dyn Future<Output = Outcome> + Send>>
    {
        move |_, _, _| {
            begun.fetch_add(1, Ordering::SeqCst);
            Box::pin(async move {
                go.wait_for(|go| *go).await.unwrap();
                Err(Problem::new(ProblemKind::Internal, "done"))
            })
        }
    }

    #[tokio::test]
    async fn identical_requests_share_one_restoration() {
        let (list, begun) = (InFlight::default(), Arc::new(AtomicUsize::new(0)));
        let (go, gone) = watch::channel(false);
        let run = |bytes: &'static [u8], (quality, tone, assume), queue| {
            let parameters = RequestedParameters::default().with_tone(tone).with_assume(assume);
            let request = RestoreRequest { quality, parameters, ..RestoreRequest::default() };
            let (list, work) = (list.clone(), slow(begun.clone(), gone.clone()));
            tokio::spawn(async move {
                list.restore(Bytes::from_static(bytes), request, queue, work).await.is_err()
            })
        };
        let mut tasks = Vec::new();
        let plain = (None, Tone::Auto, Assume::Auto);
        for (bytes, said, queue) in [
            (b"one", plain, Queue::OrRefuse),
            (b"one", plain, Queue::OrRefuse),
            (b"two", plain, Queue::OrRefuse),
            (b"one", (Some(5), Tone::Auto, Assume::Auto), Queue::OrRefuse),
            (b"one", (None, Tone::Keep, Assume::Auto), Queue::OrRefuse),
            (b"one", (None, Tone::Auto, Assume::Faded), Queue::OrRefuse),
            (b"one", (None, Tone::Auto, Assume::Faded), Queue::OrRefuse),
            (b"one", plain, Queue::OrWait),
        ] {
            tasks.push(run(bytes, said, queue));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(begun.load(Ordering::SeqCst), 6);
        go.send(true).unwrap();
        for task in tasks {
            assert!(task.await.unwrap());
        }
        assert!(list.lock().is_empty());
    }

    #[tokio::test]
    async fn the_last_one_to_go_cancels_the_work() {
        let (list, flag) = (InFlight::default(), Arc::new(Mutex::new(None)));
        let start = || {
            let flag = flag.clone();
            move |_: Bytes, _: RestoreRequest, cancel: Cancel| {
                *flag.lock().unwrap() = Some(cancel);
                std::future::pending::<Outcome>()
            }
        };
        let bytes = || Bytes::from_static(b"one");
        let mut one = Box::pin(list.restore(bytes(), RestoreRequest::default(), Queue::OrRefuse, start()));
        let mut two = Box::pin(list.restore(bytes(), RestoreRequest::default(), Queue::OrRefuse, start()));
        let short = Duration::from_millis(5);
        assert!(tokio::time::timeout(short, one.as_mut()).await.is_err());
        assert!(tokio::time::timeout(short, two.as_mut()).await.is_err());
        let cancel = flag.lock().unwrap().clone().unwrap();
        drop(one);
        assert!(!cancel.is_cancelled());
        drop(two);
        assert!(cancel.is_cancelled() && list.lock().is_empty());
    }
}
