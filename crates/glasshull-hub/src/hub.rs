//! Start and stop: what a hub is made of, in which order its parts begin, and in which they end.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use glasshull_api::{Code, Failure};
use glasshull_catalog::Catalog;
use glasshull_catalog::sqlite::SqliteCatalog;
use glasshull_query::{Engine, QuerySettings, Sources};
use glasshull_store::{COPY_EVERY, CatalogCopies, Clock, CopiedCatalog, DataFolder, Store, StoreSettings, Tenure};
use object_store::ObjectStore;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::failures;
use crate::http::serve::Server;
use crate::instances::Instances;
use crate::limits::{CLOSE_CATALOG_WITHIN, COUNTS_EVERY, PROBES_EVERY};
use crate::lists::Lists;
use crate::live::{self, Live};
use crate::metrics::Metrics;
use crate::objects;
use crate::probes::Probes;
use crate::routes;
use crate::sessions::Gates;
use crate::settings::{Durability, Settings};
use crate::tasks::Tasks;

/// What a hub works with: passed in, so that tests can pass something else.
pub struct Components {
    /// The data folder, held by this hub alone: see [`take_folder`].
    pub folder: DataFolder,
    /// Where connections come from: see [`listen`].
    pub listener: TcpListener,
    /// Where segments lie: see [`crate::open_objects`].
    pub object_store: Arc<dyn ObjectStore>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// A name that no other hub has, for a data folder that has none yet.
    pub fresh_name: String,
}

/// Takes the data folder, making it where there is none.
///
/// # Errors
/// [`Code::DataFolderUnusable`], [`Code::DataFolderLocked`], [`Code::DataFolderNewer`]; nothing is touched then.
pub fn take_folder(path: &Path) -> Result<DataFolder, Failure> {
    DataFolder::open(path).map_err(|error| failures::of_store(&error))
}

/// Listens on an address.
///
/// # Errors
/// [`Code::AddressUnusable`] with what to do.
pub async fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| {
        let failure = Failure::new(Code::AddressUnusable, format!("The hub cannot listen on {address}: {error}."));
        match error.kind() {
            std::io::ErrorKind::AddrInUse => failure.hint(format!(
                "Another program uses port {}; stop it, or choose another address with --listen.",
                address.port()
            )),
            _ => failure.hint("Choose an address of this machine and a port from 1024 up with --listen."),
        }
    })
}

/// What every part of a running hub may use.
pub(crate) struct Parts {
    pub(crate) settings: Settings,
    pub(crate) address: SocketAddr,
    pub(crate) started_at_ns: i64,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) catalog: Arc<dyn Catalog>,
    pub(crate) store: Arc<Store>,
    pub(crate) engine: Engine,
    pub(crate) instances: Arc<Instances>,
    pub(crate) probes: Arc<Probes>,
    pub(crate) lists: Lists,
    pub(crate) live: Live,
    pub(crate) gates: Gates,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) connections: TaskTracker,
    pub(crate) tasks: Tasks,
    /// New work is refused, and what never ends by itself ends.
    pub(crate) stopping: CancellationToken,
}

/// A running hub.
pub struct Hub {
    parts: Arc<Parts>,
    /// The catalog once more, as what can be closed.
    catalog: SqliteCatalog,
    /// And as what is copied into the object store, where it is.
    copied: Option<Arc<CopiedCatalog>>,
    /// How long the object store is this hub's, where its journal is there.
    tenure: Option<Tenure>,
    /// The server and the tasks that run beside the requests.
    tasks: Vec<JoinHandle<()>>,
    /// Ends the tasks that serve what is under way.
    finished: CancellationToken,
    _folder: DataFolder,
}

impl Hub {
    /// Starts a hub: when this returns, it takes sessions and answers questions.
    ///
    /// # Errors
    /// What the data folder, the catalog or the store cannot do, as a sentence that says what to do.
    pub async fn start(settings: Settings, components: Components) -> Result<Self, Failure> {
        let Components { folder, listener, object_store, clock, fresh_name } = components;
        let address = listener.local_addr().map_err(|error| failures::internal(&error))?;
        objects::check_change(&settings, &folder, &object_store).await?;
        let tenure = match settings.durability {
            Durability::ObjectStore => {
                Some(Tenure::take(object_store.clone()).await.map_err(|error| failures::of_store(&error))?)
            }
            Durability::Journal | Durability::Relaxed => None,
        };
        let Opened { file, catalog, copied } = open_catalog(&settings, &folder, &fresh_name, tenure.clone()).await?;
        let components = glasshull_store::Components {
            object_store: object_store.clone(),
            catalog: catalog.clone(),
            clock: clock.clone(),
            tenure: tenure.clone(),
        };
        let store = open_store(&settings, &folder, fresh_name, components).await?;
        let probes = Arc::new(Probes::load(catalog.clone(), clock.clone()).await?);
        let instances = Arc::new(Instances::default());
        let lists = Lists {
            catalog: catalog.clone(),
            clock: clock.clone(),
            instances: instances.clone(),
            probes: probes.clone(),
        };
        let sources = Sources { store: store.clone(), object_store, tables: Arc::new(lists.clone()) };
        let engine = Engine::new(query_settings(&settings, &folder), sources)?;
        let parts = Arc::new(Parts {
            address,
            started_at_ns: clock.now_ns(),
            gates: Gates::new(&settings),
            live: Live::new(),
            metrics: Arc::new(Metrics::new()),
            connections: TaskTracker::new(),
            tasks: Tasks::default(),
            stopping: CancellationToken::new(),
            settings,
            clock,
            catalog,
            store,
            engine,
            instances,
            probes,
            lists,
        });
        let finished = CancellationToken::new();
        let mut tasks = begin(&parts, listener, &finished);
        if let Some(copied) = copied.clone() {
            tasks.push(parts.tasks.begin("copies", &finished, keep_copying(copied, finished.clone())));
        }
        tracing::info!(%address, version = crate::VERSION, "the hub is up");
        if parts.settings.durability == Durability::Relaxed {
            tracing::warn!("durability is relaxed: a power cut loses the last second or so of what was acknowledged");
        }
        Ok(Self { parts, catalog: file, copied, tenure, tasks, finished, _folder: folder })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.parts.address
    }

    /// Returns when another hub has taken over the object store that holds this one's journal: it is of no use any more.
    pub async fn taken_over(&self) {
        match &self.tenure {
            Some(tenure) => tenure.ended().await,
            None => std::future::pending().await,
        }
    }

    /// Stops in good order, within [`Settings::stop_within`]: refuses new work, finishes what is under way, lets
    /// instances go (they keep what is not acknowledged), flushes and publishes. What the time does not suffice for is
    /// in the journal and is read at the next start.
    pub async fn stop(self) {
        tracing::info!("the hub stops");
        let Self { parts, catalog, copied, tenure, tasks, finished, _folder } = self;
        let deadline = tokio::time::Instant::now() + parts.settings.stop_within;
        parts.stopping.cancel();
        parts.gates.sessions.close();
        parts.connections.close();
        let ended = async {
            parts.gates.sessions.wait().await;
            parts.connections.wait().await;
        };
        // The other half is for what must reach the disk: a peer that does not read must not take it away.
        if tokio::time::timeout(parts.settings.stop_within / 2, ended).await.is_err() {
            tracing::warn!(connections = parts.connections.len(), "some connections did not end in time");
        }
        finished.cancel();
        let _ = tokio::time::timeout_at(deadline, futures::future::join_all(tasks)).await;
        let _ = tokio::time::timeout_at(deadline, parts.probes.finished()).await;
        let _ = tokio::time::timeout_at(deadline, parts.probes.keep_counts()).await;
        if tokio::time::timeout_at(deadline, parts.store.close()).await.is_err() {
            tracing::warn!("not all calls were published in time; they are in the journal");
        }
        if let Some(copied) = copied.filter(|_| tenure.is_none_or(|tenure| !tenure.is_over()))
            && !matches!(tokio::time::timeout_at(deadline, copied.save_changes()).await, Ok(Ok(())))
        {
            tracing::warn!("the last counts are not in the object store's copy of the catalog");
        }
        // All that was asked of it is committed; it has a moment to fold its log in.
        let _ = tokio::time::timeout(CLOSE_CATALOG_WITHIN, catalog.close()).await;
        tracing::info!("the hub has stopped");
    }
}

/// The catalog, as it is used.
struct Opened {
    file: SqliteCatalog,
    catalog: Arc<dyn Catalog>,
    /// The same, where copies of it lie in the object store.
    copied: Option<Arc<CopiedCatalog>>,
}

async fn open_catalog(
    settings: &Settings,
    folder: &DataFolder,
    fresh_name: &str,
    tenure: Option<Tenure>,
) -> Result<Opened, Failure> {
    let copies = match tenure {
        Some(tenure) => {
            let copies = CatalogCopies::open(tenure, folder, || fresh_name.to_owned()).await;
            Some(copies.map_err(|error| failures::of_store(&error))?)
        }
        None => None,
    };
    let file = SqliteCatalog::open(&folder.catalog()).await.map_err(|error| failures::of_catalog(&error))?;
    let catalog: Arc<dyn Catalog> = Arc::new(file.clone());
    let is_restored = copies.as_ref().is_some_and(CatalogCopies::is_restored);
    objects::check_place(settings, folder, &*catalog, is_restored).await?;
    let Some(copies) = copies else { return Ok(Opened { file, catalog, copied: None }) };
    let copied = CopiedCatalog::new(catalog, file.clone(), copies).await;
    let copied = Arc::new(copied.map_err(|error| failures::of_catalog(&error))?);
    Ok(Opened { file, catalog: copied.clone(), copied: Some(copied) })
}

/// What can be told anew is copied now and then.
async fn keep_copying(copied: Arc<CopiedCatalog>, stop: CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(COPY_EVERY)).await.is_some() {
        if let Err(error) = copied.save_changes().await {
            tracing::warn!(%error, "the catalog could not be copied into the object store; it is tried again");
        }
    }
}

async fn open_store(
    settings: &Settings,
    folder: &DataFolder,
    fresh_name: String,
    components: glasshull_store::Components,
) -> Result<Arc<Store>, Failure> {
    let hub = folder.hub_id(|| fresh_name).map_err(|error| failures::of_store(&error))?;
    let bytes = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
    let shares = settings.shares();
    let settings = StoreSettings {
        window: settings.window,
        publish_after: settings.publish_after,
        durability: match settings.durability {
            // In the object store nothing is acknowledged before it is there either.
            Durability::Journal | Durability::ObjectStore => glasshull_store::Durability::Journal,
            Durability::Relaxed => glasshull_store::Durability::Relaxed,
        },
        publish_bytes: bytes(shares.publish),
        live_bytes: bytes(shares.live),
        merge_bytes: bytes(shares.merge),
        retention: settings.retention,
        close_within: settings.stop_within,
        ..StoreSettings::new(folder.path(), hub)
    };
    Store::open(settings, components).await.map_err(|error| failures::of_store(&error))
}

/// Rows of an answer in columns for each of one in JSON: with the default of 10,000 a million. Either ends earlier where
/// its values are too many bytes.
const ROWS_IN_COLUMNS: usize = 100;

fn query_settings(settings: &Settings, folder: &DataFolder) -> QuerySettings {
    let bytes = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
    let shares = settings.shares();
    QuerySettings {
        all_memory_bytes: bytes(shares.query),
        // A large one must leave something for others.
        memory_bytes: bytes(shares.query / 2),
        footer_cache_bytes: bytes(shares.footers / 2),
        summary_cache_bytes: bytes(shares.footers / 2),
        timeout: settings.query_timeout,
        max_rows: settings.query_rows as usize,
        max_columnar_rows: ROWS_IN_COLUMNS * settings.query_rows as usize,
        max_concurrent: settings.max_queries,
        ..QuerySettings::new(folder.path().join("spill"))
    }
}

/// Begins what runs beside the requests.
fn begin(parts: &Arc<Parts>, listener: TcpListener, finished: &CancellationToken) -> Vec<JoinHandle<()>> {
    let server = Server {
        routes: routes::all(parts.clone()),
        max_connections: parts.settings.max_connections,
        metrics: parts.metrics.clone(),
        stop: parts.stopping.clone(),
        connections: parts.connections.clone(),
    };
    let (tasks, store, stop) = (&parts.tasks, parts.store.clone(), finished.clone());
    vec![
        tasks.begin("server", &parts.stopping, server.run(listener)),
        tasks.begin("live", finished, live::tell(parts.clone(), finished.clone())),
        tasks.begin("probes", finished, watch_probes(parts.probes.clone(), finished.clone())),
        tasks.begin("store", finished, async move { store.run(stop).await }),
    ]
}

async fn watch_probes(probes: Arc<Probes>, stop: CancellationToken) {
    let mut looks = tokio::time::interval(PROBES_EVERY);
    let mut last_kept = tokio::time::Instant::now();
    while stop.run_until_cancelled(looks.tick()).await.is_some() {
        probes.end_what_is_over().await;
        if last_kept.elapsed() >= COUNTS_EVERY {
            last_kept = tokio::time::Instant::now();
            probes.keep_counts().await;
        }
    }
}
