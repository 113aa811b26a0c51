//! Which requests are under way: a drain waits for them, and cuts those that take too long.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tokio::sync::watch;

use crate::compute::ComputeError;

use super::{AppState, problem::Problem};

/// The number of requests under way, and the order to cut them. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct UnderWay {
    count: watch::Sender<usize>,
    cut: watch::Sender<bool>,
}

/// One request under way, until dropped: at the answer, or when its client goes away.
struct Counted(watch::Sender<usize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.send_modify(|n| *n -= 1);
    }
}

impl UnderWay {
    fn enter(&self) -> Counted {
        self.count.send_modify(|n| *n += 1);
        Counted(self.count.clone())
    }

    /// How many there are now.
    pub(super) fn n(&self) -> usize {
        *self.count.borrow()
    }

    /// Waits until there are none.
    pub(super) async fn none(&self) {
        let none = self.count.subscribe().wait_for(|n| *n == 0).await.is_ok();
        debug_assert!(none, "self holds a sender");
    }

    /// Answers all of them at once.
    pub(super) fn cut(&self) {
        self.cut.send_replace(true);
    }

    async fn was_cut(&self) {
        let cut = self.cut.subscribe().wait_for(|cut| *cut).await.is_ok();
        debug_assert!(cut, "self holds a sender");
    }
}

/// Counts a request while it is handled, answers it by 503 when cut, and refuses it when the service is stopping.
pub(super) async fn count(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let draining = || Problem::from(ComputeError::Draining);
    if state.compute.is_closed() {
        return draining().into_response();
    }
    let _counted = state.under_way.enter();
    tokio::select! {
        response = next.run(request) => response,
        () = state.under_way.was_cut() => {
            draining().detail("the service is stopping and could not finish this in time".to_owned()).into_response()
        }
    }
}
