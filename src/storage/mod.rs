//! What outlives the process: jobs, their tasks, results, events, keys and digests in SQLite, one file per table.
//!
//! One connection writes, so that our own statements and the queue's never wait for each other's locks; others read.
//! Every statement is plain enough for PostgreSQL; what is not (opening, migrating, the queue's functions) stands in
//! this file and in `queue.rs`. Full disks and read-only folders are told from other faults by
//! [`StorageError::cannot_write`].

mod digests;
mod error;
mod events;
mod jobs;
mod keys;
mod migrations;
mod queue;
mod results;
mod tasks;

use std::{
    fs::{File, OpenOptions},
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use sqlx::{
    Connection as _, Sqlite, SqlitePool, Transaction,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::sync::watch;

pub use digests::FileVersion;
pub use error::StorageError;
pub use events::Event;
pub use jobs::{Counts, Job, JobKind, JobState, NewJob};
pub use keys::Claim;
pub use migrations::{SCHEMA_VERSION, migrate};
pub use queue::{QUEUE, Queue, TaskRef};
pub use results::{FoundTask, ResultKey, StoredOptimum};
pub use tasks::{Begun, NewTask, Task, TaskState};

/// The database's name below `data.dir`.
const DATABASE: &str = "pentimento.sqlite";
/// The file that one process at a time holds.
const LOCK: &str = "lock";
/// How long a statement waits for another process's lock (`pentimento migrate`, a backup).
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// The log is moved into the database when it has so many pages, and cut to so many bytes then: a megabyte.
const LOG_PAGES_MAX: &str = "256";
const LOG_BYTES_MAX: &str = "1048576";
/// Connections that read.
const READERS: u32 = 4;

type Tx = Transaction<'static, Sqlite>;

/// The open database.
#[derive(Debug)]
pub struct Storage {
    writer: SqlitePool,
    reader: SqlitePool,
    folder: PathBuf,
    /// Counts commits that a follower may want to see.
    changes: watch::Sender<u64>,
    /// Held as long as this lives: there is one process per folder.
    _lock: File,
}

impl Storage {
    /// Opens, and makes or upgrades what is not there. What a killed process left under way waits again.
    ///
    /// # Errors
    /// When the folder cannot be written, another process holds it, or the schema is newer than this program.
    pub async fn open(folder: &Path) -> Result<Self, StorageError> {
        let lock = take_lock(folder)?;
        let writer = connect(folder, 1, false).await?;
        migrations::apply(&writer).await?;
        let reader = connect(folder, READERS, true).await?;
        let storage =
            Self { writer, reader, folder: folder.to_owned(), changes: watch::Sender::new(0), _lock: lock };
        storage.recover().await?;
        Ok(storage)
    }

    /// The folder that was opened.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Wakes at every commit that changes a job.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Whether the disk takes a write now.
    ///
    /// # Errors
    /// When it does not.
    pub async fn try_write(&self) -> Result<(), StorageError> {
        let mut tx = self.begin().await?;
        // More than the slack of a log that is written again from its beginning; taken back at once.
        sqlx::query("INSERT INTO digest (path, size_bytes, modified_ns, sha256) VALUES ('', 0, 0, $1)")
            .bind("0".repeat(64 << 10))
            .execute(&mut *tx)
            .await?;
        sqlx::query("DELETE FROM digest WHERE path = ''").execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Gives back what the log takes on the disk, as far as that goes: on a full disk it may be all that is missing.
    pub async fn shrink(&self) {
        if let Err(error) = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&self.writer).await {
            tracing::debug!(%error, "the log could not be moved into the database");
        }
    }

    async fn begin(&self) -> Result<Tx, StorageError> {
        Ok(self.writer.begin().await?)
    }

    async fn commit(&self, tx: Tx) -> Result<(), StorageError> {
        tx.commit().await?;
        self.changes.send_modify(|n| *n += 1);
        Ok(())
    }

    /// The lock says that no other process is at work, so everything under way is a dead one's.
    async fn recover(&self) -> Result<(), StorageError> {
        let mut tx = self.begin().await?;
        sqlx::query("DELETE FROM idempotency_key WHERE job_id IS NULL").execute(&mut *tx).await?;
        sqlx::query("UPDATE task SET state = 'waiting' WHERE state = 'running'").execute(&mut *tx).await?;
        queue::requeue_everything(&mut tx).await?;
        self.commit(tx).await
    }
}

/// Milliseconds since 1970.
fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

fn take_lock(folder: &Path) -> Result<File, StorageError> {
    let failed = |error| StorageError::Folder { folder: folder.to_owned(), error };
    std::fs::create_dir_all(folder).map_err(failed)?;
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(folder.join(LOCK))
        .map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(StorageError::Held { folder: folder.to_owned() }),
        Err(std::fs::TryLockError::Error(error)) => Err(failed(error)),
    }
}

/// A connection that comes back within a transaction is closed. SQLite ends a transaction by itself when the disk is full,
/// the rollback that follows fails, and sqlx counts it as open for ever: its next transactions would be savepoints
/// within one that is never committed.
///
/// WAL lets readers go on while one writes. Every commit is synced (`FULL`): an accepted job survives a power cut, not
/// only a kill. Temporary structures stay in memory, so that a full disk stops writes alone.
async fn connect(folder: &Path, connections: u32, read_only: bool) -> Result<SqlitePool, StorageError> {
    let options = SqliteConnectOptions::new()
        .filename(folder.join(DATABASE))
        .create_if_missing(!read_only)
        .read_only(read_only)
        .busy_timeout(BUSY_TIMEOUT)
        .pragma("temp_store", "MEMORY");
    let options = if read_only {
        options
    } else {
        options
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .pragma("wal_autocheckpoint", LOG_PAGES_MAX)
            .pragma("journal_size_limit", LOG_BYTES_MAX)
    };
    let pool = SqlitePoolOptions::new().max_connections(connections).after_release(|connection, _| {
        Box::pin(async move {
            // After what was sent before it, a rollback among others.
            connection.ping().await?;
            Ok(!connection.is_in_transaction())
        })
    });
    Ok(pool.connect_with(options).await?)
}
