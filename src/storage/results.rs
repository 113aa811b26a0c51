//! Table `result`: the optimum of a pair, stored once under a key of content. Jobs with the same pictures share it.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use pentimento_core::{
    evaluation::PairOptimum,
    features::{FEATURE_SCHEMA, N_FEATURES},
    metrics::Quality,
    search::SearchSpace,
};

use super::{clock::now_ms, connection::Tx, database::Storage, error::StorageError};

/// Everything that decides a result: the same key means the same bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResultKey {
    /// SHA-256 of the damaged file.
    pub damaged_sha256: String,
    /// SHA-256 of the reference file.
    pub reference_sha256: String,
    /// SHA-256 over the names of the space's candidates in order.
    pub space_sha256: String,
    /// Version of the feature list.
    pub feature_schema: &'static str,
    /// Version of the search algorithm.
    pub algorithm: &'static str,
}

impl ResultKey {
    /// Returns the key of a search of two files in a space, by this release's features and algorithm.
    pub fn new(damaged_sha256: String, reference_sha256: String, space: &SearchSpace) -> Self {
        Self {
            damaged_sha256,
            reference_sha256,
            space_sha256: space_sha256(space),
            feature_schema: FEATURE_SCHEMA,
            algorithm: pentimento_core::evaluation::ALGORITHM,
        }
    }

    /// Id of the result: SHA-256 over all parts of the key.
    pub fn id(&self) -> String {
        let Self { damaged_sha256, reference_sha256, space_sha256, feature_schema, algorithm } = self;
        let parts = [damaged_sha256, reference_sha256, space_sha256, *feature_schema, *algorithm];
        pentimento_core::digest::digest(parts.join("\n").as_bytes())
    }
}

/// Digest of a space. A candidate's name states its parameters exactly, so the names in order define the space.
fn space_sha256(space: &SearchSpace) -> String {
    let names: Vec<&str> = space.candidates().iter().map(|c| c.name.as_str()).collect();
    pentimento_core::digest::digest(names.join("\n").as_bytes())
}

/// A [`PairOptimum`] as it is stored. It keeps every bit of every number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredOptimum {
    features: Vec<f64>,
    untouched: (f64, f64),
    candidates: Vec<(f64, f64)>,
    best: u32,
}

impl From<&PairOptimum> for StoredOptimum {
    fn from(found: &PairOptimum) -> Self {
        let quality = |q: &Quality| (q.psnr, q.ssim);
        Self {
            features: found.features.to_vec(),
            untouched: quality(&found.untouched),
            candidates: found.candidates.iter().map(quality).collect(),
            best: u32::try_from(found.best).expect("spaces have thousands of candidates at most"),
        }
    }
}

impl StoredOptimum {
    /// Returns the [`PairOptimum`] that was stored.
    ///
    /// # Errors
    /// When the number of features or the index of the optimum is wrong.
    pub fn optimum(&self) -> Result<PairOptimum, StorageError> {
        let corrupt = || StorageError::Corrupt { what: "an optimum", reason: "its lengths disagree".into() };
        let quality = |&(psnr, ssim): &(f64, f64)| Quality { psnr, ssim };
        let features: [f64; N_FEATURES] = self.features.clone().try_into().map_err(|_| corrupt())?;
        let best = self.best as usize;
        if best >= self.candidates.len() {
            return Err(corrupt());
        }
        Ok(PairOptimum {
            features,
            untouched: quality(&self.untouched),
            candidates: self.candidates.iter().map(quality).collect(),
            best,
        })
    }

    fn to_bytes(&self) -> Vec<u8> {
        postcard::to_stdvec(self).expect("plain structures become bytes")
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, StorageError> {
        postcard::from_bytes(bytes)
            .map_err(|e| StorageError::Corrupt { what: "an optimum", reason: e.to_string() })
    }
}

/// The result of a task.
#[derive(Clone, Debug)]
pub struct TaskResult {
    /// Position of the task in the job, from 0.
    pub position: i64,
    /// Name of the pair.
    pub name: String,
    /// The optimum of the pair.
    pub optimum: PairOptimum,
}

/// Stores a result. A result that is stored already stays unchanged.
pub(super) async fn put(tx: &mut Tx, key: &ResultKey, found: &StoredOptimum) -> Result<(), StorageError> {
    let statement = "INSERT INTO result (id, damaged_sha256, reference_sha256, space_sha256, feature_schema, \
                     algorithm, optimum, created_at_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
                     ON CONFLICT DO NOTHING";
    sqlx::query(statement)
        .bind(key.id())
        .bind(&key.damaged_sha256)
        .bind(&key.reference_sha256)
        .bind(&key.space_sha256)
        .bind(key.feature_schema)
        .bind(key.algorithm)
        .bind(found.to_bytes())
        .bind(now_ms())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

impl Storage {
    /// Whether the result of a key is stored.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn has_result(&self, key: &ResultKey) -> Result<bool, StorageError> {
        let found: Option<i64> = sqlx::query_scalar("SELECT 1 FROM result WHERE id = $1")
            .bind(key.id())
            .fetch_optional(&self.reader)
            .await?;
        Ok(found.is_some())
    }

    /// Returns the results of a job at positions above `after`, in order, at most `limit`.
    ///
    /// # Errors
    /// When the database fails or holds a result that cannot be read.
    pub async fn results(&self, job: &str, after: i64, limit: i64) -> Result<Vec<TaskResult>, StorageError> {
        let statement = "SELECT task.position, task.name, result.optimum FROM task \
                         JOIN result ON result.id = task.result_id \
                         WHERE task.job_id = $1 AND task.position > $2 AND task.state = 'done' \
                         ORDER BY task.position LIMIT $3";
        let rows: Vec<(i64, String, Vec<u8>)> =
            sqlx::query_as(statement).bind(job).bind(after).bind(limit).fetch_all(&self.reader).await?;
        rows.into_iter()
            .map(|(position, name, bytes)| {
                let optimum = StoredOptimum::from_bytes(&bytes)?.optimum()?;
                Ok(TaskResult { position, name, optimum })
            })
            .collect()
    }

    /// Returns a digest over the names and results of a job's finished tasks, in order.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn results_digest(&self, job: &str) -> Result<String, StorageError> {
        let statement = "SELECT position, name, result_id FROM task \
                         WHERE job_id = $1 AND state = 'done' ORDER BY position";
        let rows: Vec<(i64, String, Option<String>)> =
            sqlx::query_as(statement).bind(job).fetch_all(&self.reader).await?;
        let mut hash = Sha256::new();
        for (position, name, result) in rows {
            hash.update(format!("{position}\n{name}\n{}\n", result.unwrap_or_default()));
        }
        Ok(pentimento_core::digest::digest(&hash.finalize()))
    }

    /// Deletes results that no job uses and that are older than `before_ms` (milliseconds since 1970). Returns their
    /// number.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sweep_results(&self, before_ms: i64) -> Result<u64, StorageError> {
        let statement = "DELETE FROM result WHERE created_at_ms < $1 \
                         AND NOT EXISTS (SELECT 1 FROM task WHERE task.result_id = result.id)";
        Ok(sqlx::query(statement).bind(before_ms).execute(&self.writer).await?.rows_affected())
    }
}
