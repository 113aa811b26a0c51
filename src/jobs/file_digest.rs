//! SHA-256 of picture files, cached in the database by size and modification time.

use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result};

use crate::batch::picture_file;
use crate::storage::{FileVersion, Storage};
use pentimento_core::{digest::digest, imaging::codec::Limits};

/// Age below which a file's digest is not cached. A second write so soon might leave the modification time unchanged.
const RACY: Duration = Duration::from_secs(3);

/// Returns the digest of a file. Reads the file only if it has changed since its digest was cached.
pub(super) async fn sha256(storage: &Storage, path: &Path, input_bytes_max: u64) -> Result<String> {
    let shown = path.to_str().context("a path that is not UTF-8")?.to_owned();
    let version = version(path)?;
    if let Some(known) = storage.digest(&shown, version).await? {
        return Ok(known);
    }
    let file = path.to_owned();
    let limits = Limits { input_bytes_max, ..Default::default() };
    let found = tokio::task::spawn_blocking(move || {
        Ok::<_, anyhow::Error>(digest(&picture_file::read(&file, &limits)?))
    })
    .await??;
    if is_settled(version) && self::version(path)? == version {
        // The cache only saves a reading. A disk that refuses the write must not stop the task.
        if let Err(error) = storage.note_digest(&shown, version, &found).await {
            tracing::debug!(%error, "the digest of a file was not cached");
        }
    }
    Ok(found)
}

/// Whether the last write is older than [`RACY`].
fn is_settled(version: FileVersion) -> bool {
    let settled = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().saturating_sub(RACY);
    let modified = u128::try_from(version.modified_ns).unwrap_or(u128::MAX);
    modified < settled.as_nanos()
}

fn version(path: &Path) -> Result<FileVersion> {
    let found = fs::metadata(path)?;
    let modified_ns = found.mtime().saturating_mul(1_000_000_000).saturating_add(found.mtime_nsec());
    Ok(FileVersion { size_bytes: i64::try_from(found.size())?, modified_ns })
}
