//! The real program as a service for the generated client.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
};

use super::repository;

/// A running service on a free port, with the dataset `scans` of one pair. Ends when it goes out of scope.
pub struct Service {
    process: Child,
    /// The address as a URL.
    pub url: String,
    _folder: tempfile::TempDir,
}

impl Service {
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (side, name) in [("damaged", "damaged"), ("undamaged", "reference")] {
            let to = folder.path().join("datasets/scans").join(side);
            fs::create_dir_all(&to).unwrap();
            let from = repository(&format!("tests/golden/pairs/smallest.{name}.png"));
            fs::copy(from, to.join("smallest.png")).unwrap();
        }
        let setting = |name: &str, path: &str| format!("{name}={}", folder.path().join(path).display());
        let mut process = Command::new(env!("CARGO_BIN_EXE_pentimento"))
            .args(["serve", "--address", "127.0.0.1:0", "--set", "log.filter=warn"])
            .args(["--set", &setting("data.dir", "data")])
            .args(["--set", &setting("datasets.root", "datasets")])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let at = line.find("http://").unwrap_or_else(|| panic!("no address in {line:?}"));
        Self { process, url: line[at..].trim_end().to_owned(), _folder: folder }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
