//! Early refusals of a 40 MB body: common clients see the answer and not a broken pipe.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::mpsc,
    time::Duration,
};

use crate::{
    client::head,
    service::{Service, mib},
};

const BODY_BYTES: usize = 40_000_000;
/// Memory above the idle process: the rest of a refused body is read and dropped.
const PEAK_BYTES: u64 = 64 << 20;

/// A client program. `None` if it is not installed.
struct Program {
    name: &'static str,
    command: Option<Vec<String>>,
    environment: Vec<(&'static str, String)>,
}

fn script(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stress/clients").join(name).display().to_string()
}

fn runs(program: &str, arguments: &[&str]) -> bool {
    Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success())
}

/// Installs the package `requests` once, next to the build's files. Returns its folder.
fn requests() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../tools/requests");
    let module = folder.join("requests");
    if !module.exists() {
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target"];
        let mut command = Command::new("python3");
        command.args(pip).arg(&folder).arg("requests").output().ok()?;
    }
    module.exists().then_some(folder)
}

fn programs() -> Vec<Program> {
    let python = runs("python3", &["--version"]);
    let curl = runs("curl", &["--version"]).then(|| vec!["bash".to_owned(), script("curl.sh")]);
    let of = |name, command, environment| Program { name, command, environment };
    let packages = if python { requests() } else { None };
    vec![
        of("curl", curl.clone(), vec![]),
        of("curl without Expect", curl, vec![("EXPECT", String::new())]),
        of("http.client", python.then(|| vec!["python3".to_owned(), script("http_client.py")]), vec![]),
        of(
            "requests",
            packages.as_ref().map(|_| vec!["python3".to_owned(), script("requests_client.py")]),
            packages.iter().map(|folder| ("PYTHONPATH", folder.display().to_string())).collect(),
        ),
        of(
            "Node fetch",
            runs("node", &["-e", "fetch"]).then(|| vec!["node".to_owned(), script("fetch.mjs")]),
            vec![],
        ),
    ]
}

/// Posts the body with every client. Each one must see one of the `expected` answers.
fn every_client_sees(service: &Service, target: &str, content_type: &str, expected: &[&str]) {
    let mut body = tempfile::NamedTempFile::new().unwrap();
    std::io::Write::write_all(&mut body, &vec![b'x'; BODY_BYTES]).unwrap();
    let url = format!("http://{}{target}", service.address);
    let (mut tried, mut wrong) = (0, Vec::new());
    for Program { name, command, environment } in programs() {
        let Some(command) = command else {
            eprintln!("NOT TRIED: {name} is not installed");
            continue;
        };
        let mut client = Command::new(&command[0]);
        client.args(&command[1..]).arg(&url).arg(body.path()).arg(content_type).envs(environment);
        let Output { stdout, stderr, .. } = client.output().unwrap();
        let seen = String::from_utf8(stdout).unwrap();
        let stderr = String::from_utf8_lossy(&stderr);
        println!("{name}: {}", seen.trim());
        if !expected.contains(&seen.trim()) {
            let error = stderr.lines().last().unwrap_or_default();
            wrong.push(format!("{name} saw {seen:?}: {error}"));
        }
        tried += 1;
    }
    assert!(tried > 0, "no client program is installed");
    assert!(wrong.is_empty(), "expected one of {expected:?}: {wrong:#?}");
}

/// A service and its idle memory. The limit of bodies is below [`BODY_BYTES`] on request.
fn service(settings: &[&str]) -> (Service, u64) {
    let service = Service::start(settings);
    let idle = service.resident_bytes();
    (service, idle)
}

/// Takes the only place with a body that goes on arriving, faster than it must, until the sender is dropped.
fn hold(service: &Service) -> mpsc::Sender<()> {
    let mut client = service.connect();
    let headers = ["Content-Length: 30000000".to_owned(), "Expect: 100-continue".to_owned()];
    client.send(head("POST", "/restore", &headers));
    assert_eq!(client.head().expect("a head").status, 100, "the service reads the body");
    let (held, done) = mpsc::channel();
    std::thread::spawn(move || {
        client.send([b'x'; 4096]);
        while done.recv_timeout(Duration::from_millis(250)) == Err(mpsc::RecvTimeoutError::Timeout) {
            client.send([b'x'; 4096]);
        }
    });
    held
}

fn check_peak(service: &Service, idle: u64) {
    let peak = service.peak_bytes();
    println!("peak {} above {}", mib(peak - idle), mib(idle));
    assert!(peak < idle + PEAK_BYTES, "a refused body takes no memory: {}", mib(peak - idle));
}

#[test]
fn clients_see_415_for_another_content_type() {
    let (service, idle) = service(&[]);
    every_client_sees(&service, "/restore", "text/plain", &["415 /problems/unsupported-media-type"]);
    check_peak(&service, idle);
}

#[test]
fn clients_see_422_for_a_bad_query() {
    let (service, idle) = service(&[]);
    every_client_sees(&service, "/restore?sigma=big", "image/png", &["422 /problems/bad-parameter"]);
    check_peak(&service, idle);
}

#[test]
fn clients_see_413_for_a_long_body() {
    let (service, idle) = service(&["limits.input_bytes_max=33554432"]);
    every_client_sees(&service, "/restore", "image/png", &["413 /problems/body-too-large"]);
    check_peak(&service, idle);
}

#[test]
fn clients_see_503_when_the_service_is_full() {
    let settings = ["compute.running_max=1", "compute.waiting_max=0", "compute.receiving_max=1"];
    let (service, idle) = service(&[&settings[..], &["server.body_timeout_ms=600000"]].concat());
    let _holder = hold(&service);
    let full = ["503 /problems/full", "429 /problems/caller-share"];
    every_client_sees(&service, "/restore", "image/png", &full);
    check_peak(&service, idle);
}
