//! exiftool, which `tests/contract` pins and installs.

#[path = "../../../tests/contract/tools.rs"]
#[allow(dead_code, reason = "these tests take one of its programs")]
mod contract;

use std::{path::Path, process::Command};

use contract::Tools;
use serde_json::Value;

use crate::tags::Tags;

/// What the tests cannot do without, besides what the installation names.
const NEEDS: &str =
    "The tests of metadata run exiftool, which needs perl (Debian: perl; scripts/prepare.sh perl:perl)";

/// The installed exiftool.
pub struct Exiftool(Tools);

impl Exiftool {
    pub fn installed() -> Self {
        Self(Tools::installed())
    }

    fn run(&self, arguments: &[&str], paths: &[&Path]) -> Vec<u8> {
        let mut command = Command::new("perl");
        command.arg(self.0.module("exiftool-vendored.pl/bin/exiftool")).args(["-config", ""]);
        command.args(arguments).args(paths).env("LC_ALL", "C.UTF-8");
        let output = command.output().unwrap_or_else(|error| panic!("{NEEDS}: {error}"));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.stdout.is_empty() || output.status.success(), "{NEEDS}\n{command:?}: {said}");
        output.stdout
    }

    /// Writes tags into files. A file gets those that its format holds.
    pub fn write(&self, arguments: &[&str], paths: &[&Path]) {
        self.run(&[&["-q", "-m", "-overwrite_original"], arguments].concat(), paths);
    }

    /// Reads all tags of files, in their order. A value that is no text is in Base64. A second tag of the same name has `CopyN` before it.
    pub fn read(&self, paths: &[&Path]) -> Vec<Tags> {
        let out = self.run(&["-j", "-G1:4", "-a", "-b", "-n", "-struct"], paths);
        let Value::Array(files) = serde_json::from_slice(&out).unwrap() else { panic!("no list") };
        assert_eq!(files.len(), paths.len());
        files.iter().map(Tags::new).collect()
    }
}
