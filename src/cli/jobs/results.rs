//! `pentimento jobs results`: what a job has found, written as it comes.

use std::{
    fs::Permissions,
    io::{self, Read, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};
use tempfile::Builder;

use super::{
    super::{Outcome, arguments::check_results},
    Client,
    client::{escaped, job_path},
};
use crate::{batch::picture_file::folder_of, jobs::results::ResultFormat};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The job's id
    id: String,
    /// The file to write; - is standard output
    #[arg(short, long, value_name = "FILE", default_value = "-")]
    out: PathBuf,
    /// Of a search table or combinations, of a training model or card
    #[arg(long, value_name = "VIEW")]
    view: Option<String>,
    /// The form of a search's rows
    #[arg(long, value_enum, default_value_t = Format::Csv)]
    format: Format,
    /// Overwrite an existing file
    #[arg(long)]
    force: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Csv,
    Jsonl,
    Parquet,
}

pub(super) fn run(client: &Client, arguments: Arguments) -> Result<Outcome> {
    let Arguments { id, out, view, format, force } = arguments;
    check_results(&[("--out", &out)], &[], force)?;
    let view = view.map_or(String::new(), |view| format!("?view={}", escaped(&view)));
    let mime = match format {
        Format::Csv => ResultFormat::Csv,
        Format::Jsonl => ResultFormat::JsonLines,
        Format::Parquet => ResultFormat::Parquet,
    }
    .mime();
    // A model or a report has one form only.
    let accept = format!("{mime}, */*;q=0.1");
    let path = format!("{}{view}", job_path(&id, "/results")?);
    let mut body = client.fetch(&path, &[("Accept", &accept)])?.into_body().into_reader();
    if out == Path::new("-") {
        io::copy(&mut body, &mut io::stdout().lock()).context("writing to standard output")?;
    } else {
        write(&out, &mut body, force).with_context(|| format!("writing {}", out.display()))?;
    }
    Ok(Outcome::AllGood)
}

/// Beside the file first, so that no half of it is ever seen.
fn write(path: &Path, body: &mut impl Read, force: bool) -> Result<()> {
    let mut file = Builder::new()
        .prefix(".pentimento-")
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(folder_of(path))?;
    io::copy(body, &mut file)?;
    file.flush()?;
    file.as_file().sync_all()?;
    if force {
        file.persist(path)?
    } else {
        file.persist_noclobber(path)?
    };
    Ok(())
}
