//! `pentimento serve` as a process: the printed curl line works, a signal stops the service, the log has one line per
//! request.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_pentimento");

/// A running service on a free port, killed when it goes out of scope.
struct Service {
    process: Child,
    address: String,
    try_line: String,
    _data: tempfile::TempDir,
}

impl Service {
    fn start() -> Self {
        Self::start_with(&["--set", "log.filter=warn"], Stdio::inherit())
    }

    fn start_with(arguments: &[&str], stderr: Stdio) -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut process = Command::new(PROGRAM)
            .args(["serve", "--address", "127.0.0.1:0", "--set"])
            .arg(format!("data.dir={}", data.path().display()))
            .args(arguments)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .expect("the program starts");
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map(Result::unwrap);
        let listens = lines.next().expect("a line with the address");
        let address = listens.rsplit_once("http://").expect("an address").1.to_owned();
        let try_line =
            lines.next().expect("a line to try").strip_prefix("Try: ").expect("a line to try").to_owned();
        Self { process, address, try_line, _data: data }
    }

    /// Sends SIGTERM. Returns whether the service then exits with code 0.
    fn stop(&mut self) -> bool {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        self.process.wait().unwrap().success()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Sends what curl sends for `--data-binary @FILE URL`. Returns head and body of the answer.
fn like_curl(address: &str, path: &str, body: &[u8]) -> (String, Vec<u8>) {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nUser-Agent: curl/8.0\r\nAccept: */*\r\nConnection: close\r\n\
         Content-Length: {}\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\n",
        body.len()
    )
    .unwrap();
    stream.write_all(body).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|w| w == b"\r\n\r\n").expect("a head");
    (String::from_utf8(answer[..end].to_vec()).unwrap(), answer[end + 4..].to_vec())
}

#[test]
fn the_printed_line_restores_the_sample_as_the_command_does() {
    let service = Service::start();
    let words: Vec<&str> = service.try_line.split(' ').collect();
    let [curl, "--fail", "-o", "restored.jpg", "--data-binary", sample, url] = words[..] else {
        panic!("{}", service.try_line)
    };
    assert_eq!((curl, url), ("curl", &*format!("http://{}/restore", service.address)));
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join(sample.strip_prefix('@').expect("a file"));
    let (head, restored) = like_curl(&service.address, "/restore", &std::fs::read(&sample).unwrap());
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    assert!(head.to_lowercase().contains("content-type: image/jpeg"), "{head}");

    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("restored.jpg");
    let status =
        Command::new(PROGRAM).arg("restore").arg(&sample).arg("-o").arg(&out).stdout(Stdio::null()).status();
    assert!(status.unwrap().success());
    assert!(std::fs::read(out).unwrap() == restored, "service and command give the same bytes");
}

#[test]
fn a_probe_tells_a_running_service_from_a_stopped_one_and_sigterm_ends_it() {
    let mut service = Service::start();
    let address = service.address.clone();
    let health = |path: &str| {
        let url = format!("http://{address}{path}");
        Command::new(PROGRAM)
            .args(["health", &url])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap()
            .code()
    };
    assert_eq!((health(""), health("/health/live"), health("/health/startup")), (Some(0), Some(0), Some(0)));
    assert_eq!(health("/nowhere"), Some(1));
    assert!(service.stop(), "SIGTERM is a clean end");
    let url = format!("http://{}", service.address);
    let stopped = Command::new(PROGRAM).args(["health", &url]).stderr(Stdio::null()).status().unwrap();
    assert_eq!(stopped.code(), Some(1));
}

#[test]
fn each_request_leaves_one_line_without_its_content() {
    let mut service = Service::start_with(&["--set", "log.format=json"], Stdio::piped());
    let sample = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/faded.jpg")).unwrap();
    assert!(like_curl(&service.address, "/restore?sigma=1.2345", &sample).0.starts_with("HTTP/1.1 200 "));
    assert!(like_curl(&service.address, "/secret-name", b"").0.starts_with("HTTP/1.1 404 "));
    assert!(service.stop());
    let mut log = String::new();
    service.process.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    let lines: Vec<serde_json::Value> =
        log.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let answered: Vec<_> = lines.iter().filter(|line| line["message"] == "answered").collect();
    assert_eq!(answered.len(), 2, "{log}");
    for (line, (route, status)) in answered.iter().zip([("/restore", 200), ("", 404)]) {
        assert_eq!(line["status"], status, "{log}");
        assert!(line["latency_ms"].as_f64().is_some_and(|ms| ms > 0.0), "{log}");
        assert_eq!(line["span"]["method"], "POST", "{log}");
        assert!(line["span"]["id"].as_str().is_some_and(|id| !id.is_empty()), "{log}");
        if !route.is_empty() {
            assert_eq!(line["span"]["route"], route, "{log}");
        }
    }
    assert!(!log.contains("1.2345") && !log.contains("secret-name") && !log.contains("JFIF"), "{log}");
}
