//! What can go wrong with the database.

use std::path::PathBuf;

use thiserror::Error;

/// SQLite's primary result codes for a disk that does not take writes: read-only, I/O, full, cannot open.
const CANNOT_WRITE: [u32; 4] = [8, 10, 13, 14];

/// The database cannot do what it was asked.
#[derive(Debug, Error)]
pub enum StorageError {
    /// The folder cannot be made or written.
    #[error("{folder} cannot be written: {error}", folder = folder.display())]
    Folder {
        /// `data.dir`.
        folder: PathBuf,
        /// The system's words.
        error: std::io::Error,
    },
    /// Another process works in the folder.
    #[error("{folder} is in use by another process", folder = folder.display())]
    Held {
        /// `data.dir`.
        folder: PathBuf,
    },
    /// The schema is of a later release.
    #[error(
        "the database has schema version {found}, this program knows versions up to {known}: use the release that wrote \
         it, or a later one"
    )]
    Newer {
        /// What was found.
        found: i64,
        /// The newest that this program knows.
        known: i64,
    },
    /// The schema cannot be brought up to date.
    #[error("upgrading the database: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// A statement failed.
    #[error("the database: {0}")]
    Database(#[from] sqlx::Error),
    /// The queue failed.
    #[error("the queue: {0}")]
    Queue(#[from] apalis_sqlite::Error),
    /// A stored value is not what this program writes.
    #[error("the database holds {what} that cannot be read: {reason}")]
    Corrupt {
        /// Which value.
        what: &'static str,
        /// Why not.
        reason: String,
    },
}

impl StorageError {
    /// Whether the disk takes no writes now, and may later.
    pub fn cannot_write(&self) -> bool {
        let cause: &(dyn std::error::Error + 'static) = match self {
            StorageError::Folder { .. } => return true,
            StorageError::Database(error) => error,
            // Transparent: it does not name the database's error as its source.
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

    /// Whether only a newer program can use what is there.
    pub fn is_newer_schema(&self) -> bool {
        matches!(self, StorageError::Newer { .. })
    }
}

fn is_write_failure(error: &(dyn std::error::Error + 'static)) -> bool {
    let code = error.downcast_ref::<sqlx::Error>().and_then(primary_code);
    code.is_some_and(|code| CANNOT_WRITE.contains(&code))
}

/// The low byte of SQLite's extended code.
fn primary_code(error: &sqlx::Error) -> Option<u32> {
    let code: u32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(code & 0xff)
}
