use std::sync::Arc;

use glasshull_api::answers::{Rows, Tree};
use glasshull_api::statement::{self, Show};
use glasshull_api::{Code, Failure};
use glasshull_store::Store;
use object_store::ObjectStore;

use crate::{QuerySettings, Tables};

/// What questions are asked of.
#[derive(Clone)]
pub struct Sources {
    pub store: Arc<Store>,
    /// Where the store's segments lie.
    pub object_store: Arc<dyn ObjectStore>,
    pub tables: Arc<dyn Tables>,
}

/// What was counted since the engine was made, and how it stands.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct QueryStats {
    /// Counts questions that were answered, partial answers too.
    pub answered: u64,
    /// Counts answers that were partial.
    pub partial: u64,
    /// Counts questions that failed, other than by the three reasons below.
    pub failed: u64,
    /// Counts questions that took too long.
    pub timed_out: u64,
    /// Counts questions that needed too much memory.
    pub out_of_memory: u64,
    /// Counts questions that found the waiting line full.
    pub refused: u64,
    /// Counts questions whose asker went away first.
    pub cancelled: u64,
    /// Counts segments that could not be read, once for each question that met one.
    pub unreadable_segments: u64,
    /// Questions that are worked on.
    pub running: u64,
    /// Questions that wait.
    pub waiting: u64,
}

/// Answers questions, each within its limits. A question ends when the future of its answer is dropped.
pub struct Engine {}

impl Engine {
    /// An engine over these sources.
    ///
    /// # Errors
    /// [`Code::DataFolderUnusable`] where the spill folder cannot be made or emptied.
    pub fn new(settings: QuerySettings, sources: Sources) -> Result<Self, Failure> {
        let _ = (settings, sources);
        Err(Failure::new(Code::Internal, ""))
    }

    /// Answers a question in SQL, with at most `max_rows` rows where that is less than the settings allow.
    ///
    /// # Errors
    /// [`Code::StatementSyntax`], [`Code::StatementMeaning`], [`Code::StatementForbidden`], [`Code::QueryTimeout`],
    /// [`Code::QueryMemory`], [`Code::TooManyQueries`].
    pub async fn query(&self, sql: &str, max_rows: Option<u32>) -> Result<Rows, Failure> {
        let _ = (sql, max_rows);
        Err(Failure::new(Code::Internal, ""))
    }

    /// Answers `SHOW ..`.
    ///
    /// # Errors
    /// As [`Engine::query`].
    pub async fn show(&self, show: &Show, max_rows: Option<u32>) -> Result<Rows, Failure> {
        let _ = (show, max_rows);
        Err(Failure::new(Code::Internal, ""))
    }

    /// Answers `TREE ..`.
    ///
    /// # Errors
    /// As [`Engine::query`], and [`Code::NotFound`] where no call or trace has the id.
    pub async fn tree(&self, tree: &statement::Tree) -> Result<Tree, Failure> {
        let _ = tree;
        Err(Failure::new(Code::Internal, ""))
    }

    /// What was counted.
    pub fn stats(&self) -> QueryStats {
        QueryStats::default()
    }
}
