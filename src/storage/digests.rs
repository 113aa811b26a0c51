//! Table `digest`: SHA-256 of files by path, size and modification time.

use super::{database::Storage, error::StorageError};

/// Size and modification time of a file. If both are the same, the content counts as unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileVersion {
    /// Length in bytes.
    pub size_bytes: i64,
    /// Time of the last write, in nanoseconds since 1970.
    pub modified_ns: i64,
}

impl Storage {
    /// Returns the stored digest of a file, if the file has not changed since [`Storage::note_digest`].
    ///
    /// # Errors
    /// When the database fails.
    pub async fn digest(&self, path: &str, version: FileVersion) -> Result<Option<String>, StorageError> {
        let statement = "SELECT sha256 FROM digest WHERE path = $1 AND size_bytes = $2 AND modified_ns = $3";
        let found = sqlx::query_scalar(statement)
            .bind(path)
            .bind(version.size_bytes)
            .bind(version.modified_ns)
            .fetch_optional(&self.reader)
            .await?;
        Ok(found)
    }

    /// Stores the digest of a file's content, in place of an older digest of the same path.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_digest(
        &self,
        path: &str,
        version: FileVersion,
        sha256: &str,
    ) -> Result<(), StorageError> {
        let statement = "INSERT INTO digest (path, size_bytes, modified_ns, sha256) VALUES ($1, $2, $3, $4) \
                         ON CONFLICT (path) DO UPDATE SET size_bytes = excluded.size_bytes, \
                         modified_ns = excluded.modified_ns, sha256 = excluded.sha256";
        sqlx::query(statement)
            .bind(path)
            .bind(version.size_bytes)
            .bind(version.modified_ns)
            .bind(sha256)
            .execute(&self.writer)
            .await?;
        Ok(())
    }
}
