//! `/jobs`: datasets' work that takes hours, accepted, followed, read, called off.

mod actions;
mod document;
mod events;
mod list;
mod range;
mod results;
mod submit;

use std::sync::Arc;

use crate::{jobs::service::Jobs, storage::Job};

use super::{AppState, error::Kind, problem::Problem};

pub(super) use actions::{cancel, delete, retry};
pub(super) use events::events;
pub(super) use list::{list, show};
pub(super) use results::{Measured, results};
pub(super) use submit::{evaluate, optimize, train};

/// A job that is there.
async fn known(state: &AppState, id: &str) -> Result<(Arc<Jobs>, Job), Problem> {
    let jobs = state.jobs()?;
    let job = jobs.storage.job(id).await?.ok_or_else(|| unknown(id))?;
    Ok((jobs, job))
}

fn unknown(id: &str) -> Problem {
    let detail = format!("there is no job {:?}; GET /jobs lists what there is", super::problem::echo(id));
    Problem::new(Kind::UnknownJob, detail).value(id)
}
