//! Which tasks this process has in hand: one that the queue hands out twice is not worked on twice.

use std::{collections::HashSet, sync::Arc};

use tokio::sync::watch;

use crate::storage::TaskRef;

/// The tasks in hand.
#[derive(Clone, Debug, Default)]
pub(super) struct UnderWay(Arc<watch::Sender<HashSet<TaskRef>>>);

/// A task in hand, until dropped.
pub(super) struct InHand {
    task: TaskRef,
    all: UnderWay,
}

impl UnderWay {
    /// Waits until there are none.
    pub(super) async fn none(&self) {
        let none = self.0.subscribe().wait_for(HashSet::is_empty).await.is_ok();
        debug_assert!(none, "self holds a sender");
    }

    /// Takes a task in hand, after whoever has it now.
    pub(super) async fn take(&self, task: TaskRef) -> InHand {
        let mut changes = self.0.subscribe();
        loop {
            if self.0.send_if_modified(|tasks| tasks.insert(task.clone())) {
                return InHand { task, all: self.clone() };
            }
            let freed = changes.wait_for(|tasks| !tasks.contains(&task)).await;
            debug_assert!(freed.is_ok(), "self holds a sender");
        }
    }
}

impl Drop for InHand {
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
        let all = UnderWay::default();
        let task = TaskRef { job: "a".into(), position: 1 };
        let first = all.take(task.clone()).await;
        let other = TaskRef { job: "a".into(), position: 2 };
        drop(all.take(other).await);
        let (more, again) = (all.clone(), task.clone());
        let second = tokio::spawn(async move { drop(more.take(again).await) });
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(!second.is_finished());
        drop(first);
        tokio::time::timeout(Duration::from_secs(60), second).await.unwrap().unwrap();
    }
}
