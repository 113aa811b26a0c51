//! What a job may be asked for: the bodies of `POST /jobs/…`, checked as far as they can be by themselves.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use crate::storage::JobKind;
use pentimento_core::{
    features::FEATURE_SCHEMA,
    imaging::ColorMethod,
    search::{SearchSpace, SpaceError},
};

/// A request is not one that can be accepted.
#[derive(Debug, Error)]
pub enum RequestError {
    /// A member is missing, unknown or of another type.
    #[error("the body is not a request for this job: {0}")]
    Syntax(#[from] serde_json::Error),
    /// The grid makes no space.
    #[error("{0}")]
    Grid(#[from] SpaceError),
    /// A grid's name that is not known.
    #[error("there is no grid {0:?}")]
    GridName(String),
    /// Features of another schema.
    #[error("there are no features of the schema {0:?}")]
    Features(String),
}

/// A space to search: by name, or by what a grid file would say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Grid {
    /// `seed` or `full`.
    Name(String),
    /// The lists whose product it is.
    Lists(GridLists),
}

/// What a grid file says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GridLists {
    /// Whether doing nothing is offered.
    #[serde(default)]
    pub identity: bool,
    /// Colour methods.
    pub color_methods: Vec<ColorMethod>,
    /// How far methods are applied that can be in part.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub color_blends: Vec<f64>,
    /// Strengths of the denoising.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub denoise: Vec<f64>,
    /// Sigmas in pixels.
    pub sigmas: Vec<f64>,
    /// Strengths.
    pub strengths: Vec<f64>,
}

impl Default for Grid {
    fn default() -> Self {
        Grid::Name("seed".to_owned())
    }
}

impl Grid {
    /// The space.
    ///
    /// # Errors
    /// When there is none of the name, or the lists make none.
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

    /// As the commands take it: a name, or the text of a grid file.
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
    /// A dataset by name.
    pub dataset: String,
    /// What is searched.
    #[serde(default)]
    pub grid: Grid,
    /// The features' definitions.
    #[serde(default = "feature_schema")]
    pub features: String,
}

/// The body of `POST /jobs/train`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainRequest {
    /// Finished jobs of the kind `optimize`, whose tables are put together.
    pub tables: Vec<String>,
    /// The dataset behind the tables, to restore held-out pictures and keep the better model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataset: Option<String>,
    /// A groups file: tab-separated set, name, group, fold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<String>,
    /// Licence of each set.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub licences: BTreeMap<String, String>,
    /// Seed of the split and of the trees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
}

/// The body of `POST /jobs/evaluate`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvaluateRequest {
    /// A dataset by name.
    pub dataset: String,
    /// A finished job of the kind `train`; without one the service's own model is measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// A groups file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<String>,
    /// The space of the comparison.
    #[serde(default)]
    pub grid: Grid,
}

fn feature_schema() -> String {
    FEATURE_SCHEMA.to_owned()
}

/// A request of any kind.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// Searches.
    Optimize(OptimizeRequest),
    /// Trains.
    Train(TrainRequest),
    /// Measures.
    Evaluate(EvaluateRequest),
}

impl Request {
    /// Reads a body.
    ///
    /// # Errors
    /// When it is none of this kind.
    pub fn parse(kind: JobKind, body: &[u8]) -> Result<Self, RequestError> {
        let request = match kind {
            JobKind::Optimize => Request::Optimize(serde_json::from_slice(body)?),
            JobKind::Train => Request::Train(serde_json::from_slice(body)?),
            JobKind::Evaluate => Request::Evaluate(serde_json::from_slice(body)?),
        };
        request.check()?;
        Ok(request)
    }

    fn check(&self) -> Result<(), RequestError> {
        match self {
            Request::Optimize(OptimizeRequest { grid, features, .. }) => {
                grid.space()?;
                if features != FEATURE_SCHEMA {
                    return Err(RequestError::Features(features.clone()));
                }
            }
            Request::Evaluate(EvaluateRequest { grid, .. }) => drop(grid.space()?),
            Request::Train(_) => {}
        }
        Ok(())
    }

    /// What it asks for.
    pub fn kind(&self) -> JobKind {
        match self {
            Request::Optimize(_) => JobKind::Optimize,
            Request::Train(_) => JobKind::Train,
            Request::Evaluate(_) => JobKind::Evaluate,
        }
    }

    /// As JSON, with everything that was left open filled in.
    pub fn to_json(&self) -> Value {
        let json = match self {
            Request::Optimize(request) => serde_json::to_value(request),
            Request::Train(request) => serde_json::to_value(request),
            Request::Evaluate(request) => serde_json::to_value(request),
        };
        json.expect("plain structures become JSON")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_open_is_filled_in_and_reads_back() {
        let request = Request::parse(JobKind::Optimize, br#"{"dataset": "a"}"#).unwrap();
        let json = request.to_json();
        assert_eq!(json["grid"], "seed");
        assert_eq!(json["features"], FEATURE_SCHEMA);
        assert_eq!(Request::parse(JobKind::Optimize, json.to_string().as_bytes()).unwrap(), request);
    }

    #[test]
    fn lists_make_the_space_of_a_grid_file() {
        let body = br#"{"dataset":"a","grid":{"color_methods":["none"],"sigmas":[1],"strengths":[-0.5,1]}}"#;
        let Request::Optimize(request) = Request::parse(JobKind::Optimize, body).unwrap() else { panic!() };
        let names: Vec<String> =
            request.grid.space().unwrap().candidates().iter().map(|c| c.name.clone()).collect();
        assert_eq!(names, ["none/1/-0.5", "none/1/1"]);
    }

    #[test]
    fn what_is_not_understood_is_named() {
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
            let error = Request::parse(JobKind::Optimize, body.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(words), "{body}: {error}");
        }
    }
}
