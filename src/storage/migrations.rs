//! The schema: ours from `migrations/`, the queue's from apalis, each with a list of its own of what was applied.

use std::path::Path;

use apalis_sqlite::SqliteStorage;
use sqlx::{
    SqlitePool,
    migrate::{MigrateError, Migrator},
};

use super::{StorageError, connect, take_lock};

/// The version of the schema that this program makes and reads.
pub const SCHEMA_VERSION: i64 = 1;

/// Where it is noted which of ours were applied; apalis keeps its own beside it.
const APPLIED: &str = "pentimento_migrations";

fn ours() -> Migrator {
    let mut migrator = sqlx::migrate!("migrations/sqlite");
    migrator.dangerous_set_table_name(APPLIED);
    migrator
}

/// Brings the database in `folder` up to date, and makes it if there is none.
///
/// # Errors
/// When the folder cannot be written, is in use, or holds a newer schema.
pub async fn migrate(folder: &Path) -> Result<(), StorageError> {
    let _lock = take_lock(folder)?;
    let pool = connect(folder, 1, false).await?;
    apply(&pool).await?;
    pool.close().await;
    Ok(())
}

/// Not `SqliteStorage::setup`: that would switch syncing off.
pub(super) async fn apply(pool: &SqlitePool) -> Result<(), StorageError> {
    ours().run(pool).await.map_err(newer)?;
    SqliteStorage::migrations().run(pool).await.map_err(newer)?;
    Ok(())
}

fn newer(error: MigrateError) -> StorageError {
    match error {
        MigrateError::VersionMissing(found) => StorageError::Newer { found, known: SCHEMA_VERSION },
        other => other.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::Storage;

    #[test]
    fn the_version_is_that_of_the_last_migration() {
        assert_eq!(ours().iter().map(|m| m.version).max(), Some(SCHEMA_VERSION));
    }

    #[tokio::test]
    async fn a_newer_schema_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        migrate(folder.path()).await.unwrap();
        let pool = connect(folder.path(), 1, false).await.unwrap();
        sqlx::query("INSERT INTO pentimento_migrations SELECT 7, 'later', installed_on, success, checksum, execution_time FROM pentimento_migrations")
            .execute(&pool)
            .await
            .unwrap();
        pool.close().await;
        for error in
            [migrate(folder.path()).await.unwrap_err(), Storage::open(folder.path()).await.unwrap_err()]
        {
            assert!(error.is_newer_schema() && error.to_string().contains("version 7"), "{error}");
        }
    }

    #[tokio::test]
    async fn one_process_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage::open(folder.path()).await.unwrap();
        assert!(matches!(migrate(folder.path()).await, Err(StorageError::Held { .. })));
        drop(storage);
        migrate(folder.path()).await.unwrap();
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_made_is_told() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = Storage::open(&file.path().join("below")).await.unwrap_err();
        assert!(error.cannot_write(), "{error}");
    }
}
