//! `GET /datasets` and `GET /datasets/{name}`: what jobs may name, and what is in it.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    extract::{Path, State},
    response::Response,
};
use serde::Serialize;

use crate::{
    batch::index_dataset::{Dataset, PairFiles},
    jobs::{dataset_root::DatasetError, service::Jobs},
};

use super::{AppState, problem::Problem, response};

/// Most names of a list that are told; the numbers are always whole.
const LISTED_MAX: usize = 1000;

#[derive(Serialize)]
struct Datasets {
    datasets: Vec<Named>,
}

#[derive(Serialize)]
struct Named {
    name: String,
}

#[derive(Serialize)]
struct Contents {
    name: String,
    n_pairs: usize,
    n_unpaired: usize,
    n_failed: usize,
    n_ignored: usize,
    size_bytes: u64,
    sets: Vec<Set>,
    unpaired: Vec<String>,
    failed: Vec<Failed>,
}

/// A set, named as in `SET/NAME`; a dataset without sets is one without a name.
#[derive(Default, Serialize)]
struct Set {
    name: String,
    n_pairs: usize,
    n_unpaired: usize,
    n_failed: usize,
    size_bytes: u64,
}

#[derive(Serialize)]
struct Failed {
    name: String,
    reason: String,
}

pub(super) async fn list(State(state): State<AppState>) -> Result<Response, Problem> {
    let jobs = state.jobs()?;
    let names = blocking(jobs, |jobs| jobs.setup.datasets.names()).await?;
    let datasets = names.into_iter().map(|name| Named { name }).collect();
    Ok(response::json(&Datasets { datasets }))
}

pub(super) async fn show(
    State(state): State<AppState>,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let jobs = state.jobs()?;
    let contents = blocking(jobs, move |jobs| {
        let dataset = jobs.setup.datasets.index(&name)?;
        Ok(Contents::new(name, dataset))
    });
    Ok(response::json(&contents.await?))
}

async fn blocking<T: Send + 'static>(
    jobs: Arc<Jobs>,
    work: impl FnOnce(&Jobs) -> Result<T, DatasetError> + Send + 'static,
) -> Result<T, Problem> {
    let ended = tokio::task::spawn_blocking(move || work(&jobs)).await;
    Ok(ended.map_err(|error| super::error::internal(&error))??)
}

impl Contents {
    fn new(name: String, dataset: Dataset) -> Self {
        let mut sets: BTreeMap<String, Set> = BTreeMap::new();
        for pair in &dataset.pairs {
            let set = set_of(&mut sets, pair.name.rsplit_once('/').map_or("", |(set, _)| set));
            set.n_pairs += 1;
            set.size_bytes += size_bytes(pair);
        }
        for name in &dataset.unpaired {
            // `SIDE/NAME`, or `SET/SIDE/NAME`.
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
            failed: failed.cloned().map(|(name, reason)| Failed { name, reason }).collect(),
            sets: sets.into_values().collect(),
        }
    }
}

fn set_of<'a>(sets: &'a mut BTreeMap<String, Set>, name: &str) -> &'a mut Set {
    sets.entry(name.to_owned()).or_insert_with(|| Set { name: name.to_owned(), ..Set::default() })
}

fn size_bytes(pair: &PairFiles) -> u64 {
    [&pair.damaged, &pair.undamaged].iter().filter_map(|file| Some(file.metadata().ok()?.len())).sum()
}
