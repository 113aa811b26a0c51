//! `pentimento jobs results`: fetches the results of a job and writes them while they arrive.

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
    super::{arguments::check_results, client::Client, outcome::Outcome},
    path::{escaped, job_path},
};
use crate::{batch::picture_file::folder_of, jobs::results::ResultFormat};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Id of the job
    id: String,
    /// File to write; - is standard output
    #[arg(short, long, value_name = "FILE", default_value = "-")]
    out: PathBuf,
    /// Part of the results: table or combinations of an optimize job, model or card of a train job, picture
    /// or receipt of a restore job
    #[arg(long, value_name = "VIEW")]
    view: Option<String>,
    /// Picture of a restore job with several pictures, counted from 1
    #[arg(long, value_name = "N")]
    picture: Option<u32>,
    /// Format of the rows of an optimize job
    #[arg(long, value_enum, default_value_t = RowsFormat::Csv)]
    format: RowsFormat,
    /// Overwrite an existing file
    #[arg(long)]
    force: bool,
}

/// The file format of rows.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum RowsFormat {
    Csv,
    Jsonl,
    Parquet,
}

pub(super) fn run(client: &Client, arguments: Arguments) -> Result<Outcome> {
    let Arguments { id, out, view, picture, format, force } = arguments;
    check_results(&[("--out", &out)], &[], force)?;
    let view = view.map(|view| format!("view={}", escaped(&view)));
    let picture = picture.map(|number| format!("picture={number}"));
    let query: Vec<String> = view.into_iter().chain(picture).collect();
    let mime = match format {
        RowsFormat::Csv => ResultFormat::Csv,
        RowsFormat::Jsonl => ResultFormat::JsonLines,
        RowsFormat::Parquet => ResultFormat::Parquet,
    }
    .mime();
    // A model, a report or a picture has one format only, so any other type is accepted as well.
    let accept = format!("{mime}, */*;q=0.1");
    let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
    let path = format!("{}{query}", job_path(&id, "/results")?);
    let mut body = client.fetch(&path, &[("Accept", &accept)])?.into_body().into_reader();
    if out == Path::new("-") {
        io::copy(&mut body, &mut io::stdout().lock()).context("writing to standard output")?;
    } else {
        write(&out, &mut body, force).with_context(|| format!("writing {}", out.display()))?;
    }
    Ok(Outcome::AllGood)
}

/// Writes a body to a temporary file in the same folder and renames it to `path`, so that nobody reads half a file.
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
