//! Pentimento at a shell: chooses a role and hands over.

use std::process::ExitCode;

use clap::Parser as _;
use pentimento::cli::{self, Cli};

fn main() -> ExitCode {
    cli::run(Cli::parse())
}
