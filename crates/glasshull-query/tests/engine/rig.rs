//! A store, an engine, and calls to put into them.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use glasshull_api::answers::{Functions, Instances, Probes, Rows, Tree, TreeColumns};
use glasshull_api::statement::{Statement, parse};
use glasshull_api::{Code, Failure};
use glasshull_catalog::InstanceId;
use glasshull_catalog::sqlite::SqliteCatalog;
use glasshull_query::{Engine, QuerySettings, Sources, Tables};
use glasshull_store::{Clock, Components, DataFolder, FolderObjects, Source, Store, StoreSettings};
use glasshull_wire::v1::{Function, Outcome};
use glasshull_wire::{BatchWriter, CallRow};
use serde_json::Value;
use tempfile::TempDir;

/// When tests take place: 2026-11-21T02:00:00Z, at the start of a window.
pub(crate) const NOW_NS: i64 = 1_795_226_400 * 1_000_000_000;

struct At(i64);

impl Clock for At {
    fn now_ns(&self) -> i64 {
        self.0
    }
}

/// One call, as a test describes it.
#[derive(Clone, Debug)]
pub(crate) struct TestCall {
    pub(crate) trace: u128,
    pub(crate) id: u64,
    pub(crate) parent: Option<u64>,
    pub(crate) service: &'static str,
    pub(crate) function: &'static str,
    pub(crate) started_ms: i64,
    pub(crate) took_ns: u64,
    pub(crate) outcome: Outcome,
    pub(crate) args: Option<String>,
    pub(crate) returned: Option<String>,
    pub(crate) error: Option<String>,
    pub(crate) depth: u32,
}

/// A call of trace 1 that returned.
pub(crate) fn call(function: &'static str, id: u64) -> TestCall {
    TestCall {
        trace: 1,
        id,
        parent: None,
        service: "shop",
        function,
        started_ms: 0,
        took_ns: 1_000_000,
        outcome: Outcome::Returned,
        args: None,
        returned: None,
        error: None,
        depth: 0,
    }
}

impl TestCall {
    pub(crate) fn of(self, trace: u128) -> Self {
        Self { trace, ..self }
    }

    pub(crate) fn from(self, parent: u64) -> Self {
        Self { parent: Some(parent), ..self }
    }

    pub(crate) fn depth(self, depth: u32) -> Self {
        Self { depth, ..self }
    }

    pub(crate) fn by(self, service: &'static str) -> Self {
        Self { service, ..self }
    }

    /// Milliseconds after [`NOW_NS`].
    pub(crate) fn at(self, started_ms: i64) -> Self {
        Self { started_ms, ..self }
    }

    pub(crate) fn took(self, took_ns: u64) -> Self {
        Self { took_ns, ..self }
    }

    pub(crate) fn args(self, json: &str) -> Self {
        Self { args: Some(json.into()), ..self }
    }

    pub(crate) fn returned(self, json: &str) -> Self {
        Self { returned: Some(json.into()), ..self }
    }

    pub(crate) fn failed(self, message: &str) -> Self {
        let error = serde_json::json!({ "message": message }).to_string();
        Self { outcome: Outcome::Error, error: Some(error), ..self }
    }

    pub(crate) fn running(self) -> Self {
        Self { outcome: Outcome::Running, ..self }
    }
}

/// What the hub would say of itself.
#[derive(Default)]
pub(crate) struct Known {
    pub(crate) functions: Mutex<Functions>,
    pub(crate) instances: Mutex<Instances>,
    pub(crate) probes: Mutex<Probes>,
}

#[async_trait]
impl Tables for Known {
    async fn functions(&self) -> Result<Functions, Failure> {
        Ok(self.functions.lock().unwrap().clone())
    }

    async fn instances(&self) -> Result<Instances, Failure> {
        Ok(self.instances.lock().unwrap().clone())
    }

    async fn probes(&self) -> Result<Probes, Failure> {
        Ok(self.probes.lock().unwrap().clone())
    }
}

pub(crate) struct Rig {
    pub(crate) store: Arc<Store>,
    pub(crate) engine: Arc<Engine>,
    pub(crate) known: Arc<Known>,
    pub(crate) objects: PathBuf,
    sequence: AtomicU64,
    _data: TempDir,
}

impl Rig {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut QuerySettings)) -> Self {
        let data = tempfile::tempdir().unwrap();
        let folder = DataFolder::open(&data.path().join("data")).unwrap();
        let object_store = Arc::new(FolderObjects::new(&folder.objects()).unwrap());
        let components = Components {
            object_store: object_store.clone(),
            catalog: Arc::new(SqliteCatalog::open(&folder.catalog()).await.unwrap()),
            clock: Arc::new(At(NOW_NS)),
            tenure: None,
        };
        let store = Store::open(StoreSettings::new(folder.path(), "test"), components).await.unwrap();
        let mut settings = QuerySettings::new(folder.path().join("spill"));
        settings.parallelism = 2;
        change(&mut settings);
        let known = Arc::new(Known::default());
        let sources = Sources { store: store.clone(), object_store, tables: known.clone() };
        let engine = Arc::new(Engine::new(settings, sources).unwrap());
        Self { store, engine, known, objects: folder.objects(), sequence: AtomicU64::new(0), _data: data }
    }

    /// Stores calls, each service's as a batch of an instance of its own.
    pub(crate) async fn append(&self, calls: &[TestCall]) {
        let mut services: Vec<&'static str> = calls.iter().map(|call| call.service).collect();
        services.sort_unstable();
        services.dedup();
        for service in services {
            let calls: Vec<&TestCall> = calls.iter().filter(|call| call.service == service).collect();
            for calls in calls.chunks(10_000) {
                self.append_batch(service, calls).await;
            }
        }
    }

    async fn append_batch(&self, service: &str, calls: &[&TestCall]) {
        let mut batch = BatchWriter::default();
        for call in calls {
            push(&mut batch, call);
        }
        let mut id = [0; 16];
        id[..service.len().min(16)].copy_from_slice(&service.as_bytes()[..service.len().min(16)]);
        let source = Source {
            instance: InstanceId(id),
            service: service.into(),
            name: format!("{service}-1"),
            class: "blue".into(),
            release: "1.0".into(),
        };
        let sequence = self.sequence.fetch_add(1, Relaxed) + 1;
        self.store.append(&source, batch.finish(sequence)).await.unwrap();
    }

    pub(crate) async fn publish(&self) {
        self.store.publish().await.unwrap();
    }

    pub(crate) async fn ask(&self, sql: &str) -> Result<Rows, Failure> {
        self.engine.query("tests", sql, None).await
    }

    /// The answer, drawn: one line a row, its first line the columns.
    pub(crate) async fn drawn(&self, sql: &str) -> String {
        let rows = self.ask(sql).await.unwrap_or_else(|failure| panic!("{sql}: {failure}"));
        assert_eq!(rows.partial, None, "{sql}");
        draw(&rows)
    }

    /// The one value of an answer.
    pub(crate) async fn value(&self, sql: &str) -> Value {
        let rows = self.ask(sql).await.unwrap_or_else(|failure| panic!("{sql}: {failure}"));
        assert_eq!((rows.rows.len(), rows.columns.len()), (1, 1), "{sql}");
        rows.rows[0][0].clone()
    }

    /// The failure, with its code.
    pub(crate) async fn refused(&self, sql: &str) -> (Code, Failure) {
        match self.ask(sql).await {
            Ok(rows) => panic!("{sql} is answered: {rows:?}"),
            Err(failure) => (failure.known_code().expect("a code"), failure),
        }
    }

    pub(crate) async fn tree(&self, statement: &str) -> Result<Tree, Failure> {
        let Ok(Statement::Tree(tree)) = parse(statement) else { panic!("{statement} is no TREE") };
        self.engine.tree("tests", &tree).await
    }

    pub(crate) async fn tree_columns(&self, statement: &str) -> Result<TreeColumns, Failure> {
        let Ok(Statement::Tree(tree)) = parse(statement) else { panic!("{statement} is no TREE") };
        self.engine.tree_columns("tests", &tree).await
    }
}

fn push(batch: &mut BatchWriter, call: &TestCall) {
    let index = call.function.bytes().fold(7_u32, |hash, byte| hash.wrapping_mul(31).wrapping_add(byte.into()));
    let describe =
        || Function { index, path: call.function.into(), file: "src/lib.rs".into(), line: 7, ..Function::default() };
    let (function, thread) = (batch.function(index, describe), batch.thread(1, || "main".into()));
    batch.push(&CallRow {
        function,
        thread,
        trace_id: call.trace.to_be_bytes(),
        call_id: call.id,
        parent_id: call.parent,
        started_at_ns: NOW_NS + call.started_ms * 1_000_000,
        duration_ns: call.took_ns,
        outcome: call.outcome as i32,
        depth: call.depth,
        args: call.args.as_deref(),
        returned: call.returned.as_deref(),
        error: call.error.as_deref(),
        ..CallRow::default()
    });
}

/// Rows as text.
pub(crate) fn draw(rows: &Rows) -> String {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let names: Vec<&str> = rows.columns.iter().map(|column| column.name.as_str()).collect();
    let lines = rows.rows.iter().map(|row| row.iter().map(text).collect::<Vec<_>>().join(" | "));
    [names.join(" | ")].into_iter().chain(lines).collect::<Vec<_>>().join("\n")
}

/// Lines of a test's expectation, without its indent.
pub(crate) fn lines(text: &str) -> String {
    text.trim().lines().map(str::trim).collect::<Vec<_>>().join("\n")
}
