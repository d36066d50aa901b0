//! The catalog in one SQLite file: write-ahead log, synced at each commit. The statements are plain enough for
//! PostgreSQL; only opening the file and mapping its errors is SQLite's own.

mod known;
mod merges;
mod probes;
mod segments;

use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Row, Sqlite, Transaction};

use crate::{
    Catalog, CatalogError, DoomedObject, FunctionRow, InstanceRow, Merge, ProbeCounts, ProbeEnd, ProbeRow, Publication,
    Published, Result, SegmentRow,
};

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// How long a transaction waits for another one: many times what the longest of ours takes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Connections: one writes at a time, a few more read meanwhile.
const MAX_CONNECTIONS: u32 = 4;

/// The catalog in a file.
#[derive(Clone, Debug)]
pub struct SqliteCatalog {
    pool: SqlitePool,
}

impl SqliteCatalog {
    /// Opens the file, making it where there is none, and brings its tables up to date.
    ///
    /// # Errors
    /// [`CatalogError::Newer`] (nothing was changed then), [`CatalogError::Damaged`] where it is no catalog,
    /// [`CatalogError::Unavailable`].
    pub async fn open(path: &Path) -> Result<Self> {
        let options = SqliteConnectOptions::new().filename(path).busy_timeout(BUSY_TIMEOUT).foreign_keys(true);
        if path.exists() {
            refuse_newer(path, &options).await?;
        }
        let options =
            options.create_if_missing(true).journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Full);
        let pool = SqlitePoolOptions::new().max_connections(MAX_CONNECTIONS).connect_with(options).await;
        let pool = pool.map_err(from_database)?;
        MIGRATIONS.run(&pool).await.map_err(from_migration)?;
        Ok(Self { pool })
    }

    /// Closes the file; what waits is finished first.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// Checks that a file is a catalog that this version knows; nothing is changed.
    ///
    /// # Errors
    /// [`CatalogError::Newer`], [`CatalogError::Damaged`], [`CatalogError::Unavailable`].
    pub async fn check(path: &Path) -> Result<()> {
        refuse_newer(path, &SqliteConnectOptions::new().filename(path).busy_timeout(BUSY_TIMEOUT)).await
    }

    /// Writes the catalog as it is now into a file of its own, which replaces what is there. Nothing is synced.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`].
    pub async fn copy_to(&self, file: &Path) -> Result<()> {
        match std::fs::remove_file(file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(CatalogError::Unavailable(format!("{}: {error}", file.display())));
            }
            _ => {}
        }
        let copied = sqlx::query("VACUUM INTO ?").bind(file.to_string_lossy().into_owned()).execute(&self.pool).await;
        copied.map(drop).map_err(from_database)
    }

    /// A transaction that may write: it waits for others at its begin, and never has to give up later.
    async fn begin(&self) -> Result<Transaction<'static, Sqlite>> {
        self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(from_database)
    }
}

#[async_trait]
impl Catalog for SqliteCatalog {
    async fn put_instance(&self, instance: &InstanceRow) -> Result<()> {
        known::put_instance(self, instance).await
    }

    async fn instances(&self, since_ns: i64, limit: usize) -> Result<Vec<InstanceRow>> {
        known::instances(self, since_ns, limit).await
    }

    async fn put_functions(&self, functions: &[FunctionRow], seen_at_ns: i64) -> Result<()> {
        known::put_functions(self, functions, seen_at_ns).await
    }

    async fn functions(&self, limit: usize) -> Result<Vec<FunctionRow>> {
        known::functions(self, limit).await
    }

    async fn add_probe(&self, probe: &ProbeRow) -> Result<String> {
        probes::add(self, probe).await
    }

    async fn end_probe(&self, id: &str, end: &ProbeEnd) -> Result<bool> {
        probes::end(self, id, end).await
    }

    async fn count_probe(&self, id: &str, more: &ProbeCounts) -> Result<()> {
        probes::count(self, id, more).await
    }

    async fn probes(&self, with_ended: bool, limit: usize) -> Result<Vec<ProbeRow>> {
        probes::list(self, with_ended, limit).await
    }

    async fn publish(&self, publication: &Publication) -> Result<()> {
        segments::publish(self, publication).await
    }

    async fn published(&self, hub: &str) -> Result<Published> {
        segments::published(self, hub).await
    }

    async fn segments(&self) -> Result<Vec<SegmentRow>> {
        segments::list(self).await
    }

    async fn merge(&self, merge: &Merge) -> Result<bool> {
        merges::merge(self, merge).await
    }

    async fn doom(&self, object: &DoomedObject) -> Result<()> {
        merges::doom(self, object).await
    }

    async fn doomed(&self, hub: &str) -> Result<Vec<DoomedObject>> {
        merges::doomed(self, hub).await
    }

    async fn forget_doomed(&self, paths: &[String]) -> Result<()> {
        merges::forget_doomed(self, paths).await
    }

    async fn expire(&self, before_ns: i64, now_ns: i64) -> Result<Vec<SegmentRow>> {
        segments::expire(self, before_ns, now_ns).await
    }

    async fn expired_at_ns(&self) -> Result<Option<i64>> {
        segments::expired_at_ns(self).await
    }

    async fn forget(&self, before_ns: i64, most: usize) -> Result<()> {
        known::forget(self, before_ns, most).await
    }
}

/// Looks at the file without writing to it, nor beside it where no crash has left a log to read.
async fn refuse_newer(path: &Path, options: &SqliteConnectOptions) -> Result<()> {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let options = options.clone().read_only(true).immutable(!Path::new(&log).exists());
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await;
    let pool = pool.map_err(from_database)?;
    let last = last_migration(&pool).await;
    pool.close().await;
    match last? {
        Some(version) if !MIGRATIONS.version_exists(version) => Err(CatalogError::Newer(version.to_string())),
        _ => Ok(()),
    }
}

async fn last_migration(pool: &SqlitePool) -> Result<Option<i64>> {
    let table = "SELECT COUNT(*) FROM sqlite_master WHERE name = '_sqlx_migrations'";
    let tables: i64 = sqlx::query_scalar(table).fetch_one(pool).await.map_err(from_database)?;
    if tables == 0 {
        return Ok(None);
    }
    let last = sqlx::query_scalar("SELECT MAX(version) FROM _sqlx_migrations");
    last.fetch_one(pool).await.map_err(from_database)
}

fn from_migration(error: MigrateError) -> CatalogError {
    match error {
        MigrateError::Execute(error) => from_database(error),
        MigrateError::VersionMissing(version) => CatalogError::Newer(version.to_string()),
        MigrateError::VersionMismatch(_) | MigrateError::Dirty(_) => CatalogError::Damaged(error.to_string()),
        other => CatalogError::Unavailable(other.to_string()),
    }
}

fn from_database(error: sqlx::Error) -> CatalogError {
    // https://www.sqlite.org/rescode.html: SQLITE_CORRUPT and its kinds, SQLITE_NOTADB.
    const CORRUPT: i64 = 11;
    const NOT_A_DATABASE: i64 = 26;
    let code = error.as_database_error().and_then(|e| e.code()).and_then(|code| code.parse::<i64>().ok());
    match (code.map(|code| code & 0xff), &error) {
        (Some(CORRUPT | NOT_A_DATABASE), _) => CatalogError::Damaged(error.to_string()),
        (_, sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_)) => CatalogError::Damaged(error.to_string()),
        _ => CatalogError::Unavailable(error.to_string()),
    }
}

/// SQL has no unsigned 64-bit numbers; what exceeds is far beyond any count or size there can be.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A column that holds a count, a size or a line.
fn unsigned<T: TryFrom<i64>>(row: &sqlx::sqlite::SqliteRow, column: &str) -> Result<T> {
    let number: i64 = row.try_get(column).map_err(from_database)?;
    T::try_from(number).map_err(|_| CatalogError::Damaged(format!("{column} is {number}")))
}

fn get<'r, T: sqlx::Decode<'r, Sqlite> + sqlx::Type<Sqlite>>(
    row: &'r sqlx::sqlite::SqliteRow,
    column: &str,
) -> Result<T> {
    row.try_get(column).map_err(from_database)
}

fn limited(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// Refuses a text that is longer than the catalog keeps.
fn bounded<'t>(what: &'static str, text: &'t str, limit: usize) -> Result<&'t str> {
    if text.len() > limit { Err(CatalogError::TooLong { what, limit }) } else { Ok(text) }
}
