//! A store on parts that fail when told to.

mod catalog;
mod faults;

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use arrow::array::AsArray;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use futures::stream::{BoxStream, StreamExt};
use glasshull_catalog::sqlite::SqliteCatalog;
use glasshull_catalog::{InstanceId, SegmentRow};
use glasshull_wire::v1::{CallBatch, Function, Outcome};
use glasshull_wire::{BatchWriter, CallRow};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, UploadPart,
};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tokio::sync::oneshot;

use self::catalog::{CatalogFates, FailingCatalog};
pub(crate) use self::faults::{Chance, Fate, Fates, Power};
use crate::journal::disk::{Disk, DiskFile};
use crate::store::Snapshot;
use crate::{
    CatalogCopies, Clock, Components, CopiedCatalog, DataFolder, Source, Store, StoreError, StoreSettings, Tenure, rows,
};

pub(crate) const SECOND_NS: i64 = 1_000_000_000;

/// When tests take place: 2026-11-21, at the start of a window.
pub(crate) const NOW_NS: i64 = 1_795_226_400 * SECOND_NS;

/// A clock that stands still unless it is moved.
pub(crate) struct ManualClock {
    now_ns: AtomicI64,
    /// How much of that is no time that has passed.
    jumped_ns: AtomicI64,
}

impl ManualClock {
    /// So much time passes.
    pub(crate) fn advance(&self, ns: i64) {
        self.now_ns.fetch_add(ns, Ordering::Relaxed);
    }

    /// Somebody sets the clock.
    pub(crate) fn jump(&self, ns: i64) {
        self.advance(ns);
        self.jumped_ns.fetch_add(ns, Ordering::Relaxed);
    }
}

impl Clock for ManualClock {
    fn now_ns(&self) -> i64 {
        self.now_ns.load(Ordering::Relaxed)
    }

    fn monotonic(&self) -> Duration {
        Duration::from_nanos(self.now_ns().abs_diff(self.jumped_ns.load(Ordering::Relaxed)))
    }
}

/// A journal's disk in memory. It knows what was synced; a power cut takes some of the rest.
#[derive(Clone, Default)]
pub(crate) struct MemoryDisk(Arc<Mutex<DiskState>>, Arc<Mutex<()>>, Arc<Fates>);

#[derive(Default)]
struct DiskState {
    files: BTreeMap<u64, MemoryFile>,
    /// Files that were removed, while the folder was not synced since.
    removed: BTreeMap<u64, MemoryFile>,
    /// How many bytes there is still room for.
    room: Option<usize>,
    failing_creates: u32,
    failing_syncs: u32,
    failing_removes: u32,
    failing_reads: u32,
    /// Counts power cuts: files opened before one are dead.
    life: u32,
}

#[derive(Clone, Default)]
struct MemoryFile {
    bytes: Vec<u8>,
    synced: usize,
    broken: bool,
}

impl MemoryDisk {
    fn under(power: &Arc<Power>) -> Self {
        Self(Arc::default(), Arc::default(), Arc::new(Fates::under(power)))
    }

    pub(crate) fn fail_creates(&self, times: u32) {
        self.0.lock().unwrap().failing_creates = times;
    }

    pub(crate) fn fail_syncs(&self, times: u32) {
        self.0.lock().unwrap().failing_syncs = times;
    }

    pub(crate) fn fail_removes(&self, times: u32) {
        self.0.lock().unwrap().failing_removes = times;
    }

    pub(crate) fn fail_reads(&self, times: u32) {
        self.0.lock().unwrap().failing_reads = times;
    }

    /// No sync ends as long as the guard lives.
    pub(crate) fn hold_syncs(&self) -> MutexGuard<'_, ()> {
        self.1.lock().unwrap()
    }

    /// Leaves room for so many bytes; `None`: as many as it takes.
    pub(crate) fn set_room(&self, bytes: Option<usize>) {
        self.0.lock().unwrap().room = bytes;
    }

    /// Of what was not synced as much stays as `keeps` says for each file's unsynced length, the last byte of which
    /// is spoiled where `spoils`.
    pub(crate) fn cut_power(&self, keeps: impl Fn(usize) -> usize, spoils: bool) {
        let mut state = self.0.lock().unwrap();
        state.life += 1;
        for file in state.files.values_mut() {
            let unsynced = file.bytes.len() - file.synced;
            file.bytes.truncate(file.synced + keeps(unsynced).min(unsynced));
            if spoils && file.bytes.len() > file.synced {
                *file.bytes.last_mut().unwrap() ^= 0x55;
            }
            file.synced = file.bytes.len();
            file.broken = false;
        }
    }

    /// Files that were removed are there again, as far as the folder was not synced since. For a power cut.
    pub(crate) fn forget_removals(&self) {
        let mut state = self.0.lock().unwrap();
        let removed = std::mem::take(&mut state.removed);
        for (number, file) in removed {
            state.files.entry(number).or_insert(file);
        }
    }

    /// What every step of the disk comes to.
    pub(crate) fn fates(&self) -> &Fates {
        &self.2
    }

    /// Whoever wrote is killed; the machine stays on, and with it what was not synced.
    pub(crate) fn kill(&self) {
        let mut state = self.0.lock().unwrap();
        state.life += 1;
        state.files.values_mut().for_each(|file| file.broken = false);
    }

    /// Changes a file behind everybody's back.
    pub(crate) fn spoil(&self, number: u64, spoil: impl FnOnce(&mut Vec<u8>)) {
        let mut state = self.0.lock().unwrap();
        let file = state.files.get_mut(&number).unwrap();
        spoil(&mut file.bytes);
        file.synced = file.bytes.len();
    }

    pub(crate) fn file(&self, number: u64) -> Vec<u8> {
        self.0.lock().unwrap().files[&number].bytes.clone()
    }

    pub(crate) fn put(&self, number: u64, bytes: Vec<u8>) {
        let file = MemoryFile { synced: bytes.len(), bytes, broken: false };
        self.0.lock().unwrap().files.insert(number, file);
    }

    pub(crate) fn forget(&self, number: u64) {
        self.0.lock().unwrap().files.remove(&number);
    }
}

fn fails(times: &mut u32) -> io::Result<()> {
    if *times == 0 {
        return Ok(());
    }
    *times -= 1;
    Err(io_failure())
}

fn io_failure() -> io::Error {
    io::Error::other("input/output error")
}

impl Fate {
    /// Carries out a step of the disk.
    fn strikes<T>(self, step: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        match self {
            Fate::Succeeds => step(),
            Fate::Fails => Err(io_failure()),
            Fate::LosesItsAnswer => step().and_then(|_| Err(io_failure())),
        }
    }
}

impl Disk for MemoryDisk {
    fn create(&self, number: u64) -> io::Result<Box<dyn DiskFile>> {
        self.2.next().strikes(|| {
            let mut state = self.0.lock().unwrap();
            fails(&mut state.failing_creates)?;
            // Its name is synced with the folder, and so is what was removed from there.
            state.removed.clear();
            state.files.insert(number, MemoryFile::default());
            let file: Box<dyn DiskFile> = Box::new(OpenMemoryFile { disk: self.clone(), number, life: state.life });
            Ok(file)
        })
    }

    fn numbers(&self) -> io::Result<Vec<u64>> {
        Ok(self.0.lock().unwrap().files.keys().copied().collect())
    }

    fn read(&self, number: u64) -> io::Result<Vec<u8>> {
        let mut state = self.0.lock().unwrap();
        fails(&mut state.failing_reads)?;
        state.files.get(&number).map(|file| file.bytes.clone()).ok_or(io::ErrorKind::NotFound.into())
    }

    fn sync(&self, number: u64) -> io::Result<()> {
        self.2.next().strikes(|| {
            let mut state = self.0.lock().unwrap();
            fails(&mut state.failing_syncs)?;
            let file = state.files.get_mut(&number).ok_or(io::ErrorKind::NotFound)?;
            file.synced = file.bytes.len();
            Ok(())
        })
    }

    fn remove(&self, number: u64) -> io::Result<()> {
        self.2.next().strikes(|| {
            let mut state = self.0.lock().unwrap();
            fails(&mut state.failing_removes)?;
            let file = state.files.remove(&number).ok_or(io::ErrorKind::NotFound)?;
            state.removed.insert(number, file);
            Ok(())
        })
    }

    fn failed(&self, error: &io::Error) -> StoreError {
        StoreError::folder(std::path::Path::new("memory"), error)
    }
}

struct OpenMemoryFile {
    disk: MemoryDisk,
    number: u64,
    life: u32,
}

impl OpenMemoryFile {
    fn change(&self, change: impl FnOnce(&mut DiskState, u64) -> io::Result<()>) -> io::Result<()> {
        let mut state = self.disk.0.lock().unwrap();
        if state.life != self.life {
            return Err(io::Error::other("the machine is off"));
        }
        let Some(file) = state.files.get(&self.number) else { return Err(io::ErrorKind::NotFound.into()) };
        assert!(!file.broken, "a file is used again after an error");
        let changed = change(&mut state, self.number);
        if changed.is_err() {
            state.files.entry(self.number).and_modify(|file| file.broken = true);
        }
        changed
    }
}

impl DiskFile for OpenMemoryFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let fate = self.disk.2.next();
        self.change(|state, number| {
            // A write that fails may have got somewhere.
            let fails_at = if fate == Fate::Fails { bytes.len() / 2 } else { usize::MAX };
            let fits = bytes.len().min(state.room.unwrap_or(usize::MAX)).min(fails_at);
            state.room = state.room.map(|room| room - fits);
            state.files.entry(number).and_modify(|file| file.bytes.extend_from_slice(&bytes[..fits]));
            if fits < bytes.len() { Err(io::ErrorKind::StorageFull.into()) } else { fate.strikes(|| Ok(())) }
        })
    }

    fn sync(&mut self) -> io::Result<()> {
        drop(self.disk.hold_syncs());
        let fate = self.disk.2.next();
        self.change(|state, number| {
            fate.strikes(|| {
                fails(&mut state.failing_syncs)?;
                state.files.entry(number).and_modify(|file| file.synced = file.bytes.len());
                Ok(())
            })
        })
    }
}

/// An object store whose puts, reads and deletions have fates. What comes in parts is put when it is whole.
#[derive(Debug, Default)]
pub(crate) struct FailingObjects {
    pub(crate) puts: Fates,
    pub(crate) gets: Fates,
    pub(crate) deletes: Fates,
    /// Objects that came in parts.
    pub(crate) in_parts: AtomicUsize,
    held: Mutex<Option<(&'static str, Held)>>,
    /// What listings tell instead of what there is.
    listed: Mutex<Option<Vec<ObjectMeta>>>,
    /// So many puts of what is to be new are said to be in the way of others.
    pub(crate) conflicts: AtomicUsize,
    pub(crate) inner: Arc<InMemory>,
}

/// What is held is no put, but that segments are listed.
pub(crate) const LISTING: &str = "a listing";

/// A put that waits.
#[derive(Debug)]
pub(crate) struct Held {
    came: oneshot::Sender<()>,
    goes_on: oneshot::Receiver<()>,
}

impl FailingObjects {
    fn under(power: &Arc<Power>) -> Self {
        let fates = || Fates::under(power);
        Self { puts: fates(), gets: fates(), deletes: fates(), ..Self::default() }
    }

    pub(crate) async fn paths(&self) -> Vec<String> {
        self.listing().await.into_iter().map(|object| object.location.to_string()).collect()
    }

    /// The next put tells that it came and waits.
    pub(crate) fn hold_next_put(&self) -> (oneshot::Receiver<()>, oneshot::Sender<()>) {
        self.hold_put_to("")
    }

    /// The next put to what begins so tells that it came and waits.
    pub(crate) fn hold_put_to(&self, folder: &'static str) -> (oneshot::Receiver<()>, oneshot::Sender<()>) {
        let ((came, comes), (go_on, goes_on)) = (oneshot::channel(), oneshot::channel());
        *self.held.lock().unwrap() = Some((folder, Held { came, goes_on }));
        (comes, go_on)
    }

    async fn wait(&self, to: &Path) {
        let held = self.held.lock().unwrap().take_if(|(folder, _)| to.as_ref().starts_with(*folder));
        if let Some((_, Held { came, goes_on })) = held {
            came.send(()).unwrap();
            goes_on.await.unwrap();
        }
    }

    /// What a listing tells now.
    pub(crate) async fn listing(&self) -> Vec<ObjectMeta> {
        use futures::TryStreamExt;
        self.inner.list(None).try_collect().await.unwrap()
    }

    /// Listings tell what was listed once; `None`: what there is.
    pub(crate) fn list_as_of(&self, listing: Option<Vec<ObjectMeta>>) {
        *self.listed.lock().unwrap() = listing;
    }

    /// Deletes an object behind everybody's back.
    pub(crate) async fn delete(&self, path: &str) {
        self.inner.delete(&Path::from(path)).await.unwrap();
    }

    /// Changes an object behind everybody's back.
    pub(crate) async fn spoil(&self, path: &str, spoil: impl FnOnce(&mut Vec<u8>)) {
        let path = Path::from(path);
        let mut bytes = self.inner.get(&path).await.unwrap().bytes().await.unwrap().to_vec();
        spoil(&mut bytes);
        self.inner.put(&path, bytes.into()).await.unwrap();
    }
}

/// The parts of an object; the last step has a fate.
#[derive(Debug)]
struct FailingUpload {
    fate: Fate,
    inner: Box<dyn MultipartUpload>,
}

#[async_trait]
impl MultipartUpload for FailingUpload {
    fn put_part(&mut self, part: PutPayload) -> UploadPart {
        self.inner.put_part(part)
    }

    async fn complete(&mut self) -> object_store::Result<PutResult> {
        match self.fate {
            Fate::Succeeds => self.inner.complete().await,
            Fate::Fails => Err(object_failure()),
            Fate::LosesItsAnswer => {
                self.inner.complete().await?;
                Err(object_failure())
            }
        }
    }

    async fn abort(&mut self) -> object_store::Result<()> {
        self.inner.abort().await
    }
}

fn object_failure() -> object_store::Error {
    object_store::Error::Generic { store: "FailingObjects", source: "503".into() }
}

impl fmt::Display for FailingObjects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FailingObjects")
    }
}

#[async_trait]
impl ObjectStore for FailingObjects {
    async fn put_opts(&self, to: &Path, payload: PutPayload, options: PutOptions) -> object_store::Result<PutResult> {
        self.wait(to).await;
        let fewer = |conflicts: usize| conflicts.checked_sub(1);
        if options.mode == PutMode::Create
            && self.conflicts.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fewer).is_ok()
        {
            return Err(object_store::Error::AlreadyExists { path: to.to_string(), source: "409".into() });
        }
        match self.puts.next() {
            Fate::Succeeds => self.inner.put_opts(to, payload, options).await,
            Fate::Fails => Err(object_failure()),
            Fate::LosesItsAnswer => {
                self.inner.put_opts(to, payload, options).await?;
                Err(object_failure())
            }
        }
    }

    async fn put_multipart_opts(
        &self,
        to: &Path,
        options: PutMultipartOptions,
    ) -> object_store::Result<Box<dyn MultipartUpload>> {
        self.wait(to).await;
        self.in_parts.fetch_add(1, Ordering::Relaxed);
        let inner = self.inner.put_multipart_opts(to, options).await?;
        Ok(Box::new(FailingUpload { fate: self.puts.next(), inner }))
    }

    async fn get_opts(&self, from: &Path, options: GetOptions) -> object_store::Result<GetResult> {
        match self.gets.next() {
            Fate::Succeeds => self.inner.get_opts(from, options).await,
            Fate::Fails | Fate::LosesItsAnswer => Err(object_failure()),
        }
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, object_store::Result<Path>>,
    ) -> BoxStream<'static, object_store::Result<Path>> {
        match self.deletes.next() {
            Fate::Succeeds => self.inner.delete_stream(paths),
            Fate::Fails | Fate::LosesItsAnswer => futures::stream::once(async { Err(object_failure()) }).boxed(),
        }
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        if let Some((_, Held { came, goes_on })) =
            self.held.lock().unwrap().take_if(|(what, _)| *what == LISTING && prefix == Some(&Path::from("calls")))
        {
            let (inner, prefix) = (self.inner.clone(), prefix.cloned());
            let waits = async move {
                came.send(()).unwrap();
                goes_on.await.unwrap();
                inner.list(prefix.as_ref())
            };
            return futures::stream::once(waits).flatten().boxed();
        }
        match &*self.listed.lock().unwrap() {
            Some(listing) if prefix == Some(&Path::from("calls")) => {
                futures::stream::iter(listing.clone().into_iter().map(Ok)).boxed()
            }
            _ => self.inner.list(prefix),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> object_store::Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> object_store::Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

/// A store whose journal is in the object store, with its parts.
pub(crate) struct Machine {
    pub(crate) store: Arc<Store>,
    pub(crate) catalog: Arc<FailingCatalog>,
    pub(crate) copied: Arc<CopiedCatalog>,
    pub(crate) settings: StoreSettings,
}

/// A store with its parts, which outlive it.
pub(crate) struct Rig {
    pub(crate) disk: MemoryDisk,
    pub(crate) objects: Arc<FailingObjects>,
    pub(crate) catalog: Arc<FailingCatalog>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) power: Arc<Power>,
    pub(crate) settings: StoreSettings,
    store: Option<Arc<Store>>,
    /// The journal is in the object store, and each start is on another machine.
    pub(crate) is_diskless: bool,
    machines: AtomicU64,
    folder: tempfile::TempDir,
}

impl Rig {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(set: impl FnOnce(&mut StoreSettings)) -> Self {
        let folder = in_memory();
        let file = folder.path().join("catalog.sqlite");
        std::fs::write(&file, new_catalog().await).unwrap();
        let catalog = SqliteCatalog::open(&file).await.unwrap();
        let mut settings = StoreSettings::new(folder.path(), "hub");
        settings.put_every = Duration::ZERO;
        set(&mut settings);
        let power = Arc::<Power>::default();
        let mut rig = Self {
            disk: MemoryDisk::under(&power),
            objects: Arc::new(FailingObjects::under(&power)),
            catalog: Arc::new(FailingCatalog::new(catalog, &power)),
            power,
            clock: Arc::new(ManualClock { now_ns: NOW_NS.into(), jumped_ns: AtomicI64::default() }),
            settings,
            store: None,
            is_diskless: false,
            machines: AtomicU64::default(),
            folder,
        };
        rig.open().await.unwrap();
        rig
    }

    /// A store whose journal is in the object store.
    pub(crate) async fn diskless(set: impl FnOnce(&mut StoreSettings)) -> Self {
        let mut rig = Self { is_diskless: true, ..Self::with(set).await };
        rig.open().await.unwrap();
        rig
    }

    pub(crate) fn store(&self) -> &Arc<Store> {
        self.store.as_ref().unwrap()
    }

    pub(crate) async fn open(&mut self) -> Result<(), StoreError> {
        if !self.is_diskless {
            self.store = Some(self.open_beside(self.disk.clone()).await?);
            return Ok(());
        }
        let machine = self.another_machine().await?;
        self.settings = machine.settings;
        self.catalog = machine.catalog;
        self.store = Some(machine.store);
        Ok(())
    }

    /// A store that takes over the objects, with nothing of what lay on disks.
    pub(crate) async fn another_machine(&self) -> Result<Machine, StoreError> {
        let number = self.machines.fetch_add(1, Ordering::Relaxed);
        let folder = DataFolder::open(&self.folder.path().join(format!("machine{number}")))?;
        let tenure = Tenure::take(self.objects.clone()).await?;
        let copies = CatalogCopies::open(tenure.clone(), &folder, || "hub".into()).await?;
        if !copies.is_restored() {
            std::fs::write(folder.catalog(), new_catalog().await).unwrap();
        }
        let file = SqliteCatalog::open(&folder.catalog()).await?;
        let catalog = Arc::new(FailingCatalog { fates: self.catalog.fates.clone(), inner: file.clone() });
        let copied = Arc::new(CopiedCatalog::new(catalog.clone(), file, copies).await?);
        let settings = StoreSettings { data: folder.path().to_owned(), ..self.settings.clone() };
        let (object_store, clock) = (self.objects.clone(), self.clock.clone());
        let components = Components { object_store, catalog: copied.clone(), clock, tenure: Some(tenure) };
        let store = Store::open(settings.clone(), components).await?;
        Ok(Machine { store, catalog, copied, settings })
    }

    /// Another store of the same hub, with a journal of its own.
    pub(crate) async fn open_beside(&self, disk: MemoryDisk) -> Result<Arc<Store>, StoreError> {
        let components = Components {
            object_store: self.objects.clone(),
            catalog: self.catalog.clone(),
            clock: self.clock.clone(),
            tenure: None,
        };
        Store::open_on(Arc::new(disk), self.settings.clone(), components).await
    }

    /// The power goes, with it what was not synced, and comes back.
    pub(crate) async fn crash(&mut self) {
        self.crash_keeping(|_| 0, false).await;
    }

    pub(crate) async fn crash_keeping(&mut self, keeps: impl Fn(usize) -> usize, spoils: bool) {
        self.disk.cut_power(keeps, spoils);
        self.store = None;
        self.fates().into_iter().for_each(|fates| fates.set([]));
        self.disk.fail_creates(0);
        self.disk.fail_syncs(0);
        self.disk.fail_removes(0);
        self.disk.set_room(None);
        self.open().await.unwrap();
    }

    /// What decides on every step of every part.
    pub(crate) fn fates(&self) -> [&Fates; 10] {
        let FailingObjects { puts, gets, deletes, .. } = &*self.objects;
        let CatalogFates { publications, merges, dooms, expiries, forgettings, reads } = &*self.catalog.fates;
        [puts, gets, deletes, publications, merges, dooms, expiries, forgettings, reads, self.disk.fates()]
    }

    /// The store goes on where nobody sees it; opening another is up to the caller.
    pub(crate) fn lose_store(&mut self) -> Arc<Store> {
        self.store.take().unwrap()
    }

    /// The store is gone; opening it again is up to the caller.
    pub(crate) fn drop_store(&mut self) {
        self.store = None;
    }

    /// The process is killed; opening the store again is up to the caller.
    pub(crate) fn kill(&mut self) {
        self.disk.kill();
        self.store = None;
    }

    /// The catalog is as it was at first.
    pub(crate) async fn restore_empty_catalog(&mut self) {
        let inner = SqliteCatalog::open(&self.settings.data.join("restored.sqlite")).await.unwrap();
        self.catalog = Arc::new(FailingCatalog::new(inner, &self.power));
    }

    /// The ids of all calls that have ended, and where they are found twice, twice; in order.
    pub(crate) async fn calls(&self) -> Vec<u64> {
        calls_in(&self.store().snapshot(), &*self.objects).await
    }

    pub(crate) fn running(&self) -> Vec<u64> {
        let mut running = ids(&self.store().snapshot().running);
        running.sort_unstable();
        running
    }

    pub(crate) async fn append(&self, instance: u8, sequence: u64, ids: &[u64]) {
        let appended = self.store().append(&source(instance), batch(sequence, ids)).await;
        let appended = appended.unwrap();
        assert!(matches!(appended, crate::Appended::Stored { calls, .. } if calls == ids.len() as u64), "{appended:?}");
    }
}

/// A folder that is not on a disk, where there can be one: what these tests cut is not the machine's power.
fn in_memory() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// The file of an empty catalog: made once, as it takes a while.
async fn new_catalog() -> &'static [u8] {
    static FILE: tokio::sync::OnceCell<Vec<u8>> = tokio::sync::OnceCell::const_new();
    let make = || async {
        let folder = in_memory();
        let file = folder.path().join("catalog.sqlite");
        SqliteCatalog::open(&file).await.unwrap().close().await;
        std::fs::read(file).unwrap()
    };
    FILE.get_or_init(make).await
}

pub(crate) async fn calls_in(snapshot: &Snapshot, objects: &dyn ObjectStore) -> Vec<u64> {
    let mut calls: Vec<u64> = snapshot.live.iter().flat_map(|rows| ids(rows)).collect();
    for segment in snapshot.segments.iter() {
        calls.extend(segment_rows(objects, segment).await.iter().flat_map(ids));
    }
    calls.sort_unstable();
    calls
}

pub(crate) async fn segment_rows(objects: &dyn ObjectStore, segment: &SegmentRow) -> Vec<RecordBatch> {
    let file = objects.get(&Path::from(segment.path.as_str())).await.unwrap().bytes().await.unwrap();
    assert_eq!(file.len() as u64, segment.bytes);
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
    reader.map(|read| shown(&rows::of_segment(&read.unwrap()).unwrap())).collect()
}

/// As the table shows rows.
pub(crate) fn shown(rows: &RecordBatch) -> RecordBatch {
    rows::table(rows).unwrap()
}

pub(crate) fn ids(rows: &RecordBatch) -> Vec<u64> {
    let ids = rows.column_by_name("call_id").unwrap().as_string::<i32>();
    ids.iter().map(|id| u64::from_str_radix(id.unwrap(), 16).unwrap()).collect()
}

pub(crate) fn source(instance: u8) -> Source {
    Source {
        instance: InstanceId([instance; 16]),
        service: "checkout".into(),
        name: format!("host:{instance}"),
        class: "blue".into(),
        release: "1.2.3".into(),
    }
}

/// A call that began a moment ago.
pub(crate) fn call(id: u64) -> CallRow<'static> {
    CallRow {
        trace_id: (u128::from(id) << 64 | 7).to_be_bytes(),
        call_id: id,
        started_at_ns: NOW_NS - SECOND_NS + id as i64,
        duration_ns: 1_000,
        outcome: Outcome::Returned as i32,
        args: Some(r#"{"sku":"glass"}"#),
        ..CallRow::default()
    }
}

pub(crate) fn running(id: u64) -> CallRow<'static> {
    CallRow { outcome: Outcome::Running as i32, ..call(id) }
}

/// A batch of calls that have ended.
pub(crate) fn batch(sequence: u64, ids: &[u64]) -> CallBatch {
    batch_of(sequence, &ids.iter().map(|&id| call(id)).collect::<Vec<_>>())
}

pub(crate) fn batch_of(sequence: u64, calls: &[CallRow<'_>]) -> CallBatch {
    let mut writer = BatchWriter::default();
    for call in calls {
        let function = writer.function(call.function, || Function {
            path: format!("shop::pricing::price{}", call.function),
            file: "src/pricing.rs".into(),
            line: 7,
            ..Function::default()
        });
        let thread = writer.thread(0, || "main".into());
        writer.push(&CallRow { function, thread, ..*call });
    }
    writer.finish(sequence)
}
