//! A service as a process of its own, and what the process has cost.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    os::unix::process::CommandExt as _,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Condvar, Mutex, PoisonError},
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{
    client::{self, Client},
    group::Group,
    pictures,
};

/// Longest wait. Nothing takes so long without a defect.
pub const PATIENCE: Duration = Duration::from_secs(120);
/// How much slower a busy machine may be than a quiet one. Limits of time are multiplied by it.
pub const BUSY: u32 = 5;
/// Steps in which `/proc` counts CPU time.
const TICK: Duration = Duration::from_millis(10);

/// Whether a test has its turn.
static TAKEN: Mutex<bool> = Mutex::new(false);
static FREE: Condvar = Condvar::new();

/// The turn of one test. Dropping it lets another test start its service.
struct Turn;

impl Turn {
    fn take() -> Self {
        let taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
        *FREE.wait_while(taken, |taken| *taken).unwrap_or_else(PoisonError::into_inner) = true;
        Self
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        *TAKEN.lock().unwrap_or_else(PoisonError::into_inner) = false;
        FREE.notify_one();
    }
}

/// How to start a service.
#[derive(Default)]
pub struct Setup {
    /// Settings as `SECTION.KEY=VALUE`.
    pub settings: Vec<String>,
    /// Soft and hard limit of open files.
    pub descriptors: Option<u64>,
    /// The cgroup that the process enters before it starts.
    pub group: Option<Group>,
}

/// A running service. Dropping it kills the process.
pub struct Service {
    process: Child,
    pub address: SocketAddr,
    log: PathBuf,
    _folder: TempDir,
    /// Declared after the process: the group is removed once it is empty.
    pub group: Option<Group>,
    _turn: Turn,
}

/// The program under test.
fn program() -> PathBuf {
    std::env::var_os("STRESS_PROGRAM").map_or_else(|| env!("CARGO_BIN_EXE_pentimento").into(), PathBuf::from)
}

/// Removes settings that an older program does not know.
fn known(settings: Vec<String>) -> Vec<String> {
    if std::env::var_os("STRESS_PROGRAM").is_none() {
        return settings;
    }
    let listed = Command::new(program()).arg("config").output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let names: Vec<&str> = listed.lines().filter_map(|line| line.split_whitespace().next()).collect();
    settings.into_iter().filter(|s| names.contains(&s.split('=').next().unwrap())).collect()
}

impl Service {
    pub fn start(settings: &[&str]) -> Self {
        Self::with(Setup { settings: settings.iter().map(|s| (*s).to_owned()).collect(), ..Setup::default() })
    }

    /// Starts a service when no other test runs one, and waits until it listens.
    pub fn with(setup: Setup) -> Self {
        let turn = Turn::take();
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let mut command = Command::new(program());
        command.args(["serve", "--address", "127.0.0.1:0"]);
        let mut settings =
            vec![format!("data.dir={}", folder.path().join("data").display()), "log.format=json".to_owned()];
        settings.extend(setup.settings);
        for setting in known(settings) {
            command.args(["--set", &setting]);
        }
        limit(&mut command, setup.descriptors, setup.group.as_ref());
        command.stdout(Stdio::piped()).stderr(fs::File::create(&log).unwrap());
        let mut process = command.spawn().expect("the program starts");
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let Some(Ok(listens)) = lines.next() else {
            panic!("the program does not listen: {}", fs::read_to_string(&log).unwrap())
        };
        let address = listens.rsplit_once("http://").expect("an address").1.parse().unwrap();
        // Nobody reads further lines, and the pipe must not close.
        std::thread::spawn(move || lines.for_each(drop));
        let service = Self { process, address, log, _folder: folder, group: setup.group, _turn: turn };
        service.until_ready();
        service
    }

    fn until_ready(&self) {
        until("the service is ready", || self.get("/health/ready").status == 200);
    }

    /// Number in the field `name` of the log line "listening".
    pub fn logged_number(&self, name: &str) -> Option<u64> {
        let log = fs::read_to_string(&self.log).unwrap();
        let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let mut listening = lines.filter(|line| line["message"] == "listening");
        listening.next()?.get(name)?.as_u64()
    }

    /// The last lines of the log.
    pub fn log_end(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(10)..].join("\n")
    }

    /// A new connection.
    pub fn connect(&self) -> Client {
        Client::connect(self.address)
    }

    pub fn get(&self, path: &str) -> client::Answer {
        let mut client = self.connect();
        client.send(client::head("GET", path, &[]));
        client.answer()
    }

    /// Posts a whole body on a new connection.
    pub fn post(&self, target: &str, body: &[u8]) -> client::Answer {
        let mut client = self.connect();
        client.post(target, body);
        client.answer()
    }

    /// Restores a small picture for an honest client, which comes again when the service asks for it. Returns the time
    /// that it took.
    pub fn restores(&self) -> Duration {
        let begun = Instant::now();
        let picture = pictures::small_jpeg();
        loop {
            let answer = self.post("/restore?color=on&sigma=1&strength=1", &picture);
            if answer.status == 200 {
                return begun.elapsed();
            }
            assert!(matches!(answer.status, 429 | 503), "{}", answer.text());
            assert!(begun.elapsed() < PATIENCE, "never restored: {}", answer.text());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Fails unless `/restore` and `/health/live` answer with 200 within `limit` on a quiet machine.
    pub fn serves_within(&self, limit: Duration) {
        let begun = Instant::now();
        assert_eq!(self.get("/health/live").status, 200);
        let live = begun.elapsed();
        let restored = self.restores();
        println!("/health/live after {live:?}, /restore after {restored:?}");
        assert!(live.max(restored) < limit * BUSY, "live after {live:?}, restored after {restored:?}");
    }

    /// CPU time of all threads since the start, in steps of [`TICK`].
    pub fn cpu(&self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid())).unwrap();
        let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        let ticks: u32 = fields[11..13].iter().map(|ticks| ticks.parse::<u32>().unwrap()).sum();
        TICK * ticks
    }

    /// Highest resident memory since the start or the last [`Service::forget_peak`], in bytes.
    pub fn peak_bytes(&self) -> u64 {
        self.status("VmHWM")
    }

    /// Resident memory, in bytes.
    pub fn resident_bytes(&self) -> u64 {
        self.status("VmRSS")
    }

    /// Sets the highest resident memory to the present one.
    pub fn forget_peak(&self) {
        fs::write(format!("/proc/{}/clear_refs", self.pid()), "5").unwrap();
    }

    fn status(&self, field: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        let kib: u64 = line
            .unwrap_or_else(|| panic!("the process is dead: {}", self.log_end()))
            .trim()
            .trim_end_matches(" kB")
            .parse()
            .unwrap();
        kib << 10
    }

    /// Waits until the service does nothing any more: no CPU time in half a second, twice in a row.
    pub fn until_idle(&self) {
        let mut quiet = 0;
        let mut before = self.cpu();
        let begun = Instant::now();
        while quiet < 2 {
            std::thread::sleep(Duration::from_millis(500));
            let now = self.cpu();
            quiet = if now <= before + TICK { quiet + 1 } else { 0 };
            before = now;
            assert!(begun.elapsed() < PATIENCE, "the service works for ever");
        }
    }

    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").args([&format!("-{name}"), &self.pid().to_string()]).status();
        assert!(status.unwrap().success());
    }

    pub fn is_alive(&mut self) -> bool {
        self.process.try_wait().unwrap().is_none()
    }

    /// Waits for the end of the process.
    pub fn ended(&mut self) -> ExitStatus {
        until("the process ends", || self.process.try_wait().unwrap().is_some());
        self.process.wait().unwrap()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Limits the process that `command` starts.
fn limit(command: &mut Command, descriptors: Option<u64>, group: Option<&Group>) {
    if let Some(n) = descriptors {
        let limit = libc::rlimit { rlim_cur: n, rlim_max: n };
        // SAFETY: between fork and exec the closure makes one system call on its own memory and allocates nothing.
        unsafe {
            command.pre_exec(move || match libc::setrlimit(libc::RLIMIT_NOFILE, &limit) {
                0 => Ok(()),
                _ => Err(std::io::Error::last_os_error()),
            })
        };
    }
    if let Some(group) = group {
        let file = group.members();
        // SAFETY: between fork and exec the closure writes one byte to an open file and allocates nothing. The kernel
        // takes 0 for the writing process.
        unsafe { command.pre_exec(move || std::io::Write::write_all(&mut &file, b"0")) };
    }
}

/// Waits until a condition holds.
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "never: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Bytes as mebibytes, for messages.
pub fn mib(bytes: u64) -> String {
    format!("{:.0} MiB", bytes as f64 / 1_048_576.0)
}
