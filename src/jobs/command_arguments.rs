//! The arguments of a job's command, and the input files that they name.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, Result};

use super::{
    job_files::{self, CARD, MODEL, REPORT},
    request::{EvaluateRequest, Grid, OptimizeRequest, TrainRequest},
    results::{JobResults, ResultFormat, ResultView},
    service::Jobs,
};
use crate::batch::picture_file;

/// Arguments that give the command the limits, threads and model of this service.
pub(super) fn settings(jobs: &Jobs) -> Vec<String> {
    let (limits, setup) = (jobs.setup.limits, &jobs.setup);
    [
        format!("limits.input_bytes_max={}", limits.input_bytes_max),
        format!("limits.pixels_max={}", limits.pixels_max),
        format!("limits.decoded_bytes_max={}", limits.decoded_bytes_max),
        format!("limits.output_bytes_max={}", limits.output_bytes_max),
        format!("compute.threads={}", setup.settings.pair_threads),
        format!("model.path={}", setup.model.display()),
    ]
    .into_iter()
    .flat_map(|setting| ["--set".to_owned(), setting])
    .collect()
}

/// Writes the tables, groups and licences of a training to `folder`. Returns the arguments of `pentimento train`.
pub(super) async fn train(jobs: &Arc<Jobs>, request: &TrainRequest, folder: &Path) -> Result<Vec<String>> {
    let mut arguments = vec!["train".to_owned(), "--force".to_owned(), "--table".to_owned()];
    let mut grid = Grid::default();
    for (i, id) in request.tables.iter().enumerate() {
        let (table, searched) = write_table(jobs, id, &folder.join(format!("table-{i}.csv"))).await?;
        arguments.push(table);
        grid = searched;
    }
    if let Some(groups) = &request.groups {
        arguments.extend(file_argument("--groups", folder.join("groups.tsv"), groups)?);
    }
    if !request.licences.is_empty() {
        let lines = request.licences.iter().map(|(set, licence)| format!("{set}\t{licence}\n"));
        let lines = lines.collect::<String>();
        arguments.extend(file_argument("--licences", folder.join("licences.tsv"), &lines)?);
    }
    arguments.extend(grid_argument(&grid, folder)?);
    if let Some(dataset) = &request.dataset {
        let root = jobs.setup.datasets.folder_inside(dataset)?;
        arguments.extend(["--dataset".to_owned(), root.display().to_string()]);
    }
    if let Some(seed) = request.seed {
        arguments.extend(["--seed".to_owned(), seed.to_string()]);
    }
    let (model, card) = (folder.join(MODEL), folder.join(CARD));
    arguments.extend(["--out".to_owned(), model.display().to_string()]);
    arguments.extend(["--card".to_owned(), card.display().to_string()]);
    Ok(arguments)
}

/// Writes the table of a finished `optimize` job to `file`. Returns the path, and the grid of the search.
async fn write_table(jobs: &Arc<Jobs>, id: &str, file: &Path) -> Result<(String, Grid)> {
    let job = jobs.storage.job(id).await?.with_context(|| format!("the job {id} was deleted"))?;
    let asked: OptimizeRequest = serde_json::from_str(&job.request)?;
    let (space, jobs, id) = (asked.grid.space()?, jobs.clone(), id.to_owned());
    let runtime = tokio::runtime::Handle::current();
    let bytes = tokio::task::spawn_blocking(move || {
        let results = JobResults { storage: &jobs.storage, runtime: &runtime, job: &id, space: &space };
        let mut bytes = Vec::new();
        results.write(ResultView::Table, ResultFormat::Csv, &mut bytes).map(|()| bytes)
    })
    .await??;
    picture_file::write(file, &bytes, true)?;
    Ok((file.display().to_string(), asked.grid))
}

/// Writes the groups and the grid of an evaluation to `folder`. Returns the arguments of `pentimento evaluate`.
pub(super) fn evaluate(jobs: &Jobs, request: &EvaluateRequest, folder: &Path) -> Result<Vec<String>> {
    let root = jobs.setup.datasets.folder_inside(&request.dataset)?;
    let report = folder.join(REPORT);
    let mut arguments: Vec<String> = ["evaluate", "--force", "--dataset"].map(str::to_owned).to_vec();
    arguments.push(root.display().to_string());
    arguments.extend(["--out".to_owned(), report.display().to_string()]);
    if let Some(id) = &request.model {
        let model = job_files::folder(&jobs.setup.folder, id).join(MODEL);
        arguments.extend(["--model".to_owned(), model.display().to_string()]);
    }
    if let Some(groups) = &request.groups {
        arguments.extend(file_argument("--groups", folder.join("groups.tsv"), groups)?);
    }
    arguments.extend(grid_argument(&request.grid, folder)?);
    Ok(arguments)
}

/// `--grid` with the name of a grid, or with a grid file that this function writes to `folder`.
fn grid_argument(grid: &Grid, folder: &Path) -> Result<[String; 2]> {
    match grid.to_argument() {
        Ok(name) => Ok(["--grid".to_owned(), name]),
        Err(text) => file_argument("--grid", folder.join("grid.toml"), &text),
    }
}

/// Writes `text` to `path`. Returns the flag with the path.
fn file_argument(flag: &str, path: PathBuf, text: &str) -> Result<[String; 2]> {
    picture_file::write(&path, text.as_bytes(), true)?;
    Ok([flag.to_owned(), path.display().to_string()])
}
