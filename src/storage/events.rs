//! Table `event`: what happened to a job, numbered from 1 without gaps.
//!
//! The transaction that makes a change also writes the event of the change. A follower therefore never sees an event
//! without its change, or a change without its event.

use serde_json::Value;

use super::{clock::now_ms, connection::Tx, database::Storage, error::StorageError};

/// One thing that happened to a job.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Number of the event within its job, from 1.
    pub number: i64,
    /// `accepted`, `started`, `task`, `finished`, `failed`, `cancelled`, `retried`.
    pub kind: String,
    /// Details of the event, as JSON.
    pub data: String,
}

/// Adds an event to the transaction of the change that the event reports.
pub(super) async fn append(tx: &mut Tx, job: &str, kind: &str, data: Value) -> Result<(), StorageError> {
    let statement = "INSERT INTO event (job_id, number, kind, data, at_ms) \
                     SELECT $1, COALESCE(MAX(number), 0) + 1, $2, $3, $4 FROM event WHERE job_id = $1";
    sqlx::query(statement)
        .bind(job)
        .bind(kind)
        .bind(data.to_string())
        .bind(now_ms())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

impl Storage {
    /// Returns the events of a job with numbers above `after`, in order, at most `limit`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn events(&self, job: &str, after: i64, limit: i64) -> Result<Vec<Event>, StorageError> {
        let statement = "SELECT number, kind, data FROM event WHERE job_id = $1 AND number > $2 \
                         ORDER BY number LIMIT $3";
        let rows: Vec<(i64, String, String)> =
            sqlx::query_as(statement).bind(job).bind(after).bind(limit).fetch_all(&self.reader).await?;
        Ok(rows.into_iter().map(|(number, kind, data)| Event { number, kind, data }).collect())
    }
}
