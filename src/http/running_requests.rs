//! The requests that the service is working on. A stopping service waits for them and cuts those that take too long.

use tokio::sync::watch;

/// The number of running requests, and the order to cut them. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct RunningRequests {
    count: watch::Sender<usize>,
    is_cut: watch::Sender<bool>,
}

/// One running request. It ends when this value is dropped: at the answer, or when the client goes away.
pub(super) struct RunningRequest(watch::Sender<usize>);

impl Drop for RunningRequest {
    fn drop(&mut self) {
        self.0.send_modify(|n| *n -= 1);
    }
}

impl RunningRequests {
    /// Counts one more running request.
    pub(super) fn enter(&self) -> RunningRequest {
        self.count.send_modify(|n| *n += 1);
        RunningRequest(self.count.clone())
    }

    /// The number of running requests.
    pub(super) fn n(&self) -> usize {
        *self.count.borrow()
    }

    /// Waits until no request runs.
    pub(super) async fn wait_until_none(&self) {
        let none = self.count.subscribe().wait_for(|n| *n == 0).await.is_ok();
        debug_assert!(none, "self holds a sender");
    }

    /// Orders every running request to answer at once.
    pub(super) fn cut(&self) {
        self.is_cut.send_replace(true);
    }

    /// Waits for the order to cut the running requests.
    pub(super) async fn wait_until_cut(&self) {
        let cut = self.is_cut.subscribe().wait_for(|cut| *cut).await.is_ok();
        debug_assert!(cut, "self holds a sender");
    }
}
