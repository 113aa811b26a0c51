//! Learns which restoration parameters suit a picture, from a table of measured features and found optima.
//!
//! Stands alone: it knows nothing of pixels, files or the network. The order of work is the order of the list
//! below: a [`Table`] is read and described, [`split::by_source`] keeps pictures of one source on one side,
//! [`ParameterRegressors`] are fitted and evaluated, and a [`ModelArtifact`] keeps them with their [`ModelCard`].

pub mod artifact;
pub mod card;
mod card_text;
pub mod describe;
pub mod evaluation;
pub mod folds;
pub mod gain_artifact;
pub mod gain_fit;
pub mod gain_model;
pub mod gradient_boosting;
pub mod groups;
pub mod hyperparameters;
pub mod importance;
pub mod model;
pub mod random_forest;
pub mod samples;
mod seed;
pub mod split;
#[cfg(test)]
mod synthetic;
pub mod table;
mod table_csv;
pub mod tree;
pub mod weight_forest;

pub use artifact::{ArtifactError, ModelArtifact, digest, hexadecimal, model_id};
pub use card::ModelCard;
pub use describe::{Description, describe};
pub use evaluation::{R2, TargetR2, r2};
pub use folds::{FoldsError, grouped_folds};
pub use gain_artifact::{GainArtifact, GainCard};
pub use groups::{Groups, GroupsError};
pub use hyperparameters::{CheckedHyperparameters, Hyperparameters, HyperparametersError};
pub use importance::{Importances, permutation_importance};
pub use model::{Family, ParameterRegressors, RawPrediction, Regressor};
pub use samples::{FeatureRow, FitError, PredictError};
pub use split::{Split, SplitError};
pub use table::{FEATURE_NAMES, FEATURE_SCHEMA, N_FEATURES, Table, TableError, TableRow};
pub use weight_forest::WeightForest;
