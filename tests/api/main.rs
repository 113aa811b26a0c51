//! Tests of the service through its real router on a real socket.

mod accept;
mod admission;
mod analyze;
mod assume;
mod body;
mod described;
mod health;
mod hosts;
mod jobs;
mod jobs_support;
mod notes;
mod openapi;
mod pages;
mod parameters;
mod replay;
mod respond_async;
mod restore;
mod serve;
mod several;
mod standards;
mod support;
mod together;
mod version;
