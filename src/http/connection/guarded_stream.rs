//! The stream of a connection, with deadlines: for a request's head, between requests, and for an answer that its client
//! reads too slowly.
//!
//! An error of this stream ends hyper's connection, which drops the request, the answer and their memory.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{Arc, atomic::Ordering},
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Instant, Sleep, sleep_until},
};

use super::{
    head_errors,
    listen::ConnectionLimits,
    pace::Pace,
    registry::{Connection, Phase},
};

/// Longest time in which the rest of a refused body is read.
const LINGER_TIME: Duration = Duration::from_secs(30);
/// Longest pause of a client that sends the rest of a refused body.
const LINGER_PAUSE: Duration = Duration::from_secs(2);
/// Bytes of the rest of a refused body that are read at a time.
const LINGER_PIECE: usize = 16 << 10;

/// A TCP stream with deadlines.
pub(super) struct GuardedStream {
    io: TcpStream,
    connection: Arc<Connection>,
    limits: Arc<ConnectionLimits>,
    read_timer: Timer,
    write_timer: Timer,
    /// The patience with the client that reads an answer.
    pace: Pace,
    /// Since when the client has not read.
    blocked_since: Option<Instant>,
    /// Since when the client is behind with its answer.
    answer_began: Option<Instant>,
    /// An answer that is written in place of hyper's own, and the number of its bytes that are written.
    replacement: Option<(Vec<u8>, usize)>,
    linger: Option<Linger>,
    is_first: bool,
}

/// Reading the rest of a refused body.
struct Linger {
    until: Instant,
    bytes_left: u64,
}

/// A timer that is made at its first use.
#[derive(Default)]
struct Timer(Option<Pin<Box<Sleep>>>);

impl Timer {
    /// Whether the deadline has passed. Wakes the task when it passes.
    fn has_passed(&mut self, deadline: Instant, cx: &mut Context<'_>) -> bool {
        // A deadline that is computed anew at each poll moves by the rounding of its clock. The timer would then be set
        // again and again.
        if Instant::now() >= deadline {
            return true;
        }
        let sleep = self.0.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if sleep.deadline() != deadline {
            sleep.as_mut().reset(deadline);
        }
        sleep.as_mut().poll(cx).is_ready()
    }
}

/// The error of a deadline that has passed.
fn too_slow(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, what)
}

impl GuardedStream {
    pub(super) fn new(io: TcpStream, connection: Arc<Connection>, limits: Arc<ConnectionLimits>) -> Self {
        Self {
            io,
            connection,
            pace: Pace::new(limits.rate_min),
            limits,
            read_timer: Timer::default(),
            write_timer: Timer::default(),
            blocked_since: None,
            answer_began: None,
            replacement: None,
            linger: None,
            is_first: true,
        }
    }

    /// The time until which the client must have sent the next byte, if there is such a time.
    fn read_deadline(&self) -> Option<Instant> {
        let max = match self.connection.phase() {
            // A connection that has sent nothing yet owes a head.
            Phase::Idle if self.is_first => self.limits.header_timeout,
            Phase::Idle => self.limits.keep_alive_timeout,
            Phase::Head => self.limits.header_timeout,
            Phase::Working | Phase::Receiving | Phase::Sending | Phase::Lingering => return None,
        };
        Some(Instant::now() + max.saturating_sub(self.connection.in_phase()))
    }

    /// Whether hyper writes an answer although no handler has one: the head cannot be parsed.
    fn is_answer_of_hyper(&self) -> bool {
        matches!(self.connection.phase(), Phase::Idle | Phase::Head)
    }

    /// Writes the answer in place of hyper's own. Says that all `own` bytes are written when its own are.
    fn poll_replacement(&mut self, cx: &mut Context<'_>, own: usize) -> Poll<io::Result<usize>> {
        loop {
            let Some((answer, written)) = &self.replacement else { return Poll::Ready(Ok(own)) };
            let outcome = Pin::new(&mut self.io).poll_write(cx, &answer[*written..]);
            let n = ready!(self.paced(outcome, cx))?;
            if let Some((answer, written)) = &mut self.replacement {
                *written += n;
                if *written >= answer.len() {
                    self.replacement = None;
                }
            }
        }
    }

    /// Takes the outcome of a write. Turns a wait for a client that is too slow into an error.
    fn paced(&mut self, outcome: Poll<io::Result<usize>>, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let now = Instant::now();
        if let Poll::Ready(Ok(n)) = outcome {
            let waited = self.blocked_since.take().map_or(Duration::ZERO, |since| now - since);
            self.connection.set_blocked(false);
            self.pace.moved(n, waited);
            return outcome;
        }
        if outcome.is_ready() {
            return outcome;
        }
        let since = *self.blocked_since.get_or_insert_with(|| {
            self.connection.set_blocked(true);
            now
        });
        // A client that still sends may read its answers afterwards.
        if self.connection.since_last_read() < now - since {
            self.pace = Pace::new(self.limits.rate_min);
            self.blocked_since = Some(now);
            return self.wait_for_reader(now, cx);
        }
        self.wait_for_reader(since, cx)
    }

    /// Waits for a client that has not read since `since`, until its patience or the time of its answer ends.
    fn wait_for_reader(&mut self, since: Instant, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let end = self.answer_began.map(|began| began + self.limits.answer_timeout);
        let slow = since + self.pace.left();
        let deadline = end.map_or(slow, |end| end.min(slow));
        if !self.write_timer.has_passed(deadline, cx) {
            return Poll::Pending;
        }
        tracing::info!(peer = %self.connection.peer, "a connection is cut: its client reads the answer too slowly");
        Poll::Ready(Err(too_slow("the client reads its answer too slowly")))
    }

    /// Reads and drops what the client still sends, until it ends or a limit is reached.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut piece = [0; LINGER_PIECE];
        let linger = self.linger.get_or_insert_with(|| Linger {
            until: Instant::now() + LINGER_TIME,
            bytes_left: self.limits.linger_bytes_max,
        });
        loop {
            let mut buffer = ReadBuf::new(&mut piece);
            match Pin::new(&mut self.io).poll_read(cx, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                    linger.bytes_left = linger.bytes_left.saturating_sub(buffer.filled().len() as u64);
                    self.connection.has_read();
                    if linger.bytes_left == 0 || Instant::now() >= linger.until {
                        return Poll::Ready(Ok(()));
                    }
                }
                Poll::Ready(_) => return Poll::Ready(Ok(())),
                Poll::Pending => {
                    let pause =
                        LINGER_PAUSE.saturating_sub(self.connection.since_last_read().min(LINGER_PAUSE));
                    let deadline = linger.until.min(Instant::now() + pause);
                    return match self.read_timer.has_passed(deadline, cx) {
                        true => Poll::Ready(Ok(())),
                        false => Poll::Pending,
                    };
                }
            }
        }
    }
}

impl AsyncRead for GuardedStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        match Pin::new(&mut this.io).poll_read(cx, buffer) {
            Poll::Ready(outcome) => {
                if buffer.filled().len() > before {
                    this.connection.has_read();
                    if this.connection.phase() == Phase::Idle {
                        this.is_first = false;
                        this.connection.enter(Phase::Head);
                    }
                }
                Poll::Ready(outcome)
            }
            Poll::Pending => match this.read_deadline() {
                Some(deadline) if this.read_timer.has_passed(deadline, cx) => {
                    Poll::Ready(Err(too_slow("no request came in time")))
                }
                _ => Poll::Pending,
            },
        }
    }
}

impl AsyncWrite for GuardedStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.replacement.is_none() && this.is_answer_of_hyper() {
            this.replacement = head_errors::in_place_of(bytes).map(|answer| (answer, 0));
        }
        if this.replacement.is_some() {
            return this.poll_replacement(cx, bytes.len());
        }
        let outcome = Pin::new(&mut this.io).poll_write(cx, bytes);
        this.begin_answer();
        this.paced(outcome, cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.replacement.is_some() || self.is_answer_of_hyper() {
            let first = pieces.iter().find(|piece| !piece.is_empty());
            return self.poll_write(cx, first.map_or(&[], |piece| piece));
        }
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.io).poll_write_vectored(cx, pieces);
        this.begin_answer();
        this.paced(outcome, cx)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        // hyper flushes after it has written everything that it has, so the client keeps up with the answer.
        this.answer_began = None;
        if this.connection.is_answered.swap(false, Ordering::Relaxed) {
            this.pace = Pace::new(this.limits.rate_min);
            this.connection.enter(Phase::Idle);
            // hyper may have read already, while the answer was being written. The next read sets the deadline of the pause.
            cx.waker().wake_by_ref();
        }
        Pin::new(&mut this.io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.connection.lingers.load(Ordering::Relaxed) {
            return Pin::new(&mut this.io).poll_shutdown(cx);
        }
        if this.linger.is_none() {
            ready!(Pin::new(&mut this.io).poll_shutdown(cx))?;
            this.connection.enter(Phase::Lingering);
        }
        this.poll_linger(cx)
    }
}

impl GuardedStream {
    /// Takes the time since which the client is behind with its answer.
    fn begin_answer(&mut self) {
        if self.connection.phase() == Phase::Sending {
            self.answer_began.get_or_insert_with(Instant::now);
        }
    }
}
