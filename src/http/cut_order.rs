//! The order of a stopping service to end the requests that take too long.

use tokio::sync::watch;

/// The order to answer at once. Cheap to clone; clones share the order.
#[derive(Clone, Debug, Default)]
pub(super) struct CutOrder(watch::Sender<bool>);

impl CutOrder {
    /// Orders every running request to answer at once.
    pub(super) fn give(&self) {
        self.0.send_replace(true);
    }

    /// Waits for the order.
    pub(super) async fn given(&self) {
        let given = self.0.subscribe().wait_for(|given| *given).await.is_ok();
        debug_assert!(given, "self holds a sender");
    }
}
