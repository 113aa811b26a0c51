//! The open database.

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use sqlx::SqlitePool;
use tokio::sync::watch;

use super::{connection::Tx, error::StorageError};

/// Bytes that [`Storage::try_write`] writes: more than the free space in a log that SQLite rewrites from its start.
const PROBE_BYTES: usize = 64 << 10;

/// The open database. One process at a time has a folder's database open.
#[derive(Debug)]
pub struct Storage {
    /// The one connection that writes.
    pub(super) writer: SqlitePool,
    /// Connections that only read.
    pub(super) reader: SqlitePool,
    folder: PathBuf,
    /// Number of commits that changed a job.
    changes: watch::Sender<u64>,
    /// The folder's lock, held as long as this value lives.
    _lock: File,
}

impl Storage {
    /// Puts the parts together.
    pub(super) fn new(folder: &Path, lock: File, writer: SqlitePool, reader: SqlitePool) -> Self {
        Self { writer, reader, folder: folder.to_owned(), changes: watch::Sender::new(0), _lock: lock }
    }

    /// The folder of the database (`data.dir`).
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A channel that changes at every commit that changes a job.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Writes 64 KiB and takes them back, to learn whether the disk accepts writes now.
    ///
    /// # Errors
    /// When the disk does not accept the write.
    pub async fn try_write(&self) -> Result<(), StorageError> {
        let mut tx = self.begin().await?;
        sqlx::query("INSERT INTO digest (path, size_bytes, modified_ns, sha256) VALUES ('', 0, 0, $1)")
            .bind("0".repeat(PROBE_BYTES))
            .execute(&mut *tx)
            .await?;
        sqlx::query("DELETE FROM digest WHERE path = ''").execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Moves the write-ahead log into the database and empties the log's file, as far as SQLite can. On a full disk this
    /// may free enough bytes for a write.
    pub async fn shrink(&self) {
        if let Err(error) = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&self.writer).await {
            tracing::debug!(%error, "the log could not be moved into the database");
        }
    }

    /// Starts a transaction on the connection that writes.
    pub(super) async fn begin(&self) -> Result<Tx, StorageError> {
        Ok(self.writer.begin().await?)
    }

    /// Commits a transaction that changed a job, and wakes the receivers of [`Storage::changes`].
    pub(super) async fn commit(&self, tx: Tx) -> Result<(), StorageError> {
        tx.commit().await?;
        self.changes.send_modify(|n| *n += 1);
        Ok(())
    }
}
