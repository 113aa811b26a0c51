//! Pentimento as a program: a command line and an HTTP service around [`pentimento_core`], which restores damaged
//! pictures by parameters that a trained model predicts.
//!
//! The core computes: it takes values and returns values. This package reads files, listens on the network, keeps the
//! database and writes results. Imports only go down in this table:
//!
//! | module | what it does |
//! |---|---|
//! | [`cli`] | the commands: parse arguments, call a module of this table or the core, print |
//! | [`http`] | the service: routes, request and response bodies, problems |
//! | [`worker`] | takes tasks from the queue and runs them |
//! | [`jobs`] | the queue: accept, run, read and delete jobs |
//! | [`batch`] | what commands do over whole folders |
//! | [`storage`] | the database |
//! | [`compute`] | the pool for pixel work, and who may use it |
//! | [`memory`] | the memory that clients may use |
//! | [`config`], [`telemetry`], [`system`] | settings, log, calls to the operating system |
//!
//! `pentimento restore` goes from [`cli`] through [`batch`] to the core. `POST /restore` goes from [`http`] through
//! [`compute`] to the core. `POST /jobs/optimize` goes from [`http`] to [`jobs`], which stores tasks; [`worker`] later
//! runs each task in a child process. ARCHITECTURE.md has the whole map.

pub mod batch;
pub mod cli;
pub mod compute;
pub mod config;
pub mod http;
pub mod jobs;
pub mod memory;
pub mod storage;
pub mod system;
pub mod telemetry;
pub mod worker;
