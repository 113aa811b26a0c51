//! Pentimento restores damaged pictures by parameters that a trained model predicts, and says what it did in a
//! receipt from which the same bytes come again.
//!
//! The two stories to read first are [`restoration`] (one request) and [`training`] (one batch). They are pure, as is
//! all under them: [`imaging`] (pixels, codecs, operators), [`synthesis`], [`metrics`], [`features`], [`search`],
//! [`registration`], [`learning`], [`candidates`], [`decision`], [`predictor`], [`receipt`], [`evaluation`], [`inspection`].
//! The shell loads, calls and stores: [`jobs`], [`storage`],
//! [`compute`], [`worker`], [`http`], [`cli`]; [`config`] and [`telemetry`] are read by the roof. ARCHITECTURE.md has the map.

pub mod candidates;
pub mod cli;
pub mod compute;
pub mod config;
pub mod decision;
pub mod evaluation;
pub mod features;
pub mod gain_training;
pub mod http;
pub mod imaging;
pub mod inspection;
pub mod jobs;
pub mod learning;
pub mod metrics;
pub mod predictor;
pub mod receipt;
pub mod registration;
pub mod restoration;
pub mod search;
pub mod storage;
pub mod synthesis;
pub mod telemetry;
pub mod training;
pub mod worker;
