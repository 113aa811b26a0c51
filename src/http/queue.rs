//! The two ways in which work gets its place in the queue.

/// How work gets its place in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Queue {
    /// Refused if the queue is full.
    OrRefuse,
    /// Waits until the queue has a place, as the next picture of a form does.
    OrWait,
}
