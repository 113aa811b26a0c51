//! Errors of the database.

use std::path::PathBuf;

use thiserror::Error;

/// SQLite's primary result codes for a disk that refuses writes: read-only (8), I/O error (10), full (13), cannot open
/// (14).
const CANNOT_WRITE: [u32; 4] = [8, 10, 13, 14];

/// Why a database operation failed.
#[derive(Debug, Error)]
pub enum StorageError {
    /// The folder cannot be created or written.
    #[error("{folder} cannot be written: {error}", folder = folder.display())]
    Folder {
        /// `data.dir`.
        folder: PathBuf,
        /// The operating system's error.
        error: std::io::Error,
    },
    /// Another process holds the folder's lock.
    #[error("{folder} is in use by another process", folder = folder.display())]
    Held {
        /// `data.dir`.
        folder: PathBuf,
    },
    /// A later release wrote the schema.
    #[error(
        "the database has schema version {found}, and this program reads versions up to {known}: use the release that \
         wrote the database, or a later one"
    )]
    Newer {
        /// Version of the schema in the database.
        found: i64,
        /// Newest version that this program reads.
        known: i64,
    },
    /// A migration of the schema failed.
    #[error("the database cannot be upgraded: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// A statement failed.
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
    /// The queue failed.
    #[error("the queue failed: {0}")]
    Queue(#[from] apalis_sqlite::Error),
    /// The database holds a value that this program never writes.
    #[error("the database holds {what} that cannot be read: {reason}")]
    Corrupt {
        /// The kind of value.
        what: &'static str,
        /// Why the value cannot be read.
        reason: String,
    },
}

impl StorageError {
    /// Whether the disk refused a write. It may accept the same write later.
    pub fn cannot_write(&self) -> bool {
        let cause: &(dyn std::error::Error + 'static) = match self {
            StorageError::Folder { .. } => return true,
            StorageError::Database(error) => error,
            // This error is transparent: its `source` skips the database error that it wraps.
            StorageError::Queue(apalis_sqlite::Error::Database(error)) => error,
            StorageError::Migrate(error) => error,
            _ => return false,
        };
        std::iter::successors(Some(cause), |error| error.source()).any(is_write_failure)
    }

    /// Whether another process has the database locked.
    pub fn is_busy(&self) -> bool {
        let code = match self {
            StorageError::Database(error) | StorageError::Queue(apalis_sqlite::Error::Database(error)) => {
                primary_code(error)
            }
            _ => None,
        };
        matches!(code, Some(5 | 6)) || matches!(self, StorageError::Database(sqlx::Error::PoolTimedOut))
    }

    /// Whether only a newer release can read the database.
    pub fn is_newer_schema(&self) -> bool {
        matches!(self, StorageError::Newer { .. })
    }
}

fn is_write_failure(error: &(dyn std::error::Error + 'static)) -> bool {
    let code = error.downcast_ref::<sqlx::Error>().and_then(primary_code);
    code.is_some_and(|code| CANNOT_WRITE.contains(&code))
}

/// SQLite's primary result code: the low byte of the extended code.
fn primary_code(error: &sqlx::Error) -> Option<u32> {
    let code: u32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(code & 0xff)
}
