//! Many connections that send as fast as the service takes their bytes, from one thread, and read nothing.

use std::{
    collections::BTreeMap,
    io::{ErrorKind, Write as _},
    net::{SocketAddr, TcpStream},
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{client::Client, service::PATIENCE};

/// Pauses while the service takes nothing.
const PAUSE: Duration = Duration::from_millis(5);
/// The service counts as stalled if it takes no byte for this long.
const STALLED: Duration = Duration::from_millis(1500);

/// What one connection sends: a head, then a piece again and again.
#[derive(Clone)]
pub struct Plan {
    pub head: Vec<u8>,
    pub piece: Arc<[u8]>,
    /// Bytes to send after the head.
    pub length: u64,
}

impl Plan {
    /// A request with a body that is sent whole.
    pub fn whole(target: &str, body: &[u8]) -> Self {
        let head = crate::client::announced(target, body.len()).into_bytes();
        Self { head, piece: body.into(), length: body.len() as u64 }
    }

    /// The bytes from `sent` on, in one piece.
    fn next(&self, sent: u64) -> &[u8] {
        let head = self.head.len() as u64;
        if sent < head {
            return &self.head[sent as usize..];
        }
        let at = sent - head;
        let offset = (at % self.piece.len() as u64) as usize;
        let n = (self.length - at).min((self.piece.len() - offset) as u64) as usize;
        &self.piece[offset..offset + n]
    }

    fn total(&self) -> u64 {
        self.head.len() as u64 + self.length
    }
}

struct Sender {
    stream: TcpStream,
    plan: Plan,
    sent: u64,
    is_cut: bool,
}

/// Connections that send. Dropping the flood closes them.
#[derive(Default)]
pub struct Flood {
    senders: Vec<Sender>,
}

impl Flood {
    /// One connection per plan. Answers wait in the service, since receive buffers are small.
    pub fn start(address: SocketAddr, plans: impl IntoIterator<Item = Plan>) -> Self {
        let senders = plans.into_iter().map(|plan| {
            let stream = Client::connect_narrow(address).0;
            stream.set_nonblocking(true).unwrap();
            Sender { stream, plan, sent: 0, is_cut: false }
        });
        Self { senders: senders.collect() }
    }

    /// Sends until everything is sent, or the service takes no further byte.
    pub fn pump(&mut self) {
        let begun = Instant::now();
        let mut moved_at = Instant::now();
        while moved_at.elapsed() < STALLED && begun.elapsed() < PATIENCE {
            let mut open = false;
            for sender in &mut self.senders {
                if sender.step() {
                    moved_at = Instant::now();
                }
                open |= !sender.is_cut && sender.sent < sender.plan.total();
            }
            if !open {
                return;
            }
            std::thread::sleep(PAUSE.min(moved_at.elapsed()));
        }
    }

    /// Bytes that the service (or its kernel) has taken.
    pub fn sent(&self) -> u64 {
        self.senders.iter().map(|sender| sender.sent).sum()
    }

    /// Number of connections that the service has closed.
    pub fn n_cut(&self) -> usize {
        self.senders.iter().filter(|sender| sender.is_cut).count()
    }

    /// How many answers have begun, by status. Nothing is read.
    pub fn statuses(&self) -> BTreeMap<String, usize> {
        let mut statuses = BTreeMap::new();
        for sender in &self.senders {
            let mut line = [0; 12];
            if matches!(sender.stream.peek(&mut line), Ok(12)) {
                *statuses.entry(String::from_utf8_lossy(&line[9..]).into_owned()).or_default() += 1;
            }
        }
        statuses
    }

    /// The connections as clients that read.
    pub fn into_clients(self) -> Vec<Client> {
        let streams = self.senders.into_iter().map(|sender| sender.stream);
        let clients = streams.inspect(|stream| stream.set_nonblocking(false).unwrap());
        clients.map(Client).collect()
    }
}

impl Sender {
    /// Sends what the kernel takes now. Returns whether that is anything.
    fn step(&mut self) -> bool {
        if self.is_cut || self.sent == self.plan.total() {
            return false;
        }
        match self.stream.write(self.plan.next(self.sent)) {
            Ok(n) => {
                self.sent += n as u64;
                n > 0
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => false,
            Err(_) => {
                self.is_cut = true;
                false
            }
        }
    }
}
