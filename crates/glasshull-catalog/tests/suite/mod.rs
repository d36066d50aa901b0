//! What every catalog must do, whatever it is kept in. A backend's test file names this module and runs
//! [`glasshull_catalog_tests!`].

mod known;
mod merges;
mod probes;
mod segments;

use std::path::Path;
use std::sync::Arc;

use glasshull_catalog::Catalog;

pub(crate) use known::*;
pub(crate) use merges::*;
pub(crate) use probes::*;
pub(crate) use segments::*;

/// A backend under test, as a hub sees it.
pub(crate) type Backend = Arc<dyn Catalog>;

/// Calls a macro with the names of all tests.
macro_rules! glasshull_catalog_tests {
    ($run:ident) => {
        $run! {
            an_instance_is_replaced_by_what_is_known_later
            instances_come_newest_first_and_no_more_than_asked_for
            functions_come_by_service_and_path_and_only_once
            a_text_beyond_its_limit_is_refused
            probes_get_numbers_that_are_used_once
            a_probe_ends_once
            what_a_probe_captured_adds_up
            a_hub_that_never_published_begins_at_nothing
            a_publication_happens_whole
            a_repeated_publication_changes_nothing
            a_checkpoint_never_moves_back
            a_sequence_never_goes_down
            a_sequence_is_known_as_long_as_any_of_its_calls
            running_calls_are_each_hubs_own
            what_is_too_old_is_forgotten
            a_merge_happens_whole
            a_merge_whose_segments_are_gone_changes_nothing
            a_repeated_merge_changes_nothing
            a_merge_that_would_lose_calls_or_move_them_is_refused
            of_two_merges_of_the_same_segments_one_happens
            what_is_doomed_is_known_until_it_is_deleted
            what_was_not_heard_of_for_long_or_is_too_much_is_forgotten
            many_at_once_get_through
        }
    };
}

/// Makes a database of statements.
pub(crate) async fn restore(file: &Path, statements: &'static str) {
    let pool = sqlx::SqlitePool::connect(&format!("sqlite://{}?mode=rwc", file.display())).await.unwrap();
    sqlx::raw_sql(statements).execute(&pool).await.unwrap();
    pool.close().await;
}

/// Changes what a catalog holds behind its back.
pub(crate) async fn change(file: &Path, statement: &'static str) {
    let pool = sqlx::SqlitePool::connect(&format!("sqlite://{}", file.display())).await.unwrap();
    sqlx::raw_sql(statement).execute(&pool).await.unwrap();
    pool.close().await;
}

/// Locks a catalog against everybody else who would write.
pub(crate) async fn lock(file: &Path) -> sqlx::Transaction<'static, sqlx::Sqlite> {
    let pool = sqlx::SqlitePool::connect(&format!("sqlite://{}", file.display())).await.unwrap();
    pool.begin_with("BEGIN IMMEDIATE").await.unwrap()
}

/// Writes down that a later version has changed the tables.
pub(crate) async fn pretend_newer(file: &Path) {
    let pool = sqlx::SqlitePool::connect(&format!("sqlite://{}", file.display())).await.unwrap();
    let newer = "
        INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
        VALUES (9000, 'later', TRUE, x'00', 1)";
    sqlx::query(newer).execute(&pool).await.unwrap();
    pool.close().await;
}
