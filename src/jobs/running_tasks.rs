//! The tasks that this process works on. A task that the queue delivers twice is worked on once at a time.

use std::{collections::HashSet, sync::Arc};

use tokio::sync::watch;

use crate::storage::TaskRef;

/// The set of running tasks. Clones share the set.
#[derive(Clone, Debug, Default)]
pub(super) struct RunningTasks(Arc<watch::Sender<HashSet<TaskRef>>>);

/// A task's place in the set. Dropping it removes the task.
pub(super) struct RunningTask {
    task: TaskRef,
    all: RunningTasks,
}

impl RunningTasks {
    /// Waits until no task runs.
    pub(super) async fn none(&self) {
        let none = self.0.subscribe().wait_for(HashSet::is_empty).await.is_ok();
        debug_assert!(none, "self holds a sender");
    }

    /// Whether a task of the job is in the set.
    pub(super) fn contains_job(&self, job: &str) -> bool {
        self.0.borrow().iter().any(|task| task.job == job)
    }

    /// Adds a task to the set. If the task runs already, waits until that run has ended.
    pub(super) async fn add(&self, task: TaskRef) -> RunningTask {
        let mut changes = self.0.subscribe();
        loop {
            if self.0.send_if_modified(|tasks| tasks.insert(task.clone())) {
                return RunningTask { task, all: self.clone() };
            }
            let freed = changes.wait_for(|tasks| !tasks.contains(&task)).await;
            debug_assert!(freed.is_ok(), "self holds a sender");
        }
    }
}

impl Drop for RunningTask {
    fn drop(&mut self) {
        self.all.0.send_modify(|tasks| {
            tasks.remove(&self.task);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test]
    async fn the_second_waits_for_the_first() {
        let all = RunningTasks::default();
        let task = TaskRef { job: "a".into(), position: 1 };
        let first = all.add(task.clone()).await;
        let other = TaskRef { job: "a".into(), position: 2 };
        drop(all.add(other).await);
        let (more, again) = (all.clone(), task.clone());
        let second = tokio::spawn(async move { drop(more.add(again).await) });
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(!second.is_finished());
        drop(first);
        tokio::time::timeout(Duration::from_secs(60), second).await.unwrap().unwrap();
    }
}
