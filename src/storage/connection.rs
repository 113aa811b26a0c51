//! The folder's lock and the connections to the database file.

use std::{
    fs::{File, OpenOptions, TryLockError},
    path::Path,
    time::Duration,
};

use sqlx::{
    Connection as _, Sqlite, SqlitePool, Transaction,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::error::StorageError;

/// Name of the database file in `data.dir`.
const DATABASE: &str = "pentimento.sqlite";
/// Name of the file in `data.dir` that one process at a time locks.
const LOCK: &str = "lock";
/// How long a statement waits for another process's lock (`pentimento migrate`, a backup).
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// Pages of the write-ahead log above which SQLite moves the log into the database.
const LOG_PAGES_MAX: &str = "256";
/// Bytes to which SQLite then cuts the log's file: a megabyte.
const LOG_BYTES_MAX: &str = "1048576";

/// A transaction on the database. It rolls back when it is dropped without a commit.
pub(super) type Tx = Transaction<'static, Sqlite>;

/// Creates the folder and takes its lock. The kernel frees the lock when the process ends, however it ends.
pub(super) fn take_lock(folder: &Path) -> Result<File, StorageError> {
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
        Err(TryLockError::WouldBlock) => Err(StorageError::Held { folder: folder.to_owned() }),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

/// Opens at most `connections` connections to the database in `folder`.
///
/// - WAL mode: readers go on while one connection writes.
/// - `synchronous = FULL`: SQLite syncs every commit. An accepted job survives a power cut, not only a kill.
/// - `temp_store = MEMORY`: temporary structures need no disk, so a full disk stops only writes.
pub(super) async fn connect(
    folder: &Path,
    connections: u32,
    read_only: bool,
) -> Result<SqlitePool, StorageError> {
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
    Ok(pool_options(connections).connect_with(options).await?)
}

/// The options of a pool that closes a connection which comes back inside a transaction.
///
/// On a full disk SQLite itself ends the transaction, and the rollback that sqlx sends afterwards fails. sqlx then
/// counts the transaction as open for ever. Later transactions on that connection would be savepoints inside a
/// transaction that nobody commits.
fn pool_options(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new().max_connections(connections).after_release(|connection, _| {
        Box::pin(async move {
            // The ping runs after everything sent earlier, a rollback included.
            connection.ping().await?;
            Ok(!connection.is_in_transaction())
        })
    })
}
