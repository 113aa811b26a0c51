//! The programs that read `openapi.yaml` and metadata, installed under `target/tools/contract`.
//!
//! `requirements.txt` pins the Python packages and Node.js, `package-lock.json` the linter and exiftool, all by their digests. A change
//! of these files installs everything again.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
};

use crate::repository;

/// What the tests cannot do without.
const NEEDS: &str = "The tests of openapi.yaml and of metadata install their programs. This needs Python 3.11 or later with its venv module \
                     (Debian: python3-venv; scripts/prepare.sh python3:python3-venv), and a network or mirror with \
                     the registries of Python and npm packages.";

/// The installed programs.
pub struct Tools(PathBuf);

impl Tools {
    /// Installs the programs, unless an earlier run did.
    pub fn installed() -> Self {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("a folder in the target folder");
        let folder = target.join("tools/contract");
        fs::create_dir_all(target.join("tools")).unwrap();
        // Tests run at the same time, also of several test programs. One of them installs.
        let lock = File::create(target.join("tools/contract.lock")).unwrap();
        lock.lock().unwrap();
        let pinned = ["requirements.txt", "package.json", "package-lock.json"]
            .map(|name| fs::read_to_string(repository("tests/contract").join(name)).unwrap());
        let tools = Self(folder);
        let stamp = tools.0.join("installed");
        if fs::read_to_string(&stamp).is_ok_and(|text| text == pinned.concat()) {
            return tools;
        }
        let _ = fs::remove_dir_all(&tools.0);
        tools.install();
        fs::write(&stamp, pinned.concat()).unwrap();
        tools
    }

    fn install(&self) {
        let lists = repository("tests/contract");
        step(Command::new("python3").args(["-m", "venv"]).arg(&self.0));
        step(
            self.command("python")
                .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"])
                .args(["--only-binary", ":all:", "--requirement"])
                .arg(lists.join("requirements.txt")),
        );
        for name in ["package.json", "package-lock.json"] {
            fs::copy(lists.join(name), self.0.join(name)).unwrap();
        }
        step(
            self.command("npm")
                .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
                .current_dir(&self.0),
        );
    }

    /// A program of the Python packages.
    pub fn command(&self, name: &str) -> Command {
        Command::new(self.0.join("bin").join(name))
    }

    /// A file of the npm packages.
    pub fn module(&self, path: &str) -> PathBuf {
        self.0.join("node_modules").join(path)
    }

    /// The linter on one description.
    pub fn linter(&self, description: &Path) -> Command {
        let mut linter = self.command("node");
        linter
            .arg(self.module("@redocly/cli/bin/cli.js"))
            .args(["lint", "--format=stylish", "--max-problems=1000", "--config"])
            .arg(repository("tests/contract/redocly.yaml"))
            .arg(description)
            .envs([("REDOCLY_TELEMETRY", "off"), ("REDOCLY_SUPPRESS_UPDATE_NOTICE", "true")]);
        linter
    }
}

/// Runs one step of the installation. A failure says what the tests need.
fn step(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{NEEDS}\n{command:?}: {error}"));
    let text =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success(), "{NEEDS}\n{command:?}: {}\n{text}", output.status);
}
