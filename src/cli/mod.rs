//! The commands: one file each. They parse, load, call a job or a story, store and print.
//!
//! Results go to standard output, talk to standard error. Exit 0: all good; 1: some inputs failed; 2: wrong usage or
//! settings.

mod arguments;
mod completions;
mod config;
mod describe;
mod evaluate;
mod features;
mod health;
mod inputs;
mod inspect;
mod jobs;
mod migrate;
mod optimize;
mod output;
mod progress;
mod replay;
mod restore;
mod score;
mod serve;
mod synthesize;
mod train;
mod trial;
mod work;

use std::{fmt, process::ExitCode};

use clap::{Parser, Subcommand};

use arguments::SettingsArguments;

/// Restores damaged pictures by parameters that a trained model predicts for each of them.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 110, after_help = EXAMPLES)]
pub struct Cli {
    #[command(flatten)]
    settings: SettingsArguments,
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  pentimento restore scan.jpg -o better.png            restore one picture, parameters predicted
  pentimento restore scans/ --out-dir restored/        a whole folder, in parallel
  pentimento optimize --dataset pairs/ --out table.csv search the best parameters of every pair
  pentimento train --table table.csv --out my.model    train a model from the table
  pentimento serve                                     the same over HTTP
  pentimento jobs submit optimize --dataset scans      hours of work, done by a running service

Exit codes: 0 all good; 1 some inputs failed; 2 wrong usage or settings.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Restore pictures or whole folders of them
    Restore(restore::Arguments),
    /// Make a restored picture again from its receipt
    Replay(replay::Arguments),
    /// Print the features of pictures
    Features(features::Arguments),
    /// Compare a picture with its reference: PSNR, SSIM, score
    Score(score::Arguments),
    /// Damage clean pictures by seeded mixtures, to have pairs to train on
    Synthesize(synthesize::Arguments),
    /// Search the best parameters of every pair of a dataset
    Optimize(optimize::Arguments),
    /// Look for what is wrong with a dataset: mates, sizes, alignment, duplicates, leaks, optima
    Inspect(inspect::Arguments),
    /// Summarise a training table, column by column
    Describe(describe::Arguments),
    /// Train a model from tables
    Train(train::Arguments),
    /// Measure a model on pairs, beside doing nothing, fixed parameters and the best of the grid
    Evaluate(evaluate::Arguments),
    /// Serve restorations over HTTP
    Serve(serve::Arguments),
    /// Submit, follow and read jobs of a running service
    Jobs(jobs::Arguments),
    /// Make the database of jobs, or bring it up to date
    Migrate(migrate::Arguments),
    /// Ask a running service how it is; the exit code answers a probe
    Health(health::Arguments),
    /// Print the effective settings and where each came from
    Config(config::Arguments),
    /// Print the completion script of a shell
    Completions(completions::Arguments),
    /// What the service starts for its jobs; not for people
    #[command(hide = true)]
    Work(work::Arguments),
}

/// How a command ended when nothing stopped it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    AllGood,
    SomeFailed,
}

impl Outcome {
    fn from_failures(n: usize) -> Self {
        if n == 0 { Outcome::AllGood } else { Outcome::SomeFailed }
    }
}

/// An error of usage or settings: exit code 2.
#[derive(Debug)]
struct Usage(String);

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// A usage error with this message.
fn usage(message: impl fmt::Display) -> anyhow::Error {
    Usage(message.to_string()).into()
}

/// Runs the command and turns how it ended into an exit code and, if it failed, one line.
pub fn run(cli: Cli) -> ExitCode {
    match command(cli) {
        Ok(Outcome::AllGood) => ExitCode::SUCCESS,
        Ok(Outcome::SomeFailed) => ExitCode::from(1),
        Err(error) => {
            output::tell(format_args!("pentimento: {error:#}"));
            ExitCode::from(if error.is::<Usage>() { 2 } else { 1 })
        }
    }
}

fn command(cli: Cli) -> anyhow::Result<Outcome> {
    let settings = &cli.settings;
    match cli.command {
        Command::Restore(arguments) => restore::run(settings, arguments),
        Command::Replay(arguments) => replay::run(settings, arguments),
        Command::Features(arguments) => features::run(settings, arguments),
        Command::Score(arguments) => score::run(settings, arguments),
        Command::Synthesize(arguments) => synthesize::run(settings, arguments),
        Command::Optimize(arguments) => optimize::run(settings, arguments),
        Command::Inspect(arguments) => inspect::run(settings, arguments),
        Command::Describe(arguments) => describe::run(settings, arguments),
        Command::Train(arguments) => train::run(settings, arguments),
        Command::Evaluate(arguments) => evaluate::run(settings, arguments),
        Command::Serve(arguments) => serve::run(settings, arguments),
        Command::Jobs(arguments) => jobs::run(settings, arguments),
        Command::Migrate(arguments) => migrate::run(settings, arguments),
        Command::Health(arguments) => health::run(arguments),
        Command::Config(arguments) => config::run(settings, arguments),
        Command::Completions(arguments) => completions::run(arguments),
        Command::Work(arguments) => work::run(arguments),
    }
}
