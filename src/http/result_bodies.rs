//! Lengths and digests of result bodies, remembered so that each body is computed once for its headers.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};

use crate::jobs::results::{ResultFormat, ResultView};

/// Most bodies that are remembered.
const BODIES_MAX: usize = 1024;

/// The results of an ended job in one view and format. They never change.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct BodyKey {
    /// The job's id.
    pub(super) job: String,
    /// The digest of the job's results in the database.
    pub(super) results: String,
    pub(super) view: ResultView,
    pub(super) format: ResultFormat,
}

/// What the headers of an answer need to know about a body.
#[derive(Clone, Debug)]
pub(super) struct BodyFacts {
    /// Number of bytes.
    pub(super) length: u64,
    /// SHA-256 of the bytes, hexadecimal.
    pub(super) sha256: String,
}

/// The remembered bodies. Cheap to clone; clones share their content.
#[derive(Clone, Debug, Default)]
pub(super) struct ResultBodies(Arc<Mutex<HashMap<BodyKey, BodyFacts>>>);

impl ResultBodies {
    /// The facts of a body, if they are remembered.
    pub(super) fn get(&self, key: &BodyKey) -> Option<BodyFacts> {
        self.lock().get(key).cloned()
    }

    /// Remembers the facts of a body. Forgets all others first if there are too many.
    pub(super) fn insert(&self, key: BodyKey, facts: BodyFacts) {
        let mut bodies = self.lock();
        if bodies.len() >= BODIES_MAX {
            bodies.clear();
        }
        bodies.insert(key, facts);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<BodyKey, BodyFacts>> {
        // A panic while the lock is held leaves whole entries.
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
