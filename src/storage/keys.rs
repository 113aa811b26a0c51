//! Table `idempotency_key`: a client's name for a request, so that a repeated request does not make a second job.

use super::{clock::now_ms, connection::Tx, database::Storage, error::StorageError};

/// Who has a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Nobody used the key before. This request has it now and may be accepted.
    Fresh,
    /// The same request made the job with this id.
    Same(String),
    /// Another request has the key.
    Other,
    /// The same request is being accepted at this moment.
    Accepting,
}

impl Storage {
    /// Takes a key for a request, or returns who has it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn claim_key(&self, name: &str, request_sha256: &str) -> Result<Claim, StorageError> {
        let mut tx = self.begin().await?;
        let statement = "INSERT INTO idempotency_key (name, request_sha256, created_at_ms) VALUES ($1, $2, $3) \
                         ON CONFLICT (name) DO NOTHING";
        let made = sqlx::query(statement)
            .bind(name)
            .bind(request_sha256)
            .bind(now_ms())
            .execute(&mut *tx)
            .await?
            .rows_affected();
        let statement = "SELECT request_sha256, job_id FROM idempotency_key WHERE name = $1";
        let (owner, job): (String, Option<String>) =
            sqlx::query_as(statement).bind(name).fetch_one(&mut *tx).await?;
        tx.commit().await?;
        Ok(match job {
            _ if made == 1 => Claim::Fresh,
            _ if owner != request_sha256 => Claim::Other,
            Some(job) => Claim::Same(job),
            None => Claim::Accepting,
        })
    }

    /// Gives back a key whose request was not accepted.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn release_key(&self, name: &str) -> Result<(), StorageError> {
        let statement = "DELETE FROM idempotency_key WHERE name = $1 AND job_id IS NULL";
        sqlx::query(statement).bind(name).execute(&self.writer).await?;
        Ok(())
    }
}

/// Binds a key to the job of its request, in the transaction that accepts the job.
pub(super) async fn bind(tx: &mut Tx, name: &str, job: &str) -> Result<(), StorageError> {
    let statement = "UPDATE idempotency_key SET job_id = $2 WHERE name = $1";
    sqlx::query(statement).bind(name).bind(job).execute(&mut **tx).await?;
    Ok(())
}
