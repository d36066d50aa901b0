use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use glasshull_api::answers::{DifferenceRequest, Differences, Rows, Tree, TreeColumns};
use glasshull_api::statement::{self, Find, Show};
use glasshull_api::{Code, Failure};
use glasshull_store::Store;
use object_store::ObjectStore;
use tokio::runtime::Handle;
use tokio::time::Instant;

use crate::asking::Asking;
use crate::columnar::Columns;
use crate::failure::located;
use crate::interrupt::{Ended, EndsWithMe};
use crate::line::Line;
use crate::session::Sessions;
use crate::threads::Threads;
use crate::under_way::{Asked, Question, UnderWay};
use crate::{QuerySettings, Tables, difference, show, tree};

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
    /// Questions that may be worked on at a time.
    pub max_running: u64,
    /// Bytes that all questions take.
    pub memory_bytes: u64,
    /// What they may take together, in bytes.
    pub memory_limit_bytes: u64,
}

/// Answers questions, each within its limits. A question ends when the future of its answer is dropped.
pub struct Engine {
    shared: Arc<Shared>,
    threads: Threads,
    line: Line,
    under_way: UnderWay,
}

/// What all questions share.
pub(crate) struct Shared {
    pub(crate) settings: QuerySettings,
    pub(crate) sources: Sources,
    pub(crate) sessions: Sessions,
    counted: Counted,
}

#[derive(Default)]
struct Counted {
    answered: AtomicU64,
    partial: AtomicU64,
    failed: AtomicU64,
    timed_out: AtomicU64,
    out_of_memory: AtomicU64,
    refused: AtomicU64,
    cancelled: AtomicU64,
    unreadable_segments: AtomicU64,
}

impl Engine {
    /// An engine over these sources, with threads of its own.
    ///
    /// # Errors
    /// [`Code::DataFolderUnusable`] where the spill folder cannot be made or emptied.
    pub fn new(settings: QuerySettings, sources: Sources) -> Result<Self, Failure> {
        let sessions = Sessions::new(&settings, sources.object_store.clone())?;
        let threads = Threads::new(settings.parallelism)?;
        let line = Line::new(settings.max_concurrent, settings.max_waiting);
        let shared = Shared { settings, sources, sessions, counted: Counted::default() };
        Ok(Self { shared: Arc::new(shared), threads, line, under_way: UnderWay::default() })
    }

    /// Answers a question in SQL, with at most `max_rows` rows where that is less than the settings allow. `asker` is whoever
    /// asks, by any name: askers take turns where not all can be served at once, and none of them holds all places.
    ///
    /// # Errors
    /// [`Code::StatementSyntax`], [`Code::StatementMeaning`], [`Code::StatementForbidden`], [`Code::QueryTimeout`],
    /// [`Code::QueryMemory`], [`Code::TooManyQueries`].
    pub async fn query(&self, asker: &str, sql: &str, max_rows: Option<u32>) -> Result<Rows, Failure> {
        let (sql, asked) = (sql.to_owned(), sql);
        let max_rows = at_most(self.shared.settings.max_rows, max_rows);
        let (mut rows, elapsed) = self
            .ask(asker, asked, async move |asking| {
                asking.rows(&sql, max_rows).await.map_err(|failure| located(failure, &sql))
            })
            .await?;
        rows.elapsed_ms = elapsed.as_secs_f64() * 1e3;
        self.shared.counted.answered(rows.partial.is_some());
        Ok(rows)
    }

    /// Answers a question in SQL as [`Engine::query`] does, in columns, and with more rows.
    ///
    /// # Errors
    /// As [`Engine::query`].
    pub async fn columns(&self, asker: &str, sql: &str, max_rows: Option<u32>) -> Result<Columns, Failure> {
        let (sql, asked) = (sql.to_owned(), sql);
        let max_rows = at_most(self.shared.settings.max_columnar_rows, max_rows);
        let (mut columns, elapsed) = self
            .ask(asker, asked, async move |asking| {
                asking.columns(&sql, max_rows).await.map_err(|failure| located(failure, &sql))
            })
            .await?;
        columns.elapsed_ms = elapsed.as_secs_f64() * 1e3;
        self.shared.counted.answered(columns.partial.is_some());
        Ok(columns)
    }

    /// Answers `SHOW ..`.
    ///
    /// # Errors
    /// As [`Engine::query`].
    pub async fn show(&self, asker: &str, show: &Show, max_rows: Option<u32>) -> Result<Rows, Failure> {
        self.query(asker, &show::sql(show), max_rows).await
    }

    /// Answers `FIND ..`.
    ///
    /// # Errors
    /// As [`Engine::query`].
    pub async fn find(&self, asker: &str, find: &Find, max_rows: Option<u32>) -> Result<Rows, Failure> {
        self.query(asker, &show::find(find), max_rows).await
    }

    /// Answers `TREE ..`.
    ///
    /// # Errors
    /// As [`Engine::query`], and [`Code::NotFound`] where no call or trace has the id.
    pub async fn tree(&self, asker: &str, tree: &statement::Tree) -> Result<Tree, Failure> {
        let wanted = tree.clone();
        let settings = &self.shared.settings;
        let limits = tree::Limits { calls: settings.max_tree_calls, bytes: settings.max_answer_bytes };
        let (mut tree, elapsed) =
            self.ask(asker, &tree.to_string(), async move |asking| tree::tree(&asking, &wanted, limits).await).await?;
        tree.elapsed_ms = elapsed.as_secs_f64() * 1e3;
        self.shared.counted.answered(tree.partial.is_some());
        Ok(tree)
    }

    /// Answers `TREE ..` as columns, with up to a million calls.
    ///
    /// # Errors
    /// As [`Engine::tree`].
    pub async fn tree_columns(&self, asker: &str, tree: &statement::Tree) -> Result<TreeColumns, Failure> {
        let wanted = tree.clone();
        let (mut tree, elapsed) =
            self.ask(asker, &tree.to_string(), async move |asking| tree::tree_columns(&asking, &wanted).await).await?;
        tree.elapsed_ms = elapsed.as_secs_f64() * 1e3;
        self.shared.counted.answered(tree.partial.is_some());
        Ok(tree)
    }

    /// Tells what distinguishes some rows of a statement from its others, as far as half a question's time goes.
    ///
    /// # Errors
    /// As [`Engine::query`].
    pub async fn differences(&self, asker: &str, request: &DifferenceRequest) -> Result<Differences, Failure> {
        let (request, asked) = (request.clone(), &request.statement);
        let half = self.shared.settings.timeout / 2;
        let work = async move |asking: Asking| difference::differences(&asking, &request, Instant::now() + half).await;
        let (mut differences, elapsed) = self.ask(asker, asked, work).await?;
        differences.elapsed_ms = elapsed.as_secs_f64() * 1e3;
        self.shared.counted.answered(differences.partial.is_some());
        Ok(differences)
    }

    /// What was counted.
    pub fn stats(&self) -> QueryStats {
        let counted = &self.shared.counted;
        QueryStats {
            answered: counted.answered.load(Relaxed),
            partial: counted.partial.load(Relaxed),
            failed: counted.failed.load(Relaxed),
            timed_out: counted.timed_out.load(Relaxed),
            out_of_memory: counted.out_of_memory.load(Relaxed),
            refused: counted.refused.load(Relaxed),
            cancelled: counted.cancelled.load(Relaxed),
            unreadable_segments: counted.unreadable_segments.load(Relaxed),
            running: self.line.running() as u64,
            waiting: self.line.waiting() as u64,
            max_running: self.shared.settings.max_concurrent as u64,
            memory_bytes: self.shared.sessions.memory_bytes_taken() as u64,
            memory_limit_bytes: self.shared.settings.all_memory_bytes as u64,
        }
    }

    /// The questions that are worked on or wait, in the order in which they were asked.
    pub fn under_way(&self) -> Vec<Question> {
        self.under_way.all()
    }

    /// Waits for a place and does the work there, within its time. What it took is without the waiting.
    async fn ask<T: Send + 'static, F: Future<Output = Result<T, Failure>> + Send>(
        &self,
        asker: &str,
        statement: &str,
        work: impl FnOnce(Asking) -> F + Send + 'static,
    ) -> Result<(T, Duration), Failure> {
        let mut cancelled = Cancelled(Some(&self.shared.counted));
        let asked = self.under_way.asked(asker, statement);
        let answer = self.within_limits(asker, &asked, work).await;
        cancelled.0 = None;
        if let Err(failure) = &answer {
            self.shared.counted.failed(failure);
        }
        answer
    }

    async fn within_limits<T: Send + 'static, F: Future<Output = Result<T, Failure>> + Send>(
        &self,
        asker: &str,
        asked: &Asked,
        work: impl FnOnce(Asking) -> F + Send + 'static,
    ) -> Result<(T, Duration), Failure> {
        let timeout = self.shared.settings.timeout;
        let place = self.line.enter(asker, timeout).await?;
        asked.begins();
        let ended = Ended::default();
        let asking = Asking::new(self.shared.clone(), Handle::current(), ended.clone());
        let _ends = EndsWithMe(ended);
        let unreadable = asking.unreadable.clone();
        let began = Instant::now();
        let work = self.threads.spawn(async move {
            // Kept until the work has really ended, which may be after its time.
            let _place = place;
            work(asking).await
        });
        let answer = tokio::time::timeout(timeout, work).await;
        self.shared.counted.unreadable_segments.fetch_add(unreadable.count() as u64, Relaxed);
        match answer {
            Ok(answer) => Ok((answer??, began.elapsed())),
            Err(_) => Err(took_too_long(timeout)),
        }
    }
}

/// What is asked for, but no more than the settings allow.
fn at_most(most: usize, asked: Option<u32>) -> usize {
    asked.and_then(|rows| usize::try_from(rows).ok()).map_or(most, |rows| rows.min(most))
}

fn took_too_long(timeout: Duration) -> Failure {
    let message = format!("The query took longer than {} s.", timeout.as_secs_f64());
    Failure::new(Code::QueryTimeout, message)
        .hint("Ask for a shorter time (WHERE started_at > now() - INTERVAL '5 minutes') or fewer columns.")
}

impl Counted {
    fn answered(&self, partial: bool) {
        self.answered.fetch_add(1, Relaxed);
        self.partial.fetch_add(partial.into(), Relaxed);
    }

    fn failed(&self, failure: &Failure) {
        let counter = match failure.known_code() {
            Some(Code::QueryTimeout) => &self.timed_out,
            Some(Code::QueryMemory) => &self.out_of_memory,
            Some(Code::TooManyQueries) => &self.refused,
            _ => &self.failed,
        };
        counter.fetch_add(1, Relaxed);
    }
}

/// Counts a question as cancelled where its future is dropped before it has an answer.
struct Cancelled<'a>(Option<&'a Counted>);

impl Drop for Cancelled<'_> {
    fn drop(&mut self) {
        if let Some(counted) = self.0 {
            counted.cancelled.fetch_add(1, Relaxed);
        }
    }
}
