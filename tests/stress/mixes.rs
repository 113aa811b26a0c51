//! What many clients do at the same time to exhaust the service's memory.

use crate::{
    client::{Answer, announced, head},
    flood::{Flood, Plan},
    pictures::{self, zeros_png},
    service::{Service, mib},
};

/// A mix by name: it attacks the service, and returns the connections that go on holding memory.
pub type Mix = (&'static str, fn(&Service) -> Held);

/// All mixes.
pub const ALL: &[Mix] = &[
    ("60 tiny uploads whose answers are not read", unread),
    ("200 bodies half sent", half_sent),
    ("150 bodies of 16 MiB for jobs", job_bodies),
    ("16 pictures of 99 megapixels with alpha", huge_pictures),
    ("bodies in chunks of one byte", tiny_chunks),
    ("forms without an end", endless_forms),
    ("forms with 60 MB of part headers", part_headers),
    ("forms with a hundred thousand parts", many_parts),
    ("everything at the same time", everything),
];

/// Connections of a mix.
#[derive(Default)]
pub struct Held {
    floods: Vec<Flood>,
    /// Number of clients that were cut without an answer.
    n_unanswered: usize,
}

impl From<Flood> for Held {
    fn from(flood: Flood) -> Self {
        Self { floods: vec![flood], n_unanswered: 0 }
    }
}

const FORM: &str = "Content-Type: multipart/form-data; boundary=b";
const CHUNKED: &str = "Transfer-Encoding: chunked";

/// Attacks with one mix. Returns what is wrong: the process is dead, took more than `budget_bytes`, or does not serve
/// again afterwards.
pub fn attack(service: &mut Service, (name, mix): Mix, budget_bytes: u64) -> Result<(), String> {
    let cpu = service.cpu();
    let held = mix(service);
    let (sent, n_cut) = held.floods.iter().fold((0, 0), |(s, c), f| (s + f.sent(), c + f.n_cut()));
    service.until_idle();
    if !service.is_alive() {
        return Err(format!("{name}: the process is dead: {}", service.log_end()));
    }
    if held.n_unanswered > 0 {
        return Err(format!("{name}: {} clients got no answer", held.n_unanswered));
    }
    for path in ["/health/live", "/health/ready"] {
        let answer = service.get(path);
        if answer.status != 200 {
            return Err(format!("{name}: {path} is {}", answer.text()));
        }
    }
    let (peak, at_rest) = (service.peak_bytes(), service.resident_bytes());
    let statuses: Vec<_> = held.floods.iter().map(Flood::statuses).collect();
    drop(held);
    let back = service.restores();
    println!(
        "{name}: peak {}, held {}, of {}; took {} from clients, closed {n_cut}; answers {statuses:?}; {:?} CPU; restores after {back:?}",
        mib(peak),
        mib(at_rest),
        mib(budget_bytes),
        mib(sent),
        service.cpu() - cpu,
    );
    if peak > budget_bytes {
        return Err(format!("{name}: {} is more than the budget of {}", mib(peak), mib(budget_bytes)));
    }
    Ok(())
}

fn flood(service: &Service, plans: impl IntoIterator<Item = Plan>) -> Flood {
    let mut flood = Flood::start(service.address, plans);
    flood.pump();
    flood
}

/// Each answer has 100 MB.
fn unread(service: &Service) -> Held {
    let (grey, color) = (zeros_png(5000, 6700, 1, 0), zeros_png(5000, 6700, 8, 2));
    // No two requests are identical, so that none shares the answer of another one.
    let plan = |i| match i % 2 {
        0 => Plan::whole(&format!("/restore?color=off&sigma=1&strength=1.{i:02}&format=bmp"), &grey),
        _ => Plan::whole(&format!("/restore?color=off&sigma=1&strength=1.{i:02}&format=tiff"), &color),
    };
    flood(service, (0..60).map(plan)).into()
}

fn half_sent(service: &Service) -> Held {
    let plan = Plan {
        head: announced("/restore", 16 << 20).into_bytes(),
        piece: vec![b'x'; 1 << 16].into(),
        length: 8 << 20,
    };
    flood(service, vec![plan; 200]).into()
}

fn job_bodies(service: &Service) -> Held {
    let head = head(
        "POST",
        "/jobs/optimize",
        &["Content-Type: application/json".to_owned(), format!("Content-Length: {}", 16 << 20)],
    );
    let plan = Plan { head: head.into_bytes(), piece: vec![b' '; 1 << 16].into(), length: (16 << 20) - 1 };
    flood(service, vec![plan; 150]).into()
}

/// Each picture is served, refused with the setting that refuses it, or asked to come later.
fn huge_pictures(service: &Service) -> Held {
    let flood = flood(service, vec![Plan::whole("/restore", &zeros_png(11_000, 9_000, 8, 6)); 16]);
    let mut clients = flood.into_clients();
    let answers: Vec<Answer> = std::thread::scope(|scope| {
        let reading: Vec<_> = clients.iter_mut().map(|client| scope.spawn(|| client.try_answer())).collect();
        reading.into_iter().filter_map(|answer| answer.join().unwrap()).collect()
    });
    for answer in &answers {
        match (answer.status, &*answer.problem()) {
            (200, _) => assert!(answer.is_whole),
            (413 | 422, _) => assert!(answer.text().contains("memory.budget_bytes"), "{}", answer.text()),
            (503, "full" | "memory-full") | (429, "caller-share") => {
                assert!(answer.header("retry-after").is_some(), "{}", answer.text());
            }
            _ => panic!("{}", answer.text()),
        }
    }
    Held { floods: Vec::new(), n_unanswered: 16 - answers.len() }
}

fn tiny_chunks(service: &Service) -> Held {
    let head = head("POST", "/restore", &[CHUNKED.to_owned()]);
    // No last chunk: the body stays in memory.
    let plan = Plan { head: head.into_bytes(), piece: b"1\r\nx\r\n".repeat(10_000).into(), length: 6 << 20 };
    flood(service, vec![plan; 40]).into()
}

/// The head of a chunked form and its first bytes.
fn form(start: &str) -> Vec<u8> {
    let head = head("POST", "/restore", &[FORM.to_owned(), CHUNKED.to_owned()]);
    format!("{head}{:x}\r\n{start}\r\n", start.len()).into_bytes()
}

/// Bytes as one chunk.
fn chunk(bytes: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}

fn endless_forms(service: &Service) -> Held {
    let plan = Plan {
        head: form("--b\r\nContent-Disposition: form-data; name=\"image\"\r\n\r\n"),
        piece: chunk(&vec![b'x'; 1 << 16]).into(),
        length: 128 << 20,
    };
    flood(service, vec![plan; 12]).into()
}

fn part_headers(service: &Service) -> Held {
    let line = format!("X-Header: {}\r\n", "x".repeat(1000));
    let plan = Plan {
        head: form("--b\r\nContent-Disposition: form-data; name=\"image\"\r\n"),
        piece: chunk(line.repeat(60).as_bytes()).into(),
        length: 60_000_000,
    };
    flood(service, vec![plan; 12]).into()
}

fn many_parts(service: &Service) -> Held {
    let part = "\r\n--b\r\nContent-Disposition: form-data; name=\"image\"\r\n\r\nx";
    let piece: Vec<u8> = chunk(part.repeat(1000).as_bytes());
    let length = piece.len() as u64 * 100;
    let plan = Plan {
        head: form("--b\r\nContent-Disposition: form-data; name=\"image\"\r\n\r\nx"),
        piece: piece.into(),
        length,
    };
    flood(service, vec![plan; 12]).into()
}

fn everything(service: &Service) -> Held {
    let real = pictures::small_jpeg();
    let honest = (0..40).map(|i| Plan::whole("/restore", &pictures::numbered(&real, i)));
    let mut all: Held = flood(service, honest).into();
    for mix in
        [unread, half_sent, job_bodies, tiny_chunks, endless_forms, part_headers, many_parts, huge_pictures]
    {
        let held = mix(service);
        all.floods.extend(held.floods);
        all.n_unanswered += held.n_unanswered;
    }
    all
}
