//! Pentimento restores damaged pictures by parameters that a trained model predicts, and says what it did in a
//! receipt from which the same bytes come again.
//!
//! The two stories to read first are [`restoration`] (one request) and [`training`] (one batch). They are pure, as is
//! all under them: [`imaging`] (pixels, codecs, operators), [`synthesis`], [`metrics`], [`features`], [`search`],
//! [`registration`], [`learning`], [`candidates`], [`decision`], [`predictor`], [`receipt`], [`evaluation`], [`inspection`].
//! The shell loads, calls and stores: [`jobs`], [`storage`],
//! [`compute`], [`worker`], [`http`], [`cli`]; [`config`] and [`telemetry`] are read by the roof. ARCHITECTURE.md has the map.

pub mod batch;
pub mod cli;
pub mod compute;
pub mod config;
pub mod http;
pub mod jobs;
pub mod storage;
pub mod system;
pub mod telemetry;
pub mod worker;
