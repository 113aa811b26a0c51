//! Tests of the commands with the built program, real pictures, files, streams and exit codes.

mod align;
mod assume;
mod completions;
mod describe;
mod evaluate;
mod evaluate_photographs;
mod features;
mod health;
mod help;
mod inspect;
mod limits;
mod optimize;
mod replay;
mod restore;
mod restore_identity;
mod restore_notes;
mod restore_outputs;
mod restore_together;
mod score;
mod serve;
mod settings;
mod streams;
mod support;
mod synthesize;
mod train;
mod unlucky;
