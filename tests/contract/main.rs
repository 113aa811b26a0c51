//! `openapi.yaml` as other programs read it: a validator, a linter, and a generator that makes a client. The client then
//! talks to the real service.
//!
//! The first test installs these programs, see [`tools`]. They need Python and the registries of Python and npm packages.

mod service;
mod tools;

use std::{fs, path::Path, process::Command};

use service::Service;
use tools::Tools;

/// Returns the path of a file of the repository.
fn repository(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Runs a program to its end. Returns what it wrote, and fails with this text if the program fails.
fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success(), "{command:?}: {}\n{text}", output.status);
    text
}

#[test]
fn the_description_is_valid() {
    let tools = Tools::installed();
    run(tools
        .command("openapi-spec-validator")
        .args(["--schema", "3.1", "--validation-errors", "all"])
        .arg(repository("openapi.yaml")));
}

#[test]
fn an_invalid_description_is_found() {
    let tools = Tools::installed();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("openapi.yaml");
    let text = fs::read_to_string(repository("openapi.yaml")).unwrap();
    let broken = text.replacen("in: query", "in: question", 1);
    assert!(broken != text);
    fs::write(&path, broken).unwrap();
    let validator =
        tools.command("openapi-spec-validator").args(["--schema", "3.1"]).arg(&path).output().unwrap();
    assert!(!validator.status.success());
    assert!(!tools.linter(&path).output().unwrap().status.success());
}

#[test]
fn the_linter_finds_nothing() {
    run(&mut Tools::installed().linter(&repository("openapi.yaml")));
}

#[test]
fn a_generated_client_restores_replays_and_follows_a_job() {
    let tools = Tools::installed();
    let folder = tempfile::tempdir().unwrap();
    // A body or an answer that the generator cannot read is a warning, and the client lacks it.
    run(tools
        .command("openapi-python-client")
        .args(["generate", "--meta", "none", "--fail-on-warning", "--path"])
        .arg(repository("openapi.yaml"))
        .arg("--config")
        .arg(repository("tests/contract/generator.yaml"))
        .arg("--output-path")
        .arg(folder.path().join("pentimento_client")));
    let service = Service::start();
    let said = run(tools
        .command("python")
        .args(["-B", "-m", "unittest", "--verbose", "client_test"])
        .current_dir(repository("tests/contract"))
        .env("PYTHONPATH", folder.path())
        .env("SERVICE_URL", &service.url)
        .env("SAMPLE", repository("samples/faded.jpg")));
    assert!(said.contains("\nOK"), "{said}");
}
