//! One question at work: its session, the tables it names, its plan, its rows.

use std::sync::{Arc, OnceLock};

use datafusion::catalog::TableProvider;
use datafusion::common::{DataFusionError, TableReference};
use datafusion::datasource::{MemTable, ViewTable, provider_as_source};
use datafusion::execution::context::SQLOptions;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder};
use datafusion::physical_plan::SendableRecordBatchStream;
use datafusion::prelude::{DataFrame, SessionContext};
use datafusion::sql::parser::Statement;
use futures::TryStreamExt;
use glasshull_api::Failure;
use glasshull_api::answers::Rows;
use tokio::runtime::Handle;

use crate::answer::Collector;
use crate::calls::{CallsTable, Unreadable};
use crate::columnar::{Columns, Gatherer};
use crate::engine::Shared;
use crate::failure::{failure, no_table};
use crate::interrupt::Ended;
use crate::session::{CATALOG, SCHEMA};
use crate::sql::{self, Question};
use crate::state;

/// The table `traces`, as a question to `calls`.
const TRACES: &str = include_str!("traces.sql");

/// A question that is worked on.
pub(crate) struct Asking {
    shared: Arc<Shared>,
    context: SessionContext,
    calls: OnceLock<Arc<CallsTable>>,
    pub(crate) unreadable: Arc<Unreadable>,
    /// Where the hub's state is asked: on the threads of whoever asks the question.
    asker: Handle,
}

impl Asking {
    pub(crate) fn new(shared: Arc<Shared>, asker: Handle, ended: Ended) -> Self {
        let context = SessionContext::new_with_state(shared.sessions.open(ended));
        Self { shared, context, calls: OnceLock::new(), unreadable: Arc::default(), asker }
    }

    /// Answers a question in SQL.
    pub(crate) async fn rows(&self, sql: &str, max_rows: usize) -> Result<Rows, Failure> {
        match sql::question(sql)? {
            Question::ShowTables => Ok(crate::show::tables()),
            Question::ShowColumns(table) => crate::show::columns(&table, sql),
            Question::Plan(statement) => {
                let frame = self.plan(statement, sql).await?;
                self.collect(frame, max_rows).await.map_err(|error| failure(&error, sql))
            }
        }
    }

    /// Answers a question in SQL, in columns.
    pub(crate) async fn columns(&self, sql: &str, max_rows: usize) -> Result<Columns, Failure> {
        let failed = |error: DataFusionError| failure(&error, sql);
        match sql::question(sql)? {
            Question::ShowTables => Columns::of_texts(&crate::show::tables()).map_err(|error| failed(error.into())),
            Question::ShowColumns(table) => {
                let rows = crate::show::columns(&table, sql)?;
                Columns::of_texts(&rows).map_err(|error| failed(error.into()))
            }
            Question::Plan(statement) => {
                let frame = self.plan(statement, sql).await?;
                self.gather(frame, max_rows).await.map_err(failed)
            }
        }
    }

    /// Plans a question, which may only ask.
    pub(crate) async fn plan(&self, statement: Statement, sql: &str) -> Result<DataFrame, Failure> {
        let failed = |error: DataFusionError| failure(&error, sql);
        let references = self.context.state().resolve_table_references(&statement).map_err(failed)?;
        for reference in references {
            self.register(&reference, sql).await?;
        }
        let plan = self.context.state().statement_to_plan(statement).await.map_err(failed)?;
        let only_asks = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
        only_asks.verify_plan(&plan).map_err(|_| sql::forbidden())?;
        // `execute_logical_plan` knows the plans that are no ordinary ones, such as DESCRIBE.
        self.context.execute_logical_plan(plan).await.map_err(failed)
    }

    /// The table `calls`, for questions that are no text.
    pub(crate) fn calls(&self) -> Result<DataFrame, DataFusionError> {
        let source = provider_as_source(self.calls_table());
        let plan = LogicalPlanBuilder::scan("calls", source, None)?.build()?;
        Ok(DataFrame::new(self.context.state(), plan))
    }

    /// What a tree holds of all questions' memory; nothing yet.
    pub(crate) fn tree_memory(&self) -> MemoryReservation {
        MemoryConsumer::new("tree").register(&self.shared.sessions.all_memory())
    }

    /// Carries a question out.
    pub(crate) async fn stream(&self, frame: DataFrame) -> Result<SendableRecordBatchStream, DataFusionError> {
        frame.execute_stream().await
    }

    async fn gather(&self, frame: DataFrame, max_rows: usize) -> Result<Columns, DataFusionError> {
        let frame = limited(frame, max_rows)?;
        let schema = frame.schema().as_arrow().clone();
        let mut gatherer = Gatherer::new(&schema, max_rows, self.shared.settings.max_answer_bytes);
        let mut stream = self.stream(frame).await?;
        while let Some(batch) = stream.try_next().await? {
            if !gatherer.push(&batch)? {
                break;
            }
        }
        Ok(gatherer.finish(self.unreadable.told())?)
    }

    async fn collect(&self, frame: DataFrame, max_rows: usize) -> Result<Rows, DataFusionError> {
        let frame = limited(frame, max_rows)?;
        let schema = frame.schema().as_arrow().clone();
        let mut collector = Collector::new(&schema, max_rows, self.shared.settings.max_answer_bytes);
        let mut stream = self.stream(frame).await?;
        while let Some(batch) = stream.try_next().await? {
            if !collector.push(&batch) {
                break;
            }
        }
        Ok(collector.finish(self.unreadable.told()))
    }

    /// The store's snapshot, the same for all of the question.
    fn calls_table(&self) -> Arc<CallsTable> {
        let sessions = &self.shared.sessions;
        let table = self.calls.get_or_init(|| {
            let snapshot = self.shared.sources.store.snapshot();
            let (store, readers) = (sessions.object_store.clone(), sessions.readers.clone());
            let summaries = sessions.summaries.clone();
            Arc::new(CallsTable::new(snapshot, store, readers, summaries, self.unreadable.clone()))
        });
        table.clone()
    }

    /// Makes a table known that a question names.
    async fn register(&self, reference: &TableReference, sql: &str) -> Result<(), Failure> {
        let ours = reference.catalog().is_none_or(|name| name == CATALOG)
            && reference.schema().is_none_or(|name| name == SCHEMA);
        let failed = |error: DataFusionError| failure(&error, sql);
        let provider: Arc<dyn TableProvider> = match reference.table() {
            _ if !ours => return Err(no_table(&reference.to_string(), sql)),
            "calls" => self.calls_table(),
            "traces" => self.traces().await.map_err(failed)?,
            name @ ("functions" | "services" | "instances" | "probes") => self.state(name).await?,
            name => return Err(no_table(name, sql)),
        };
        self.context.register_table(reference.table(), provider).map_err(failed)?;
        Ok(())
    }

    async fn traces(&self) -> Result<Arc<dyn TableProvider>, DataFusionError> {
        if !self.context.table_exist("calls")? {
            self.context.register_table("calls", self.calls_table())?;
        }
        let plan = self.context.state().create_logical_plan(TRACES).await?;
        Ok(Arc::new(ViewTable::new(plan, None)))
    }

    /// One of the tables of the hub's live state.
    async fn state(&self, name: &str) -> Result<Arc<dyn TableProvider>, Failure> {
        let tables = self.shared.sources.tables.clone();
        let name = name.to_owned();
        let asked = self.asker.spawn(async move {
            Ok(match name.as_str() {
                "functions" => state::functions(&tables.functions().await?.functions),
                "instances" => state::instances(&tables.instances().await?.instances),
                "probes" => state::probes(&tables.probes().await?.probes),
                _ => state::services(&tables.functions().await?.functions, &tables.instances().await?.instances),
            })
        });
        let failed = |error: DataFusionError| failure(&error, "");
        let joined = asked.await.map_err(|error| failed(DataFusionError::ExecutionJoin(Box::new(error))))?;
        let batch = joined?.map_err(|error| failed(error.into()))?;
        let table = MemTable::try_new(batch.schema(), vec![vec![batch]]).map_err(failed)?;
        Ok(Arc::new(table))
    }
}

/// With one row more than is shown, which tells whether there are more.
fn limited(frame: DataFrame, max_rows: usize) -> Result<DataFrame, DataFusionError> {
    if is_ordinary(frame.logical_plan()) { frame.limit(0, Some(max_rows.saturating_add(1))) } else { Ok(frame) }
}

/// Whether a limit can be put on it.
fn is_ordinary(plan: &LogicalPlan) -> bool {
    !matches!(plan, LogicalPlan::Explain(_) | LogicalPlan::Analyze(_) | LogicalPlan::DescribeTable(_))
}
