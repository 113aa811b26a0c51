//! The schema: Pentimento's tables from `migrations/`, the queue's tables from apalis. Each has its own list of applied
//! migrations.

use apalis_sqlite::SqliteStorage;
use sqlx::{
    SqlitePool,
    migrate::{MigrateError, Migrator},
};

use super::error::StorageError;

/// The version of the schema that this program creates and reads.
pub const SCHEMA_VERSION: i64 = 2;

/// The table that lists Pentimento's applied migrations. apalis keeps a table of its own.
const APPLIED: &str = "pentimento_migrations";

fn ours() -> Migrator {
    let mut migrator = sqlx::migrate!("migrations/sqlite");
    migrator.dangerous_set_table_name(APPLIED);
    migrator
}

/// Applies the migrations that the database lacks.
///
/// Does not call `SqliteStorage::setup`: that function switches syncing off.
pub(super) async fn apply(pool: &SqlitePool) -> Result<(), StorageError> {
    ours().run(pool).await.map_err(explain)?;
    SqliteStorage::migrations().run(pool).await.map_err(explain)?;
    Ok(())
}

/// Names a schema of a later release as such. sqlx only reports an applied migration that this program lacks.
fn explain(error: MigrateError) -> StorageError {
    match error {
        MigrateError::VersionMissing(found) => StorageError::Newer { found, known: SCHEMA_VERSION },
        other => other.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_that_of_the_last_migration() {
        assert_eq!(ours().iter().map(|m| m.version).max(), Some(SCHEMA_VERSION));
    }
}
