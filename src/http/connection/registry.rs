//! All connections with their phases. When places, memory or descriptors are short, the registry cuts the connection that
//! waits most for its client.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio_util::sync::CancellationToken;

/// How long a client must have kept the service waiting before its connection is cut because something is short.
const BLOCKED_MIN: Duration = Duration::from_secs(1);
/// How long the service must have waited for a body before its rate counts.
const RECEIVING_MIN: Duration = Duration::from_secs(2);

/// Time of waiting, in milliseconds, after which the bytes before it count half.
const RATE_WINDOW_MS: u64 = 5000;

/// What a connection does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(in crate::http) enum Phase {
    /// Waits for the first byte of a request.
    Idle,
    /// Reads the head of a request.
    Head,
    /// Works on a request, or waits for its turn.
    Working,
    /// Reads the body of a request.
    Receiving,
    /// Writes an answer.
    Sending,
    /// Reads the rest of a refused body, after the answer.
    Lingering,
}

impl Phase {
    const ALL: [Phase; 6] =
        [Phase::Idle, Phase::Head, Phase::Working, Phase::Receiving, Phase::Sending, Phase::Lingering];
}

/// The state of one connection, which the registry, the stream and the handlers share.
#[derive(Debug)]
pub(in crate::http) struct Connection {
    /// The client's address.
    pub(in crate::http) peer: SocketAddr,
    /// Whether the connection is one more than allowed. Such a connection may only ask for the health.
    pub(in crate::http) is_extra: bool,
    /// Ends the connection at once.
    pub(super) cut: CancellationToken,
    /// Whether the client may still send the rest of a body.
    pub(super) lingers: AtomicBool,
    /// Whether the answer is a stream of events, which may last for hours.
    pub(super) is_stream: AtomicBool,
    /// Whether the request's body was dropped before its end.
    pub(super) is_abandoned: AtomicBool,
    /// Whether the whole answer has been handed over for writing.
    pub(super) is_answered: AtomicBool,
    opened: Instant,
    phase: AtomicU8,
    /// Milliseconds from `opened` to the beginning of the phase.
    since: AtomicU64,
    /// Bytes that the client has sent since the beginning of the phase.
    moved: AtomicU64,
    /// Milliseconds that the service has waited for these bytes.
    waited: AtomicU64,
    /// Milliseconds from `opened` to the moment since which the service waits for the next bytes; 0 if it does not.
    waits_since: AtomicU64,
    /// Milliseconds from `opened` to the moment since which the service waits for the client; 0 if it does not.
    blocked: AtomicU64,
    /// Milliseconds from `opened` to the beginning of the latest request.
    request_began: AtomicU64,
    /// Milliseconds from `opened` to the last byte that the client sent.
    last_read: AtomicU64,
}

impl Connection {
    fn new(peer: SocketAddr, is_extra: bool) -> Self {
        Self {
            peer,
            is_extra,
            cut: CancellationToken::new(),
            lingers: AtomicBool::new(false),
            is_stream: AtomicBool::new(false),
            is_abandoned: AtomicBool::new(false),
            is_answered: AtomicBool::new(false),
            opened: Instant::now(),
            phase: AtomicU8::new(Phase::Idle as u8),
            since: AtomicU64::new(0),
            moved: AtomicU64::new(0),
            waited: AtomicU64::new(0),
            waits_since: AtomicU64::new(0),
            blocked: AtomicU64::new(0),
            request_began: AtomicU64::new(0),
            last_read: AtomicU64::new(0),
        }
    }

    fn now(&self) -> u64 {
        self.opened.elapsed().as_millis() as u64
    }

    pub(in crate::http) fn phase(&self) -> Phase {
        Phase::ALL[usize::from(self.phase.load(Ordering::Relaxed))]
    }

    /// Begins a phase.
    pub(in crate::http) fn enter(&self, phase: Phase) {
        self.since.store(self.now(), Ordering::Relaxed);
        self.moved.store(0, Ordering::Relaxed);
        self.waited.store(0, Ordering::Relaxed);
        self.waits_since.store(0, Ordering::Relaxed);
        self.phase.store(phase as u8, Ordering::Relaxed);
    }

    /// Begins to work on a request.
    pub(super) fn begin_request(&self) {
        self.request_began.store(self.now(), Ordering::Relaxed);
        self.enter(Phase::Working);
    }

    /// Whether the connection has a request that began before `time`, and whose answer is not written.
    fn is_busy_since_before(&self, time: Instant) -> bool {
        let began = self.opened + Duration::from_millis(self.request_began.load(Ordering::Relaxed));
        matches!(self.phase(), Phase::Working | Phase::Receiving | Phase::Sending) && began <= time
    }

    /// The time since the beginning of the phase.
    pub(super) fn in_phase(&self) -> Duration {
        Duration::from_millis(self.now().saturating_sub(self.since.load(Ordering::Relaxed)))
    }

    /// The service waits for the next bytes of a body from now on.
    pub(super) fn begin_waiting(&self) {
        self.waits_since.store(self.now().max(1), Ordering::Relaxed);
    }

    /// The next bytes of a body have come.
    pub(super) fn end_waiting(&self, bytes: usize) {
        let since = self.waits_since.swap(0, Ordering::Relaxed);
        let waited = self.waited.fetch_add(self.now().saturating_sub(since), Ordering::Relaxed);
        let moved = self.moved.fetch_add(bytes as u64, Ordering::Relaxed);
        // Old bytes count less and less, so that a fast beginning does not hide a slow rest.
        if waited > RATE_WINDOW_MS {
            self.waited.store(waited / 2, Ordering::Relaxed);
            self.moved.store(moved / 2, Ordering::Relaxed);
        }
    }

    /// The client has sent a byte.
    pub(super) fn has_read(&self) {
        self.last_read.store(self.now(), Ordering::Relaxed);
    }

    /// The time since the client sent its last byte.
    pub(super) fn since_last_read(&self) -> Duration {
        Duration::from_millis(self.now().saturating_sub(self.last_read.load(Ordering::Relaxed)))
    }

    /// The service waits for the client from now on, or no longer.
    pub(super) fn set_blocked(&self, blocked: bool) {
        self.blocked.store(if blocked { self.now().max(1) } else { 0 }, Ordering::Relaxed);
    }

    /// The time for which the client has read nothing of what is ready for it. `None` if nothing is.
    pub(super) fn blocked_for(&self) -> Option<Duration> {
        let since = self.blocked.load(Ordering::Relaxed);
        (since > 0).then(|| Duration::from_millis(self.now().saturating_sub(since)))
    }

    /// Bytes per second of a body that the service waits for. Only the time of waiting for the client counts. `None` if the
    /// service does not wait for it, or has not waited long enough.
    fn rate(&self) -> Option<f64> {
        let since = self.waits_since.load(Ordering::Relaxed);
        let waits = since > 0 && self.phase() == Phase::Receiving;
        let waited = self.waited.load(Ordering::Relaxed) + self.now().saturating_sub(since);
        let waited = Duration::from_millis(waited);
        let counts = waits && waited >= RECEIVING_MIN;
        counts.then(|| self.moved.load(Ordering::Relaxed) as f64 / waited.as_secs_f64())
    }
}

/// The open connections. Cheap to clone; clones share the list.
#[derive(Clone, Debug, Default)]
pub(in crate::http) struct Connections {
    open: Arc<Mutex<OpenConnections>>,
}

#[derive(Debug, Default)]
struct OpenConnections {
    next_id: u64,
    by_id: HashMap<u64, Arc<Connection>>,
}

/// One open connection. It leaves the list when this value is dropped.
#[derive(Debug)]
pub(super) struct OpenConnection {
    list: Connections,
    id: u64,
    pub(super) connection: Arc<Connection>,
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.list.lock().by_id.remove(&self.id);
    }
}

impl Connections {
    /// Adds a connection to the list.
    pub(super) fn open(&self, peer: SocketAddr, is_extra: bool) -> OpenConnection {
        let connection = Arc::new(Connection::new(peer, is_extra));
        let mut open = self.lock();
        let id = open.next_id;
        open.next_id += 1;
        open.by_id.insert(id, connection.clone());
        drop(open);
        OpenConnection { list: self.clone(), id, connection }
    }

    /// Number of open connections.
    pub(in crate::http) fn n(&self) -> usize {
        self.lock().by_id.len()
    }

    /// Number of requests that began before `time` and whose answers are not written.
    pub(in crate::http) fn n_busy_since_before(&self, time: Instant) -> usize {
        self.lock().by_id.values().filter(|connection| connection.is_busy_since_before(time)).count()
    }

    /// Cuts the connection that has waited longest for a request, or that reads the rest of a refused body. If there is none,
    /// cuts the oldest stream of events, whose client asks again from the last event. Returns whether there was one.
    pub(super) fn cut_oldest_waiting(&self) -> bool {
        let waits = |connection: &Connection| {
            let waits = matches!(connection.phase(), Phase::Idle | Phase::Head | Phase::Lingering);
            waits.then(|| connection.in_phase().as_secs_f64())
        };
        let streams = |connection: &Connection| {
            let streams =
                connection.phase() == Phase::Sending && connection.is_stream.load(Ordering::Relaxed);
            streams.then(|| connection.in_phase().as_secs_f64())
        };
        self.cut_most(waits) || self.cut_most(streams)
    }

    /// Cuts the connection whose client has not read its answer for the longest time, at least a second.
    pub(in crate::http) fn cut_longest_unread(&self) -> bool {
        self.cut_most(|connection| {
            let blocked = connection.blocked_for()?;
            (blocked >= BLOCKED_MIN).then_some(blocked.as_secs_f64())
        })
    }

    /// Cuts the connection whose body arrives most slowly, below `rate_min` bytes per second of at least two seconds.
    pub(in crate::http) fn cut_slowest_body(&self, rate_min: u64) -> bool {
        self.cut_most(|connection| {
            let rate = connection.rate()?;
            (rate < rate_min as f64).then_some(-rate)
        })
    }

    /// Cuts every connection.
    pub(in crate::http) fn cut_all(&self) {
        self.lock().by_id.values().for_each(|connection| connection.cut.cancel());
    }

    /// Cuts the connection with the largest value, if any has one.
    fn cut_most(&self, value: impl Fn(&Connection) -> Option<f64>) -> bool {
        let open = self.lock();
        let candidates = open.by_id.values().filter(|connection| !connection.cut.is_cancelled());
        let most = candidates
            .filter_map(|connection| Some((value(connection)?, connection)))
            .max_by(|a, b| a.0.total_cmp(&b.0));
        let Some((_, connection)) = most else { return false };
        tracing::debug!(peer = %connection.peer, phase = ?connection.phase(), "a connection is cut to make room");
        connection.cut.cancel();
        true
    }

    fn lock(&self) -> MutexGuard<'_, OpenConnections> {
        // A panic while the lock is held leaves whole entries.
        self.open.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer() -> SocketAddr {
        "127.0.0.1:1".parse().unwrap()
    }

    #[test]
    fn the_oldest_waiting_connection_is_cut_and_never_a_working_one() {
        let list = Connections::default();
        let working = list.open(peer(), false);
        working.connection.enter(Phase::Working);
        assert!(!list.cut_oldest_waiting());
        let old = list.open(peer(), false);
        std::thread::sleep(Duration::from_millis(5));
        let new = list.open(peer(), false);
        assert!(list.cut_oldest_waiting());
        assert!(old.connection.cut.is_cancelled() && !new.connection.cut.is_cancelled());
        drop(old);
        assert_eq!(list.n(), 2);
        assert!(list.cut_oldest_waiting() && new.connection.cut.is_cancelled());
        assert!(!list.cut_oldest_waiting() && !working.connection.cut.is_cancelled());
    }

    #[test]
    fn only_an_answer_that_nobody_reads_is_cut() {
        let list = Connections::default();
        let open = list.open(peer(), false);
        open.connection.enter(Phase::Sending);
        assert!(!list.cut_longest_unread());
        open.connection.set_blocked(true);
        assert!(!list.cut_longest_unread(), "a moment is no reason");
        std::thread::sleep(BLOCKED_MIN + Duration::from_millis(20));
        assert!(list.cut_longest_unread());
    }
}
