//! Opening the database: lock, connections, schema, recovery.

use std::path::Path;

use super::{
    connection::{connect, take_lock},
    database::Storage,
    error::StorageError,
    migrations, queue,
};

/// Connections that read.
const READERS: u32 = 4;

impl Storage {
    /// Opens the database in `folder`, and creates or upgrades it if necessary. Tasks that a killed process left
    /// running wait again afterwards.
    ///
    /// # Errors
    /// When the folder cannot be written, another process holds it, or the schema is newer than this program.
    pub async fn open(folder: &Path) -> Result<Self, StorageError> {
        let lock = take_lock(folder)?;
        let writer = connect(folder, 1, false).await?;
        migrations::apply(&writer).await?;
        let reader = connect(folder, READERS, true).await?;
        let storage = Self::new(folder, lock, writer, reader);
        storage.recover().await?;
        Ok(storage)
    }

    /// Sets back what a dead process left: half-accepted keys, running tasks, claimed queue entries. The lock
    /// guarantees that no other process works on them.
    async fn recover(&self) -> Result<(), StorageError> {
        let mut tx = self.begin().await?;
        sqlx::query("DELETE FROM idempotency_key WHERE job_id IS NULL").execute(&mut *tx).await?;
        sqlx::query("UPDATE task SET state = 'waiting' WHERE state = 'running'").execute(&mut *tx).await?;
        queue::requeue_everything(&mut tx).await?;
        self.commit(tx).await
    }
}

/// Creates the database in `folder`, or upgrades its schema.
///
/// # Errors
/// When the folder cannot be written, is in use, or holds a newer schema.
pub async fn migrate(folder: &Path) -> Result<(), StorageError> {
    let _lock = take_lock(folder)?;
    let pool = connect(folder, 1, false).await?;
    migrations::apply(&pool).await?;
    pool.close().await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_newer_schema_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        migrate(folder.path()).await.unwrap();
        let pool = connect(folder.path(), 1, false).await.unwrap();
        sqlx::query("INSERT INTO pentimento_migrations SELECT 7, 'later', installed_on, success, checksum, execution_time FROM pentimento_migrations LIMIT 1")
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
    async fn a_folder_that_cannot_be_made_is_an_error_of_writing() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = Storage::open(&file.path().join("below")).await.unwrap_err();
        assert!(error.cannot_write(), "{error}");
    }
}
