//! One DataFusion session for each question: its own memory, the tables it names and no others, no way to files.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use datafusion::catalog::{
    CatalogProvider, CatalogProviderList, MemoryCatalogProvider, MemoryCatalogProviderList, MemorySchemaProvider,
};
use datafusion::common::{Result, exec_err};
use datafusion::datasource::physical_plan::ParquetFileReaderFactory;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::MemoryPool;
use datafusion::execution::object_store::{ObjectStoreRegistry, ObjectStoreUrl};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::{SessionState, SessionStateBuilder};
use datafusion::prelude::SessionConfig;
use glasshull_api::{Code, Failure};
use object_store::ObjectStore;
use url::Url;

use crate::QuerySettings;
use crate::arrows::Arrows;
use crate::calls::{SegmentReaders, SlowestBySummary, Summaries, TotalsBySummary};
use crate::interrupt::{Ended, GiveWay};
use crate::memory::{AllMemory, Memory};

/// Functions that make a large value of a small one in memory that no limit sees.
const WITHHELD_FUNCTIONS: [&str; 12] = [
    "repeat",
    "lpad",
    "rpad",
    "array_repeat",
    "list_repeat",
    "array_resize",
    "list_resize",
    "range",
    "generate_series",
    "gen_series",
    "string_to_array",
    "string_to_list",
];

/// Opens sessions.
pub(crate) struct Sessions {
    template: SessionState,
    runtime: RuntimeEnv,
    memory_bytes: usize,
    all_memory_bytes: usize,
    all_memory: Arc<AllMemory>,
    pub(crate) object_store: ObjectStoreUrl,
    pub(crate) readers: Arc<dyn ParquetFileReaderFactory>,
    pub(crate) summaries: Arc<Summaries>,
}

impl Sessions {
    pub(crate) fn new(settings: &QuerySettings, object_store: Arc<dyn ObjectStore>) -> Result<Self, Failure> {
        empty(&settings.spill_folder).map_err(|error| unusable(&settings.spill_folder, &error))?;
        let url = ObjectStoreUrl::parse("glasshull://segments").map_err(|error| internal(&error))?;
        let disk = DiskManagerBuilder::default()
            .with_mode(DiskManagerMode::Directories(vec![settings.spill_folder.clone()]))
            .with_max_temp_directory_size(settings.spill_bytes);
        let runtime = RuntimeEnvBuilder::new()
            .with_disk_manager_builder(disk)
            // Footers are kept by the readers of segments.
            .with_metadata_cache_limit(0)
            .with_object_store_registry(Arc::new(OnlySegments(object_store.clone())))
            .build()
            .map_err(|error| internal(&error))?;
        let template = template(settings).map_err(|error| internal(&error))?;
        let readers: Arc<dyn ParquetFileReaderFactory> =
            Arc::new(SegmentReaders::new(object_store, settings.footer_cache_bytes));
        let summaries = Arc::new(Summaries::new(readers.clone(), settings.summary_cache_bytes));
        let (memory_bytes, all_memory_bytes) = (settings.memory_bytes, settings.all_memory_bytes);
        let all_memory = AllMemory::new(all_memory_bytes);
        let object_store = url;
        Ok(Self { template, runtime, memory_bytes, all_memory_bytes, all_memory, object_store, readers, summaries })
    }

    /// For what cannot be done in parts, and has a limit of its own: as much as all questions may take together, less what
    /// others do.
    pub(crate) fn all_memory(&self) -> Arc<dyn MemoryPool> {
        Arc::new(Memory::new(self.all_memory_bytes, self.all_memory.clone()))
    }

    /// What all questions take, in bytes.
    pub(crate) fn memory_bytes_taken(&self) -> usize {
        self.all_memory.taken()
    }

    /// A session without tables, for a question that may end before it is answered.
    pub(crate) fn open(&self, ended: Ended) -> SessionState {
        let memory_pool = Arc::new(Memory::new(self.memory_bytes, self.all_memory.clone()));
        let runtime = RuntimeEnv { memory_pool, ..self.runtime.clone() };
        SessionStateBuilder::new_from_existing(self.template.clone())
            .with_runtime_env(Arc::new(runtime))
            .with_catalog_list(no_tables())
            .with_physical_optimizer_rule(Arc::new(GiveWay(ended)))
            .build()
    }
}

/// A catalog with one empty schema.
fn no_tables() -> Arc<dyn CatalogProviderList> {
    let catalog = MemoryCatalogProvider::new();
    // A schema in memory takes whatever it is given.
    let _ = catalog.register_schema(SCHEMA, Arc::new(MemorySchemaProvider::new()));
    let catalogs = MemoryCatalogProviderList::new();
    catalogs.register_catalog(CATALOG.into(), Arc::new(catalog));
    Arc::new(catalogs)
}

/// What all sessions share: functions and options.
fn template(settings: &QuerySettings) -> Result<SessionState> {
    let mut state = SessionStateBuilder::new_with_default_features()
        .with_config(config(settings))
        .with_table_factories(HashMap::new())
        .with_file_formats(Vec::new())
        .with_optimizer_rule(Arc::new(SlowestBySummary))
        .with_optimizer_rule(Arc::new(TotalsBySummary))
        .build();
    // Before those of the next line: the first planner that knows an operator plans it.
    datafusion::execution::FunctionRegistry::register_expr_planner(&mut state, Arc::new(Arrows))?;
    datafusion_functions_json::register_all(&mut state)?;
    datafusion::execution::FunctionRegistry::register_udf(&mut state, Arc::new(crate::mentions::udf()))?;
    datafusion::execution::FunctionRegistry::register_udaf(&mut state, Arc::new(crate::exact::udaf()))?;
    for function in WITHHELD_FUNCTIONS {
        datafusion::execution::FunctionRegistry::deregister_udf(&mut state, function)?;
    }
    Ok(state)
}

fn config(settings: &QuerySettings) -> SessionConfig {
    let mut config = SessionConfig::new()
        .with_target_partitions(settings.parallelism.max(1))
        .with_default_catalog_and_schema(CATALOG, SCHEMA)
        .with_create_default_catalog_and_schema(false)
        // It would tell the spill folder's path.
        .with_information_schema(false);
    let options = config.options_mut();
    options.sql_parser.collect_spans = true;
    options.sql_parser.map_string_types_to_utf8view = false;
    options.execution.time_zone = Some("UTC".into());
    options.execution.parquet.pushdown_filters = true;
    // Else `args->>'sku'` is taken out of the JSON of every row before the filter is asked which rows are wanted.
    options.optimizer.enable_leaf_expression_pushdown = false;
    // What a sort keeps for itself to be able to spill; DataFusion's 10 MiB can be more than a question has.
    let reserved = settings.memory_bytes / 16 / settings.parallelism.max(1);
    let reservation = &mut options.execution.sort_spill_reservation_bytes;
    *reservation = reserved.min(*reservation);
    config
}

/// Where the tables are, for those who write it out.
pub(crate) const CATALOG: &str = "glasshull";
pub(crate) const SCHEMA: &str = "public";

/// Removes what an engine before this one left.
fn empty(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        // As DataFusion names its folders; whatever else is there is not ours to remove.
        if entry.file_name().to_string_lossy().starts_with("datafusion-") {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

fn unusable(folder: &Path, error: &io::Error) -> Failure {
    let message = format!("The folder {} cannot be used: {error}.", folder.display());
    Failure::new(Code::DataFolderUnusable, message).hint("Give it to the user who runs the hub, or name another one.")
}

fn internal(error: &dyn std::fmt::Display) -> Failure {
    Failure::new(Code::Internal, format!("Queries cannot be set up: {error}."))
}

/// The one object store a session knows; DataFusion's own registry also knows the machine's files.
#[derive(Debug)]
struct OnlySegments(Arc<dyn ObjectStore>);

impl ObjectStoreRegistry for OnlySegments {
    fn register_store(&self, _: &Url, store: Arc<dyn ObjectStore>) -> Option<Arc<dyn ObjectStore>> {
        Some(store)
    }

    fn get_store(&self, url: &Url) -> Result<Arc<dyn ObjectStore>> {
        match url.scheme() {
            CATALOG => Ok(self.0.clone()),
            scheme => exec_err!("there are no files under {scheme}:"),
        }
    }
}
