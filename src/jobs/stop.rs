//! Decides when the process of an attempt must stop.

use std::{sync::Arc, time::Duration};

use super::service::Jobs;
use crate::storage::TaskRef;

/// Time between two checks whether a task is still wanted, while a process works on it.
const WANTED_PERIOD: Duration = Duration::from_millis(500);

/// Resolves when the work on a task must stop. Either a user cancelled or deleted the job, or the service is stopping
/// and `drain_timeout` has passed.
pub(super) async fn must_stop(jobs: &Arc<Jobs>, task: &TaskRef) {
    let drained = async {
        jobs.stopping.cancelled().await;
        tokio::time::sleep(jobs.setup.drain_timeout).await;
    };
    let cancelled = async {
        loop {
            tokio::time::sleep(WANTED_PERIOD).await;
            // An error of the database is no answer. The next check asks again.
            if matches!(jobs.storage.is_wanted(task).await, Ok(false)) {
                return;
            }
        }
    };
    tokio::select! {
        () = drained => {}
        () = cancelled => {}
    }
}
