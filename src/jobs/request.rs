//! The requests of jobs: the bodies of `POST /jobs/…`, and what `POST /restore` stores. Parsing checks everything that needs no database and no dataset.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use super::restore_request::RestorePictures;
use crate::storage::JobKind;
use pentimento_core::{
    features::FEATURE_SCHEMA,
    imaging::{ColorMethod, ParameterError},
    search::{SearchSpace, SpaceError},
};

/// Why a request cannot be accepted.
#[derive(Debug, Error)]
pub enum RequestError {
    /// A member is missing, unknown or of the wrong type.
    #[error("the body is not a valid request for this kind of job: {0}")]
    Syntax(#[from] serde_json::Error),
    /// The lists of the grid do not make a valid space.
    #[error("{0}")]
    Grid(#[from] SpaceError),
    /// No grid has this name.
    #[error("there is no grid {0:?}")]
    GridName(String),
    /// A parameter of a restoration is out of its range.
    #[error(transparent)]
    Parameter(#[from] ParameterError),
    /// This program computes features of another schema only.
    #[error("there are no features of the schema {0:?}")]
    Features(String),
}

/// A search space: the name of a grid, or the lists of a grid file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Grid {
    /// `seed` or `full`.
    Name(String),
    /// Lists of values. The space is their product.
    Lists(GridLists),
}

/// The lists of a grid file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GridLists {
    /// Whether the identity is a candidate.
    #[serde(default)]
    pub identity: bool,
    /// Colour methods.
    pub color_methods: Vec<ColorMethod>,
    /// Blends of the colour methods that can be applied in part.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub color_blends: Vec<f64>,
    /// Strengths of denoising.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub denoise: Vec<f64>,
    /// Sigmas of sharpening, in pixels.
    pub sigmas: Vec<f64>,
    /// Strengths of sharpening.
    pub strengths: Vec<f64>,
}

impl Default for Grid {
    fn default() -> Self {
        Grid::Name("seed".to_owned())
    }
}

impl Grid {
    /// Returns the search space.
    ///
    /// # Errors
    /// When no grid has the name, or the lists do not make a valid space.
    pub fn space(&self) -> Result<SearchSpace, RequestError> {
        match self {
            Grid::Name(name) => match name.as_str() {
                "seed" => Ok(SearchSpace::seed()),
                "full" => Ok(SearchSpace::full()),
                _ => Err(RequestError::GridName(name.clone())),
            },
            Grid::Lists(lists) => Ok(SearchSpace::from_toml("custom", &lists.to_toml())?),
        }
    }

    /// Returns the grid for a command's `--grid`: `Ok` with a name, or `Err` with the text of a grid file.
    ///
    /// # Errors
    /// When the grid has no name. The error holds the text of a grid file.
    pub fn to_argument(&self) -> Result<String, String> {
        match self {
            Grid::Name(name) => Ok(name.clone()),
            Grid::Lists(lists) => Err(lists.to_toml()),
        }
    }
}

impl GridLists {
    fn to_toml(&self) -> String {
        toml::to_string(self).expect("plain lists become TOML")
    }
}

/// The body of `POST /jobs/optimize`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OptimizeRequest {
    /// Name of the dataset.
    pub dataset: String,
    /// Search space.
    #[serde(default)]
    pub grid: Grid,
    /// Version of the feature list.
    #[serde(default = "feature_schema")]
    pub features: String,
}

/// The body of `POST /jobs/train`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainRequest {
    /// Ids of finished `optimize` jobs. The training joins their tables.
    pub tables: Vec<String>,
    /// Name of the dataset of the tables. With it the training restores held-out pictures and keeps the better model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataset: Option<String>,
    /// Content of a groups file: tab-separated set, name, group, fold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<String>,
    /// Licences by set.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub licences: BTreeMap<String, String>,
    /// Seed of the split and the trees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
}

/// The body of `POST /jobs/evaluate`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvaluateRequest {
    /// Name of the dataset.
    pub dataset: String,
    /// Id of a finished `train` job. Without it the job measures the service's model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Content of a groups file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<String>,
    /// Search space of the comparison.
    #[serde(default)]
    pub grid: Grid,
}

fn feature_schema() -> String {
    FEATURE_SCHEMA.to_owned()
}

/// The request of a job of any kind.
#[derive(Clone, Debug, PartialEq)]
pub enum JobRequest {
    /// Search the best parameters of every pair.
    Optimize(OptimizeRequest),
    /// Train a model.
    Train(TrainRequest),
    /// Measure a model.
    Evaluate(EvaluateRequest),
    /// Restore uploaded pictures.
    Restore(RestorePictures),
}

impl JobRequest {
    /// Reads and checks the body of a request.
    ///
    /// # Errors
    /// When the body is no valid request of this kind.
    pub fn parse(kind: JobKind, body: &[u8]) -> Result<Self, RequestError> {
        let request = match kind {
            JobKind::Optimize => JobRequest::Optimize(serde_json::from_slice(body)?),
            JobKind::Train => JobRequest::Train(serde_json::from_slice(body)?),
            JobKind::Evaluate => JobRequest::Evaluate(serde_json::from_slice(body)?),
            JobKind::Restore => JobRequest::Restore(serde_json::from_slice(body)?),
        };
        request.check()?;
        Ok(request)
    }

    fn check(&self) -> Result<(), RequestError> {
        match self {
            JobRequest::Optimize(OptimizeRequest { grid, features, .. }) => {
                grid.space()?;
                if features != FEATURE_SCHEMA {
                    return Err(RequestError::Features(features.clone()));
                }
            }
            JobRequest::Evaluate(EvaluateRequest { grid, .. }) => drop(grid.space()?),
            JobRequest::Restore(request) => {
                request.restoration(0)?;
            }
            JobRequest::Train(_) => {}
        }
        Ok(())
    }

    /// Kind of the job.
    pub fn kind(&self) -> JobKind {
        match self {
            JobRequest::Optimize(_) => JobKind::Optimize,
            JobRequest::Train(_) => JobKind::Train,
            JobRequest::Evaluate(_) => JobKind::Evaluate,
            JobRequest::Restore(_) => JobKind::Restore,
        }
    }

    /// Returns the request as JSON, with defaults for all members that the client left out.
    pub fn to_json(&self) -> Value {
        let json = match self {
            JobRequest::Optimize(request) => serde_json::to_value(request),
            JobRequest::Train(request) => serde_json::to_value(request),
            JobRequest::Evaluate(request) => serde_json::to_value(request),
            JobRequest::Restore(request) => serde_json::to_value(request),
        };
        json.expect("plain structures become JSON")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_left_out_get_defaults_and_read_back() {
        let request = JobRequest::parse(JobKind::Optimize, br#"{"dataset": "a"}"#).unwrap();
        let json = request.to_json();
        assert_eq!(json["grid"], "seed");
        assert_eq!(json["features"], FEATURE_SCHEMA);
        assert_eq!(JobRequest::parse(JobKind::Optimize, json.to_string().as_bytes()).unwrap(), request);
    }

    #[test]
    fn lists_make_the_space_of_a_grid_file() {
        let body = br#"{"dataset":"a","grid":{"color_methods":["none"],"sigmas":[1],"strengths":[-0.5,1]}}"#;
        let JobRequest::Optimize(request) = JobRequest::parse(JobKind::Optimize, body).unwrap() else {
            panic!()
        };
        let names: Vec<String> =
            request.grid.space().unwrap().candidates().iter().map(|c| c.name.clone()).collect();
        assert_eq!(names, ["none/1/-0.5", "none/1/1"]);
    }

    #[test]
    fn errors_name_what_is_wrong() {
        for (body, words) in [
            (r#"{"dataset":"a","gird":"seed"}"#, "gird"),
            (r#"{"grid":"seed"}"#, "dataset"),
            (r#"{"dataset":"a","grid":"fine"}"#, "fine"),
            (r#"{"dataset":"a","features":"mine/1"}"#, "mine/1"),
            (
                r#"{"dataset":"a","grid":{"color_methods":["none"],"sigmas":[99],"strengths":[1]}}"#,
                "0.1 to 20",
            ),
            ("nonsense", "expected"),
        ] {
            let error = JobRequest::parse(JobKind::Optimize, body.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(words), "{body}: {error}");
        }
    }
}
