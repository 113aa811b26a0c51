//! The core of Pentimento restores damaged pictures by parameters that a trained model predicts.
//!
//! It decodes a picture, measures its features, predicts parameters, applies them, and encodes the answer with a
//! receipt. The same receipt and the same input give the same bytes again. The core also has what this needs: metrics,
//! the search for the best parameters of a pair, synthetic damage, training and evaluation.
//!
//! # What it does not do
//! The core takes values and returns values. It opens no file by name, reads no clock and no environment variable, and
//! uses no network. It starts no threads: pixel work runs on the `rayon` pool from which it is called. Results do not
//! depend on the number of threads or on the CPU.
//!
//! # Restore a picture
//! ```
//! use pentimento_core::{imaging::codec::Limits, models::predictor::Predictor, restoration::{self, RestoreRequest, Watch}};
//!
//! let damaged = include_bytes!("../../samples/faded.jpg");
//! let predictor = Predictor::built_in();
//! let request = RestoreRequest::default(); // the model predicts every parameter
//! let mut watch = Watch::none(); // or a hook for the stages, or a flag that stops the work
//! let restored = restoration::restore(damaged, &request, &predictor, &Limits::default(), &mut watch)?;
//! assert_ne!(restored.bytes[..], damaged[..]);
//! assert_eq!(restored.receipt.parameters.color_method.name(), "learned");
//!
//! let again = restoration::replay(&restored.receipt, damaged, &Limits::default(), &mut watch)?;
//! assert_eq!(again.bytes, restored.bytes);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//! The folder `examples` has three programs to copy: `restore_bytes`, `score_pair` and `search_pair`.
//!
//! # Modules
//! A module imports only from modules above it in this table.
//!
//! | module | what it has |
//! |---|---|
//! | [`cancel`], [`digest`], [`numeric`] | the flag that stops work; SHA-256 digests; random numbers from a seed, linear solvers |
//! | [`imaging`] | pictures, their file formats, pixel operators and the pipeline of a restoration |
//! | [`metrics`] | PSNR, SSIM, score and ΔE₀₀ of a picture against its reference |
//! | [`features`] | numbers that describe a picture |
//! | [`synthesis`] | damaged pictures from clean ones, by seeded recipes |
//! | [`registration`] | alignment of the two pictures of a pair |
//! | [`search`] | the quality of every candidate of a search space on a pair |
//! | [`learning`] | tables, splits, folds and groups |
//! | [`models`] | the two kinds of model, the built-in ones, and the format of model files |
//! | [`restoration`] | a request from bytes to bytes, and its receipt |
//! | [`training`] | fitting of a model |
//! | [`evaluation`] | how much a model gains on pictures that it has not seen |
//! | [`inspection`] | what is wrong with a dataset |

pub mod cancel;
pub mod digest;
pub mod evaluation;
pub mod features;
mod html;
pub mod imaging;
pub mod inspection;
pub mod learning;
pub mod metrics;
pub mod models;
pub mod numeric;
pub mod registration;
pub mod restoration;
pub mod search;
pub mod synthesis;
pub mod training;
