//! `GET /datasets` and `GET /datasets/{name}`: the datasets that jobs may name, and the content of one.

use std::{collections::BTreeMap, sync::Arc};

use axum::{extract::State, response::Response};
use serde::Serialize;

use crate::{
    batch::index_dataset::{Dataset, PairFiles},
    jobs::{dataset_root::DatasetError, service::Jobs},
};

use super::{error::internal, path::Segment, problem::Problem, response, state::AppState};

/// Most names that a list shows. The counts always cover all of them.
const LISTED_MAX: usize = 1000;

/// The answer's body of `GET /datasets`.
#[derive(Serialize)]
struct DatasetList {
    datasets: Vec<DatasetName>,
}

/// One dataset of a [`DatasetList`].
#[derive(Serialize)]
struct DatasetName {
    name: String,
}

/// The answer's body of `GET /datasets/{name}`.
#[derive(Serialize)]
struct DatasetDocument {
    name: String,
    n_pairs: usize,
    n_unpaired: usize,
    n_failed: usize,
    n_ignored: usize,
    size_bytes: u64,
    sets: Vec<SetCounts>,
    unpaired: Vec<String>,
    failed: Vec<FailedName>,
}

/// The counts of a set. Its name is the `SET` of `SET/NAME`. A dataset without sets is one set with an empty name.
#[derive(Default, Serialize)]
struct SetCounts {
    name: String,
    n_pairs: usize,
    n_unpaired: usize,
    n_failed: usize,
    size_bytes: u64,
}

/// A name that cannot become a pair, and why.
#[derive(Serialize)]
struct FailedName {
    name: String,
    reason: String,
}

/// Lists the datasets.
pub(super) async fn list(State(state): State<AppState>) -> Result<Response, Problem> {
    let jobs = state.jobs()?;
    let names = blocking(jobs, |jobs| jobs.setup.datasets.names()).await?;
    let datasets = names.into_iter().map(|name| DatasetName { name }).collect();
    Ok(response::json(&DatasetList { datasets }))
}

/// Shows the content of one dataset. Opens no picture.
pub(super) async fn show(State(state): State<AppState>, Segment(name): Segment) -> Result<Response, Problem> {
    let jobs = state.jobs()?;
    let contents = blocking(jobs, move |jobs| {
        let dataset = jobs.setup.datasets.index(&name)?;
        Ok(DatasetDocument::new(name, dataset))
    });
    Ok(response::json(&contents.await?))
}

/// Runs `work`, which reads the disk, on a thread that may block.
async fn blocking<T: Send + 'static>(
    jobs: Arc<Jobs>,
    work: impl FnOnce(&Jobs) -> Result<T, DatasetError> + Send + 'static,
) -> Result<T, Problem> {
    let ended = tokio::task::spawn_blocking(move || work(&jobs)).await;
    Ok(ended.map_err(|error| internal(&error))??)
}

impl DatasetDocument {
    /// Counts the pairs of `dataset` set by set. Reads the sizes of their files.
    fn new(name: String, dataset: Dataset) -> Self {
        let mut sets: BTreeMap<String, SetCounts> = BTreeMap::new();
        for pair in &dataset.pairs {
            let set = set_of(&mut sets, pair.name.rsplit_once('/').map_or("", |(set, _)| set));
            set.n_pairs += 1;
            set.size_bytes += size_bytes(pair);
        }
        for name in &dataset.unpaired {
            // The name is `SIDE/NAME` or `SET/SIDE/NAME`.
            let set = name.rsplit_once('/').and_then(|(place, _)| Some(place.rsplit_once('/')?.0));
            set_of(&mut sets, set.unwrap_or_default()).n_unpaired += 1;
        }
        for (name, _) in &dataset.ambiguous {
            set_of(&mut sets, name.rsplit_once('/').map_or("", |(set, _)| set)).n_failed += 1;
        }
        let failed = dataset.ambiguous.iter().take(LISTED_MAX);
        Self {
            name,
            n_pairs: dataset.pairs.len(),
            n_unpaired: dataset.unpaired.len(),
            n_failed: dataset.ambiguous.len(),
            n_ignored: dataset.n_ignored,
            size_bytes: sets.values().map(|set| set.size_bytes).sum(),
            unpaired: dataset.unpaired.iter().take(LISTED_MAX).cloned().collect(),
            failed: failed.cloned().map(|(name, reason)| FailedName { name, reason }).collect(),
            sets: sets.into_values().collect(),
        }
    }
}

/// The counts of a set, which are 0 at the first call.
fn set_of<'a>(sets: &'a mut BTreeMap<String, SetCounts>, name: &str) -> &'a mut SetCounts {
    sets.entry(name.to_owned()).or_insert_with(|| SetCounts { name: name.to_owned(), ..SetCounts::default() })
}

/// Size of both files of a pair in bytes. A file that cannot be read counts 0.
fn size_bytes(pair: &PairFiles) -> u64 {
    [&pair.damaged, &pair.undamaged].iter().filter_map(|file| Some(file.metadata().ok()?.len())).sum()
}
