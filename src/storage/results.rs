//! Table `result`: what was found on two pictures, stored once, by what they are.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use pentimento_core::{
    evaluation::PairOptimum,
    features::{FEATURE_SCHEMA, N_FEATURES},
    metrics::Quality,
    search::SearchSpace,
};

use super::{Storage, StorageError, Tx, now_ms};

/// What decides a result: same key, same bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResultKey {
    /// SHA-256 of the damaged file.
    pub damaged_sha256: String,
    /// SHA-256 of the reference's file.
    pub reference_sha256: String,
    /// SHA-256 over the names of the space's candidates in order.
    pub space_sha256: String,
    /// The features' definitions.
    pub feature_schema: &'static str,
    /// The search's.
    pub algorithm: &'static str,
}

impl ResultKey {
    /// The key of two files in a space, by this release's definitions.
    pub fn new(damaged_sha256: String, reference_sha256: String, space: &SearchSpace) -> Self {
        Self {
            damaged_sha256,
            reference_sha256,
            space_sha256: space_sha256(space),
            feature_schema: FEATURE_SCHEMA,
            algorithm: pentimento_core::evaluation::ALGORITHM,
        }
    }

    /// One text for all of it.
    pub fn id(&self) -> String {
        let Self { damaged_sha256, reference_sha256, space_sha256, feature_schema, algorithm } = self;
        let parts = [damaged_sha256, reference_sha256, space_sha256, *feature_schema, *algorithm];
        pentimento_core::digest::digest(parts.join("\n").as_bytes())
    }
}

/// A candidate's name has its parameters exactly, so the names in order are the space.
fn space_sha256(space: &SearchSpace) -> String {
    let names: Vec<&str> = space.candidates().iter().map(|c| c.name.as_str()).collect();
    pentimento_core::digest::digest(names.join("\n").as_bytes())
}

/// A [`PairOptimum`] as it is stored: every bit of every number.
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
    /// The optimum again.
    ///
    /// # Errors
    /// When the numbers do not fit together.
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

/// A task that has a result.
#[derive(Clone, Debug)]
pub struct FoundTask {
    /// Its place in the job.
    pub position: i64,
    /// The pair's name.
    pub name: String,
    /// What was found.
    pub optimum: PairOptimum,
}

/// Writes a result unless it is there.
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
    /// Whether a result is there.
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

    /// Results of a job behind a position, in order, at most `limit`.
    ///
    /// # Errors
    /// When the database fails or holds what cannot be read.
    pub async fn results(&self, job: &str, after: i64, limit: i64) -> Result<Vec<FoundTask>, StorageError> {
        let statement = "SELECT task.position, task.name, result.optimum FROM task \
                         JOIN result ON result.id = task.result_id \
                         WHERE task.job_id = $1 AND task.position > $2 AND task.state = 'done' \
                         ORDER BY task.position LIMIT $3";
        let rows: Vec<(i64, String, Vec<u8>)> =
            sqlx::query_as(statement).bind(job).bind(after).bind(limit).fetch_all(&self.reader).await?;
        rows.into_iter()
            .map(|(position, name, bytes)| {
                let optimum = StoredOptimum::from_bytes(&bytes)?.optimum()?;
                Ok(FoundTask { position, name, optimum })
            })
            .collect()
    }

    /// A digest over which results a job has, in order.
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

    /// Deletes results that no job has and that are older than `before_ms`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sweep_results(&self, before_ms: i64) -> Result<u64, StorageError> {
        let statement = "DELETE FROM result WHERE created_at_ms < $1 \
                         AND NOT EXISTS (SELECT 1 FROM task WHERE task.result_id = result.id)";
        Ok(sqlx::query(statement).bind(before_ms).execute(&self.writer).await?.rows_affected())
    }
}
