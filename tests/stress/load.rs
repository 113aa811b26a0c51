//! Saturation: 64 connections with pictures of mixed sizes, one in ten of them broken. `LOAD_SECONDS` says how long; `make
//! load` takes half an hour.
//!
//! The machine that runs the clients runs the service, too. So the clients have the lowest priority: they use what the
//! service leaves. Two probes of normal priority measure times, on connections of their own.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, atomic::AtomicBool, atomic::AtomicU64, atomic::Ordering},
    time::{Duration, Instant},
};

use pentimento_core::{
    imaging::{Channels, codec::Format},
    numeric::random::RandomStream,
};
use reqwest::{Client, Response};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{
    bombs,
    client::{announced, head},
    pictures::{encoded, numbered, small_jpeg, textured, zeros_png},
    service::{PATIENCE, Service, mib},
};

const SECONDS: u64 = 60;
const CONNECTIONS: usize = 64;
const SEED: u64 = 20_261_130;
/// Most times the unloaded median that the 99th percentile of accepted 512×512 pictures may take.
const SLOWER: u32 = 10;
/// Most time of the 99th percentile of `/health/live`.
const HEALTH: Duration = Duration::from_millis(10);
/// Most growth of memory from the second to the last tenth of the time.
const GROWTH: f64 = 1.1;
/// The same in a run of a minute.
const GROWTH_IN_A_MINUTE: f64 = 1.6;
/// The variable that makes times and memory count, as `make load` does.
const STRICT: &str = "LOAD_STRICT";
/// Refusals that a full service states.
const STATED: &[&str] = &["503 full", "503 memory-full", "503 deadline", "429 caller-share"];
const PROBED: &str = "/restore?color=on&sigma=1&strength=1";

/// A picture of the mix: name, file, and its weight.
struct Kind {
    name: &'static str,
    file: Vec<u8>,
    weight: u64,
}

fn kinds() -> Vec<Kind> {
    let rgb = |width, height| textured(width, height, Channels::Rgb, 1);
    let kind = |name, file, weight| Kind { name, file, weight };
    let (two, twelve) = (rgb(1640, 1230), rgb(4000, 3000));
    vec![
        kind("512×512 JPEG", small_jpeg(), 40),
        kind("512×512 grey PNG", encoded(&textured(512, 512, Channels::Grey, 2), Format::Png), 12),
        kind("320×240 WebP", encoded(&rgb(320, 240), Format::WebP), 12),
        kind("2 MP JPEG", encoded(&two, Format::Jpeg), 14),
        kind("2 MP PNG", encoded(&two, Format::Png), 6),
        kind("12 MP JPEG", encoded(&twelve, Format::Jpeg), 4),
        kind("12 MP PNG", encoded(&twelve, Format::Png), 2),
    ]
}

/// The answers to one kind of request.
#[derive(Default)]
struct Tally {
    answers: BTreeMap<String, u64>,
    accepted: Vec<Duration>,
}

/// What all clients have seen.
#[derive(Default)]
struct Seen {
    tallies: Mutex<BTreeMap<&'static str, Tally>>,
    wrong: Mutex<Vec<String>>,
    n: AtomicU64,
    is_over: AtomicBool,
}

impl Seen {
    fn note(&self, name: &'static str, answer: &str, took: Duration) {
        let mut tallies = self.tallies.lock().unwrap();
        let tally = tallies.entry(name).or_default();
        *tally.answers.entry(answer.to_owned()).or_default() += 1;
        if answer == "200" {
            tally.accepted.push(took);
        }
    }

    /// Notes an answer that is neither stated nor expected.
    fn wrong(&self, what: String) {
        self.wrong.lock().unwrap().push(what);
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }
}

fn percentile(times: &mut [Duration], share: f64) -> Duration {
    times.sort_unstable();
    times
        .get(((times.len() as f64 * share) as usize).min(times.len().saturating_sub(1)))
        .copied()
        .unwrap_or_default()
}

/// Sets the priority of the calling thread: 19 is the lowest. Only root may raise it.
fn nice(level: i32) {
    // SAFETY: the call reads three numbers. 0 is the calling thread.
    let _ = unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, level) };
}

/// The answer as `STATUS kind`, after its whole body.
async fn outcome(response: Response) -> Result<(String, Duration), reqwest::Error> {
    let status = response.status().as_u16();
    let retry = response.headers().get("retry-after").and_then(|s| s.to_str().ok()?.parse().ok());
    let body = response.bytes().await?;
    let document: Option<serde_json::Value> =
        if status == 200 { None } else { serde_json::from_slice(&body).ok() };
    let kind = document.as_ref().and_then(|document| document["type"].as_str()?.strip_prefix("/problems/"));
    let text = format!("{status} {}", kind.unwrap_or_default()).trim().to_owned();
    Ok((text, Duration::from_secs(retry.unwrap_or(0))))
}

struct Load {
    service: Service,
    kinds: Vec<Kind>,
    bomb: Vec<u8>,
    unread: Vec<u8>,
    seen: Seen,
}

impl Load {
    fn url(&self, target: &str) -> String {
        format!("http://{}{target}", self.service.address)
    }

    /// One client: it sends again and again until the time is over.
    async fn client(&self, i: usize) {
        let client = Client::builder().timeout(PATIENCE).build().unwrap();
        let mut random = RandomStream::new(SEED + i as u64);
        while !self.seen.is_over() {
            if random.bits().is_multiple_of(10) {
                self.broken(&client, random.bits() % 5).await;
            } else {
                self.picture(&client, &mut random).await;
            }
        }
    }

    async fn picture(&self, client: &Client, random: &mut RandomStream) {
        let total: u64 = self.kinds.iter().map(|kind| kind.weight).sum();
        let mut at = random.bits() % total;
        let kind = self.kinds.iter().find(|kind| {
            let is_it = at < kind.weight;
            at = at.wrapping_sub(kind.weight);
            is_it
        });
        let kind = kind.unwrap();
        let n = self.seen.n.fetch_add(1, Ordering::Relaxed);
        // One third is predicted. No two requests are identical.
        let target = if n.is_multiple_of(3) { "/restore".to_owned() } else { format!("{PROBED}.{n:09}") };
        let begun = Instant::now();
        let request = client.post(self.url(&target)).body(numbered(&kind.file, n)).send();
        let answer = async { outcome(request.await?).await }.await;
        match answer {
            Ok((answer, retry)) => {
                if answer != "200" && !STATED.contains(&&*answer) {
                    self.seen.wrong(format!("{}: {answer}", kind.name));
                }
                self.seen.note(kind.name, &answer, begun.elapsed());
                // A client that comes again somewhat earlier than it is asked to.
                tokio::time::sleep(retry.min(Duration::from_millis(500))).await;
            }
            Err(error) => self.seen.wrong(format!("{}: {error:?}", kind.name)),
        }
    }

    /// One broken upload. Whatever it is answered, it must be a stated refusal or the stated fault.
    async fn broken(&self, client: &Client, way: u64) {
        let post = |target: &str, kind: &'static str, body: Vec<u8>| {
            client.post(self.url(target)).header("content-type", kind).body(body).send()
        };
        let (name, expected, request) = match way {
            0 => ("wrong type", "415 unsupported-media-type", post("/restore", "text/plain", small_jpeg())),
            1 => ("bomb", "422 too-many-pixels", post("/restore", "image/png", self.bomb.clone())),
            2 => return self.cut().await,
            3 => return self.slow().await,
            _ => return self.not_read().await,
        };
        let begun = Instant::now();
        let answer = async { outcome(request.await?).await }.await;
        let answer = answer.map_or_else(|error| format!("{error:?}"), |(answer, _)| answer);
        if answer != expected && !STATED.contains(&&*answer) {
            self.seen.wrong(format!("{name}: {answer}"));
        }
        self.seen.note(name, &answer, begun.elapsed());
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.service.address).await.unwrap()
    }

    /// Half of a picture, then the end.
    async fn cut(&self) {
        let mut stream = self.connect().await;
        let file = &self.kinds[3].file;
        let _ = stream.write_all(announced("/restore", file.len()).as_bytes()).await;
        let _ = stream.write_all(&file[..file.len() / 2]).await;
        self.seen.note("cut", "closed", Duration::ZERO);
    }

    /// A byte every tenth of a second, for five seconds.
    async fn slow(&self) {
        let mut stream = self.connect().await;
        let _ = stream.write_all(announced("/restore", 100_000).as_bytes()).await;
        for _ in 0..50 {
            if self.seen.is_over() || stream.write_all(b"x").await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        self.seen.note("slow", "closed", Duration::ZERO);
    }

    /// A large answer whose head is read only.
    async fn not_read(&self) {
        let mut stream = self.connect().await;
        let target = "/restore?color=off&sigma=1&strength=1&format=bmp";
        let _ = stream.write_all(announced(target, self.unread.len()).as_bytes()).await;
        let _ = stream.write_all(&self.unread).await;
        let mut head = [0; 12];
        let read = tokio::time::timeout(Duration::from_secs(10), stream.read_exact(&mut head)).await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        let status = if matches!(read, Ok(Ok(_))) {
            String::from_utf8_lossy(&head[9..12]).into_owned()
        } else {
            "none".into()
        };
        self.seen.note("not read", &format!("{status} head"), Duration::ZERO);
    }

    /// Restores a small picture again and again, with the priority of the service. Returns the times of accepted ones.
    fn probe(&self, n_max: usize) -> Vec<Duration> {
        let mut times = Vec::new();
        let mut client = self.service.connect();
        let picture = small_jpeg();
        let mut n = 0_u64;
        while !self.seen.is_over() && times.len() < n_max {
            n += 1;
            let body = numbered(&picture, (1 << 40) + n);
            let begun = Instant::now();
            client.post(PROBED, &body);
            let Some(answer) = client.try_answer() else {
                self.seen.wrong("probe: no answer".to_owned());
                client = self.service.connect();
                continue;
            };
            let kind = format!("{} {}", answer.status, answer.problem());
            match answer.status {
                200 => times.push(begun.elapsed()),
                _ if STATED.contains(&kind.trim()) => {}
                _ => self.seen.wrong(format!("probe: {}", answer.text())),
            }
            self.seen.note("probe", kind.trim(), begun.elapsed());
            if answer.header("connection") == Some("close") {
                client = self.service.connect();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        times
    }

    fn probe_health(&self) -> Vec<Duration> {
        nice(-10);
        let mut client = self.service.connect();
        let mut times = Vec::new();
        while !self.seen.is_over() {
            let begun = Instant::now();
            client.send(head("GET", "/health/live", &[]));
            match client.try_answer() {
                Some(answer) if answer.status == 200 => times.push(begun.elapsed()),
                other => {
                    self.seen.wrong(format!("health: {other:?}"));
                    client = self.service.connect();
                }
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        times
    }

    /// Resident memory, once per second.
    fn watch_memory(&self) -> Vec<u64> {
        let mut samples = Vec::new();
        while !self.seen.is_over() {
            samples.push(self.service.resident_bytes());
            std::thread::sleep(Duration::from_secs(1));
        }
        samples
    }

    fn print(&self) {
        println!("{:<18} {:>7} {:>7} {:>9} {:>9}  answers", "", "n", "200", "p50 ms", "p99 ms");
        for (name, tally) in &mut *self.seen.tallies.lock().unwrap() {
            let n: u64 = tally.answers.values().sum();
            let times = &mut tally.accepted;
            let ms = |time: Duration| time.as_secs_f64() * 1e3;
            let (half, most) = (ms(percentile(times, 0.5)), ms(percentile(times, 0.99)));
            println!("{name:<18} {n:>7} {:>7} {half:>9.1} {most:>9.1}  {:?}", times.len(), tally.answers);
        }
    }
}

fn median(samples: &[u64]) -> u64 {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable();
    sorted[sorted.len() / 2]
}

/// Runs all clients until the time is over.
fn saturate(load: &Arc<Load>, time: Duration) {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(2).enable_all().on_thread_start(|| nice(19)).build().unwrap();
    let clients: Vec<_> = (0..CONNECTIONS)
        .map(|i| {
            let load = load.clone();
            runtime.spawn(async move { load.client(i).await })
        })
        .collect();
    std::thread::sleep(time);
    load.seen.is_over.store(true, Ordering::Relaxed);
    runtime.block_on(async {
        for client in clients {
            client.await.unwrap();
        }
    });
}

#[test]
fn at_saturation_every_answer_is_stated_and_memory_stays() {
    let seconds =
        std::env::var("LOAD_SECONDS").map_or(SECONDS, |text| text.parse().expect("a number of seconds"));
    let service = Service::start(&["log.filter=warn"]);
    let unread = zeros_png(2000, 2000, 8, 2);
    let bomb = bombs::claiming_png(32_768, 32_768, 0);
    let mut load = Arc::new(Load { service, kinds: kinds(), bomb, unread, seen: Seen::default() });
    load.probe(10); // warms up
    let unloaded = percentile(&mut load.probe(100), 0.5);

    let (mut small, mut health, memory) = std::thread::scope(|scope| {
        let small = scope.spawn(|| load.probe(usize::MAX));
        let health = scope.spawn(|| load.probe_health());
        let memory = scope.spawn(|| load.watch_memory());
        saturate(&load, Duration::from_secs(seconds));
        (small.join().unwrap(), health.join().unwrap(), memory.join().unwrap())
    });

    load.print();
    let tenth = memory.len() / 10;
    let (early, late) =
        (median(&memory[tenth..2 * tenth + 1]), median(&memory[memory.len() - tenth.max(1)..]));
    let (p50, p99) = (percentile(&mut small, 0.5), percentile(&mut small, 0.99));
    let health_p99 = percentile(&mut health, 0.99);
    println!(
        "512×512 accepted: median unloaded {unloaded:?}, loaded {p50:?}, p99 {p99:?} ({} probes)",
        small.len()
    );
    println!("/health/live: p99 {health_p99:?} ({} probes), most {:?}", health.len(), health.last());
    println!(
        "memory: {} after a tenth, {} at the end, peak {}",
        mib(early),
        mib(late),
        mib(load.service.peak_bytes())
    );
    let wrong = load.seen.wrong.lock().unwrap().clone();
    assert!(wrong.is_empty(), "{} answers are not stated: {:?}", wrong.len(), &wrong[..wrong.len().min(20)]);
    let service = &mut Arc::get_mut(&mut load).expect("the clients have ended").service;
    assert!(service.is_alive());
    assert_eq!(service.get("/health/ready").status, 200);
    assert!(small.len() > 20, "small pictures are accepted: {}", small.len());
    if std::env::var_os(STRICT).is_none() {
        // A minute next to other programs says little about times, and memory has not settled.
        assert!(late as f64 <= early as f64 * GROWTH_IN_A_MINUTE, "memory: {} to {}", mib(early), mib(late));
        return;
    }
    assert!(late as f64 <= early as f64 * GROWTH, "memory grows: {} to {}", mib(early), mib(late));
    assert!(health_p99 < HEALTH, "/health/live: {health_p99:?}");
    assert!(p99 <= unloaded * SLOWER, "512×512: p99 {p99:?}, unloaded {unloaded:?}");
}
