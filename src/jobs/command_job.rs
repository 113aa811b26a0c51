//! Jobs that are commands: `train` and `evaluate` run in a process of their own, exactly as at a shell.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, Result};
use tokio::process::Command;

use super::{
    child::{self, Ended},
    request::{EvaluateRequest, Grid, OptimizeRequest, Request, TrainRequest},
    results::{ResultFormat, ResultView, write_results},
    run_task::unwanted,
    service::Jobs,
};
use crate::batch::picture_file;
use crate::storage::{JobKind, TaskRef};

/// The files of jobs, below `data.dir`.
const FILES: &str = "jobs";

/// How a command ended.
#[derive(Debug)]
pub enum End {
    /// It could not be started.
    NotBegun(anyhow::Error),
    /// With its results, and what it said.
    Done(String),
    /// Without.
    Failed(String),
    /// Its process was killed or crashed.
    Crashed(String),
    /// It was called off.
    Stopped,
}

/// Where a job's files lie.
pub fn folder(data: &Path, job: &str) -> PathBuf {
    data.join(FILES).join(job)
}

/// The file that is a command's result, in a view.
pub fn result_file(data: &Path, job: &str, kind: JobKind, view: ResultView) -> Option<PathBuf> {
    let name = match (kind, view) {
        (JobKind::Train, ResultView::Table) => "model",
        (JobKind::Train, ResultView::Card) => "card.md",
        (JobKind::Evaluate, ResultView::Table) => "report.json",
        _ => return None,
    };
    Some(folder(data, job).join(name))
}

/// Runs the command of a request.
pub(super) async fn run(jobs: &Arc<Jobs>, task: &TaskRef, request: &Request) -> Result<End> {
    let folder = folder(&jobs.setup.folder, &task.job);
    fs::create_dir_all(&folder).with_context(|| format!("making the folder {}", folder.display()))?;
    let arguments = match request {
        Request::Train(request) => train(jobs, request, &folder).await?,
        Request::Evaluate(request) => evaluate(jobs, request, &folder)?,
        Request::Optimize(_) => anyhow::bail!("not a command"),
    };
    let mut command = Command::new(&jobs.setup.program);
    command.args(["work", "command", "--"]).args(settings(jobs)).args(arguments);
    let limit_ms = jobs.setup.settings.command_timeout_ms;
    let stop = unwanted(jobs, task);
    let ended = child::run(command, b"", Duration::from_millis(limit_ms), stop).await;
    let ended = match ended.context("starting a process for a command") {
        Ok(ended) => ended,
        Err(error) => return Ok(End::NotBegun(error)),
    };
    Ok(match ended {
        // 1: some inputs failed; it is done if there is a result.
        Ended::Exited(0 | 1, _, said) if result_of(request, &folder).exists() => End::Done(said),
        Ended::Exited(_, _, said) => End::Failed(said),
        Ended::Killed(how) => End::Crashed(how),
        Ended::TimedOut => {
            End::Failed(format!("it took longer than {limit_ms} ms (setting jobs.command_timeout_ms)"))
        }
        Ended::Stopped => End::Stopped,
    })
}

fn result_of(request: &Request, folder: &Path) -> PathBuf {
    folder.join(if matches!(request, Request::Train(_)) { "model" } else { "report.json" })
}

/// What the process is to do as this one does it.
fn settings(jobs: &Jobs) -> Vec<String> {
    let (limits, setup) = (jobs.setup.limits, &jobs.setup);
    [
        format!("limits.input_bytes_max={}", limits.input_bytes_max),
        format!("limits.pixels_max={}", limits.pixels_max),
        format!("limits.decoded_bytes_max={}", limits.decoded_bytes_max),
        format!("compute.threads={}", setup.settings.pair_threads),
        format!("model.path={}", setup.model.display()),
    ]
    .into_iter()
    .flat_map(|setting| ["--set".to_owned(), setting])
    .collect()
}

async fn train(jobs: &Arc<Jobs>, request: &TrainRequest, folder: &Path) -> Result<Vec<String>> {
    let mut arguments = vec!["train".to_owned(), "--force".to_owned()];
    let mut grid = Grid::default();
    arguments.push("--table".to_owned());
    for (i, id) in request.tables.iter().enumerate() {
        let job = jobs.storage.job(id).await?.with_context(|| format!("the job {id} is gone"))?;
        let asked: OptimizeRequest = serde_json::from_str(&job.request)?;
        grid = asked.grid.clone();
        let file = folder.join(format!("table-{i}.csv"));
        let (space, data) = (grid.space()?, jobs.clone());
        let (id, at) = (id.clone(), tokio::runtime::Handle::current());
        let bytes = tokio::task::spawn_blocking(move || {
            let mut bytes = Vec::new();
            write_results(&data.storage, &at, &id, &space, ResultView::Table, ResultFormat::Csv, &mut bytes)
                .map(|()| bytes)
        })
        .await??;
        picture_file::write(&file, &bytes, true)?;
        arguments.push(file.display().to_string());
    }
    let mut file = |flag: &str, name: &str, text: &str| -> Result<()> {
        let path = folder.join(name);
        picture_file::write(&path, text.as_bytes(), true)?;
        arguments.extend([flag.to_owned(), path.display().to_string()]);
        Ok(())
    };
    if let Some(groups) = &request.groups {
        file("--groups", "groups.tsv", groups)?;
    }
    if !request.licences.is_empty() {
        let lines = request.licences.iter().map(|(set, licence)| format!("{set}\t{licence}\n"));
        file("--licences", "licences.tsv", &lines.collect::<String>())?;
    }
    arguments.extend(grid_argument(&grid, folder)?);
    if let Some(dataset) = &request.dataset {
        let root = jobs.setup.datasets.folder_inside(dataset)?;
        arguments.extend(["--dataset".to_owned(), root.display().to_string()]);
    }
    if let Some(seed) = request.seed {
        arguments.extend(["--seed".to_owned(), seed.to_string()]);
    }
    let (model, card) = (folder.join("model"), folder.join("card.md"));
    arguments.extend(["--out".to_owned(), model.display().to_string()]);
    arguments.extend(["--card".to_owned(), card.display().to_string()]);
    Ok(arguments)
}

fn evaluate(jobs: &Jobs, request: &EvaluateRequest, folder: &Path) -> Result<Vec<String>> {
    let root = jobs.setup.datasets.folder_inside(&request.dataset)?;
    let report = folder.join("report.json");
    let mut arguments: Vec<String> = ["evaluate", "--force", "--dataset"].map(str::to_owned).to_vec();
    arguments.push(root.display().to_string());
    arguments.extend(["--out".to_owned(), report.display().to_string()]);
    if let Some(id) = &request.model {
        let model = self::folder(&jobs.setup.folder, id).join("model");
        arguments.extend(["--model".to_owned(), model.display().to_string()]);
    }
    if let Some(groups) = &request.groups {
        let path = folder.join("groups.tsv");
        picture_file::write(&path, groups.as_bytes(), true)?;
        arguments.extend(["--groups".to_owned(), path.display().to_string()]);
    }
    arguments.extend(grid_argument(&request.grid, folder)?);
    Ok(arguments)
}

fn grid_argument(grid: &Grid, folder: &Path) -> Result<[String; 2]> {
    let argument = match grid.to_argument() {
        Ok(name) => name,
        Err(text) => {
            let path = folder.join("grid.toml");
            picture_file::write(&path, text.as_bytes(), true)?;
            path.display().to_string()
        }
    };
    Ok(["--grid".to_owned(), argument])
}
