//! The first system's kind of model: three regressors, one per parameter. `training` makes one.

pub mod artifact;
pub mod card;
mod card_text;
pub mod decide;
pub mod fit;
pub mod gradient_boosting;
pub mod hyperparameters;
pub mod importance;
pub mod model;
pub mod r2;
pub mod random_forest;
pub mod samples;
pub mod training;
pub mod tree;

pub use artifact::{ModelArtifact, model_id};
pub use card::ModelCard;
pub use decide::ClassicPrediction;
pub use hyperparameters::{CheckedHyperparameters, Hyperparameters};
pub use importance::{Importances, permutation_importance};
pub use model::{ParameterRegressors, RawPrediction, Regressor};
pub use r2::{R2, TargetR2, r2};
pub use samples::{FeatureRow, FitError};
