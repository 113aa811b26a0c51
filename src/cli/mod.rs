//! The commands, one file each. A command parses its flags, loads settings and files, calls the core or `batch`,
//! stores and prints.
//!
//! Results go to standard output, messages to standard error. Exit code 0: all good; 1: some inputs failed; 2: wrong
//! usage or settings.

mod arguments;
mod client;
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
mod outcome;
mod output;
mod progress;
mod replay;
mod restore;
mod restore_remote;
mod restore_together;
mod score;
mod serve;
mod synthesize;
mod train;
mod trial;
mod work;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

use arguments::SettingsArguments;
use outcome::{Outcome, UsageError};

/// Restores damaged pictures. A trained model predicts the parameters of each picture.
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
  pentimento restore scans/ --out-dir restored/        restore a whole folder, in parallel
  pentimento restore --together roll/ --out-dir out/   restore pictures that faded together
  pentimento optimize --dataset pairs/ --out table.csv search the best parameters of every pair
  pentimento train --dataset pairs/ --out my.model     train a model on the pairs
  pentimento serve                                     restore pictures over HTTP
  pentimento jobs submit optimize --dataset scans      let a running service do hours of work

Exit codes: 0 all good; 1 some inputs failed; 2 wrong usage or settings.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Restore pictures or whole folders of pictures
    Restore(restore::Arguments),
    /// Restore a picture again, byte for byte, from its receipt (of another encoder: the same pixels)
    Replay(replay::Arguments),
    /// Print the features of pictures
    Features(features::Arguments),
    /// Compare a picture with its reference: PSNR, SSIM, score
    Score(score::Arguments),
    /// Damage undamaged pictures by a seeded recipe, to get pairs for training
    Synthesize(synthesize::Arguments),
    /// Search the best parameters of every pair of a dataset
    Optimize(optimize::Arguments),
    /// Check a dataset: missing mates, sizes, alignment, duplicates, leaks between splits, optima
    Inspect(inspect::Arguments),
    /// Summarise a training table, column by column
    Describe(describe::Arguments),
    /// Train a model on pairs, or on tables made by optimize
    Train(train::Arguments),
    /// Measure a model on pairs, next to doing nothing, fixed parameters and the best candidate
    Evaluate(evaluate::Arguments),
    /// Serve restorations over HTTP
    Serve(serve::Arguments),
    /// Submit, follow, list and cancel jobs of a running service, and fetch their results
    Jobs(jobs::Arguments),
    /// Create the database of jobs, or bring it up to date
    Migrate(migrate::Arguments),
    /// Ask a running service whether it is ready; exit code 0 means yes
    Health(health::Arguments),
    /// Print the effective settings and the origin of each
    Config(config::Arguments),
    /// Print the completion script of a shell
    Completions(completions::Arguments),
    /// Processes that the service starts for its jobs; not for people
    #[command(hide = true)]
    Work(work::Arguments),
}

/// Runs the command and returns its exit code. An error is printed in one line.
pub fn run(cli: Cli) -> ExitCode {
    match command(cli) {
        Ok(Outcome::AllGood) => ExitCode::SUCCESS,
        Ok(Outcome::SomeFailed) => ExitCode::from(1),
        Err(error) => {
            output::tell(format_args!("pentimento: {error:#}"));
            ExitCode::from(if error.is::<UsageError>() { 2 } else { 1 })
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
        Command::Completions(arguments) => completions::run(arguments, &mut Cli::command()),
        Command::Work(arguments) => match work::run(arguments)? {
            Some(line) => command(Cli::parse_from(line)),
            None => Ok(Outcome::AllGood),
        },
    }
}
