//! The catalog where the hub has no disk that lasts: a copy of it lies in the object store before anybody relies on what
//! was changed. A publication counts when the copy that tells of it is there; only then the journal's entries and the
//! objects go that it makes superfluous.
//!
//! ```text
//! catalog/00000000000000000007-00000000000000000042     an entry of a log (see `object_log`): the catalog as it was once
//! copy = "GLASSHC1"  crc32c of the rest: u32  length of the hub's name: u32  bytes of the file: u64  name  zstd of an SQLite file
//! ```
//!
//! Numbers are little-endian.

use std::fs;
use std::io::{self, Read};
use std::path::{Path as FilePath, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Buf, Bytes};
use glasshull_catalog::sqlite::SqliteCatalog;
use glasshull_catalog::{
    Catalog, CatalogError, DoomedObject, FunctionRow, InstanceRow, Merge, ProbeCounts, ProbeEnd, ProbeRow, Publication,
    Published, SegmentRow,
};
use tokio::sync::Mutex;

use crate::object_log::{ObjectLog, Place};
use crate::{DataFolder, StoreError, Tenure, durable};

/// Where the copies lie in the object store.
const FOLDER: &str = "catalog";

/// Bytes of a copy before the hub's name.
const HEAD_BYTES: usize = 24;

/// Bytes of it that its checksum does not cover.
const UNCHECKED_BYTES: usize = 12;

const MARK: &[u8; 8] = b"GLASSHC1";

/// Bytes of a catalog that is taken from a copy: a hundred times what a hub that knows all it may know has.
const MAX_CATALOG_BYTES: u64 = 8 << 30;

/// Bytes of a copy.
const MAX_COPY_BYTES: usize = 1 << 30;

/// Copies that are kept beside the newest: where that one is damaged, an older one tells most.
const KEPT: usize = 4;

/// How often a catalog is copied at most for what can be told anew: instances, functions, counts of probes.
pub const COPY_EVERY: Duration = Duration::from_secs(10);

/// How hard zstd tries: a catalog is some hundred kilobytes, as a rule.
const ZSTD_LEVEL: i32 = 3;

/// The copies in an object store.
#[derive(Debug)]
pub struct CatalogCopies {
    log: ObjectLog,
    hub: String,
    /// Where the next one is made.
    file: PathBuf,
    /// The entries there may be, in order.
    entries: std::sync::Mutex<Vec<Place>>,
    is_restored: bool,
}

impl CatalogCopies {
    /// The copies that those have left who had the objects before. The newest becomes the folder's catalog, its hub's
    /// name the folder's; where there is none, the folder's own stay as they are, and the name is `fresh()` where it has
    /// none.
    ///
    /// # Errors
    /// [`StoreError::ObjectStore`], also where there are copies and none is sound; [`StoreError::Folder`].
    pub async fn open(tenure: Tenure, folder: &DataFolder, fresh: impl FnOnce() -> String) -> Result<Self, StoreError> {
        let (log, places) = ObjectLog::open(tenure.clone(), FOLDER).await?;
        let newest = newest(&log, &places).await?;
        if let Some((at, _)) = &newest {
            tenure.restores_from(at.tenure());
        }
        let mut copies = Self {
            log,
            hub: folder.hub_id(fresh)?,
            file: folder.path().join("catalog.copy"),
            entries: std::sync::Mutex::new(places),
            is_restored: newest.is_some(),
        };
        if let Some((_, copy)) = newest {
            folder.set_hub_id(&copy.hub)?;
            copies.hub.clone_from(&copy.hub);
            let file = folder.catalog();
            let restored = tokio::task::spawn_blocking(move || restore(&file, &copy)).await;
            let restored = restored.map_err(|e| StoreError::Segment(e.to_string()))?;
            restored.map_err(|e| StoreError::folder(&folder.catalog(), &e))?;
        }
        Ok(copies)
    }

    /// Whether the folder's catalog came from a copy.
    pub fn is_restored(&self) -> bool {
        self.is_restored
    }

    /// Copies what the catalog says now.
    async fn save(&self, catalog: &SqliteCatalog) -> glasshull_catalog::Result<()> {
        let failed = |e: &dyn std::fmt::Display| CatalogError::Unavailable(format!("it cannot be copied: {e}"));
        catalog.copy_to(&self.file).await?;
        let (file, hub) = (self.file.clone(), self.hub.clone());
        let packed = tokio::task::spawn_blocking(move || encode(&hub, &fs::read(file)?)).await;
        let copy = packed.map_err(|e| failed(&e))?.map_err(|e| failed(&e))?;
        let at = self.log.place();
        self.entries().push(at);
        self.log.put(at, copy.into()).await.map_err(|e| failed(&e))?;
        self.delete_old(at).await;
        Ok(())
    }

    /// Deletes what is older than the newest ones. What cannot be deleted takes room until the next time.
    async fn delete_old(&self, newest: Place) {
        let mut old: Vec<Place> = self.entries().iter().copied().filter(|at| *at < newest).collect();
        old.truncate(old.len().saturating_sub(KEPT));
        match self.log.delete(old.iter().copied()).await {
            Ok(()) => self.entries().retain(|at| !old.contains(at)),
            Err(error) => tracing::warn!(%error, "old copies of the catalog could not be deleted"),
        }
    }

    fn entries(&self) -> MutexGuard<'_, Vec<Place>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A sound copy.
#[derive(Debug)]
struct Copy {
    hub: String,
    /// Of the file.
    bytes: u64,
    packed: Bytes,
}

/// The newest copy that is sound; `None` where there has never been one.
async fn newest(log: &ObjectLog, places: &[Place]) -> Result<Option<(Place, Copy)>, StoreError> {
    for (damaged, &at) in places.iter().rev().enumerate() {
        let read = log.read([at], None, MAX_COPY_BYTES).await?;
        if let Some(copy) = read.into_iter().next().flatten().and_then(|entry| decode(&entry)) {
            if damaged > 0 {
                tracing::error!(
                    damaged,
                    "the newest copies of the catalog are damaged: what was published since an older one lies in objects \
                     that no question sees"
                );
            }
            return Ok(Some((at, copy)));
        }
    }
    let why = || format!("all {} copies of the catalog in it are damaged; restore its folder `{FOLDER}`", places.len());
    if places.is_empty() { Ok(None) } else { Err(StoreError::ObjectStore(why())) }
}

fn encode(hub: &str, catalog: &[u8]) -> io::Result<Bytes> {
    let packed = zstd::bulk::compress(catalog, ZSTD_LEVEL)?;
    let mut checked = Vec::with_capacity(HEAD_BYTES - UNCHECKED_BYTES + hub.len() + packed.len());
    checked.extend_from_slice(&u32::try_from(hub.len()).map_err(io::Error::other)?.to_le_bytes());
    checked.extend_from_slice(&(catalog.len() as u64).to_le_bytes());
    checked.extend_from_slice(hub.as_bytes());
    checked.extend_from_slice(&packed);
    let crc = crc32c::crc32c(&checked).to_le_bytes();
    Ok([MARK.as_slice(), &crc, &checked].concat().into())
}

fn decode(entry: &Bytes) -> Option<Copy> {
    let mut head = entry.get(..HEAD_BYTES)?.strip_prefix(MARK)?;
    let is_sound = head.get_u32_le() == crc32c::crc32c(entry.get(UNCHECKED_BYTES..)?);
    let (hub_bytes, bytes) = (head.get_u32_le() as usize, head.get_u64_le());
    let hub = entry.get(HEAD_BYTES..)?.get(..hub_bytes)?;
    let packed = entry.slice(HEAD_BYTES + hub_bytes..);
    let hub = std::str::from_utf8(hub).ok()?.to_owned();
    (is_sound && bytes <= MAX_CATALOG_BYTES).then_some(Copy { hub, bytes, packed })
}

/// Puts a catalog in the place of another, with what stands beside that one.
fn restore(file: &FilePath, copy: &Copy) -> io::Result<()> {
    let Copy { bytes, packed, .. } = copy;
    let new = file.with_extension("new");
    let mut to = fs::File::create(&new)?;
    let written = io::copy(&mut zstd::Decoder::new(&packed[..])?.take(bytes + 1), &mut to)?;
    if written != *bytes {
        return Err(io::Error::other(format!("its copy holds {written} bytes instead of {bytes}")));
    }
    drop(to);
    durable::sync(&new)?;
    for beside in ["sqlite-wal", "sqlite-shm"] {
        match fs::remove_file(file.with_extension(beside)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    fs::rename(&new, file)?;
    file.parent().map_or(Ok(()), durable::sync)
}

/// A catalog whose changes are in the object store before they count.
pub struct CopiedCatalog {
    catalog: Arc<dyn Catalog>,
    file: SqliteCatalog,
    copies: CatalogCopies,
    /// One copy is made at a time.
    turn: Mutex<()>,
    /// Something changed that no copy tells yet.
    changed: AtomicBool,
}

impl CopiedCatalog {
    /// The catalog, with a first copy. `file` is the file that `catalog` writes.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`].
    pub async fn new(
        catalog: Arc<dyn Catalog>,
        file: SqliteCatalog,
        copies: CatalogCopies,
    ) -> glasshull_catalog::Result<Self> {
        let copied = Self { catalog, file, copies, turn: Mutex::default(), changed: AtomicBool::new(false) };
        copied.save().await?;
        Ok(copied)
    }

    /// Copies what has changed since the last copy, if anything has; else looks whether another hub has taken over, which
    /// one that puts nothing would not learn. To be called every [`COPY_EVERY`], and before the end.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`]: it is tried again by the next call.
    pub async fn save_changes(&self) -> glasshull_catalog::Result<()> {
        if self.changed.load(Relaxed) {
            return self.save().await;
        }
        let checked = self.copies.log.check().await;
        checked.map_err(|error| CatalogError::Unavailable(error.to_string()))
    }

    async fn save(&self) -> glasshull_catalog::Result<()> {
        let _turn = self.turn.lock().await;
        self.changed.store(false, Relaxed);
        let saved = self.copies.save(&self.file).await;
        if saved.is_err() {
            self.changed.store(true, Relaxed);
        }
        saved
    }

    /// What was done is told by a copy, or is not known to have been done.
    async fn saved<T>(&self, done: T) -> glasshull_catalog::Result<T> {
        self.save().await.map(|()| done)
    }

    /// What was done is told by a copy as soon as there can be one.
    async fn told<T>(&self, done: T) -> glasshull_catalog::Result<T> {
        if let Err(error) = self.save().await {
            tracing::warn!(%error, "what was ordered is not yet in the object store; it is tried again");
        }
        Ok(done)
    }

    /// What was done is told by a later copy.
    fn noted<T>(&self, done: T) -> glasshull_catalog::Result<T> {
        self.changed.store(true, Relaxed);
        Ok(done)
    }
}

#[async_trait]
impl Catalog for CopiedCatalog {
    async fn put_instance(&self, instance: &InstanceRow) -> glasshull_catalog::Result<()> {
        self.noted(self.catalog.put_instance(instance).await?)
    }

    async fn instances(&self, since_ns: i64, limit: usize) -> glasshull_catalog::Result<Vec<InstanceRow>> {
        self.catalog.instances(since_ns, limit).await
    }

    async fn put_functions(&self, functions: &[FunctionRow], seen_at_ns: i64) -> glasshull_catalog::Result<()> {
        self.noted(self.catalog.put_functions(functions, seen_at_ns).await?)
    }

    async fn functions(&self, limit: usize) -> glasshull_catalog::Result<Vec<FunctionRow>> {
        self.catalog.functions(limit).await
    }

    async fn add_probe(&self, probe: &ProbeRow) -> glasshull_catalog::Result<String> {
        self.told(self.catalog.add_probe(probe).await?).await
    }

    async fn end_probe(&self, id: &str, end: &ProbeEnd) -> glasshull_catalog::Result<bool> {
        self.told(self.catalog.end_probe(id, end).await?).await
    }

    async fn count_probe(&self, id: &str, more: &ProbeCounts) -> glasshull_catalog::Result<()> {
        self.noted(self.catalog.count_probe(id, more).await?)
    }

    async fn probes(&self, with_ended: bool, limit: usize) -> glasshull_catalog::Result<Vec<ProbeRow>> {
        self.catalog.probes(with_ended, limit).await
    }

    async fn publish(&self, publication: &Publication) -> glasshull_catalog::Result<()> {
        self.saved(self.catalog.publish(publication).await?).await
    }

    async fn published(&self, hub: &str) -> glasshull_catalog::Result<Published> {
        self.catalog.published(hub).await
    }

    async fn segments(&self) -> glasshull_catalog::Result<Vec<SegmentRow>> {
        self.catalog.segments().await
    }

    async fn merge(&self, merge: &Merge) -> glasshull_catalog::Result<bool> {
        self.saved(self.catalog.merge(merge).await?).await
    }

    async fn doom(&self, object: &DoomedObject) -> glasshull_catalog::Result<()> {
        self.saved(self.catalog.doom(object).await?).await
    }

    async fn doomed(&self, hub: &str) -> glasshull_catalog::Result<Vec<DoomedObject>> {
        self.catalog.doomed(hub).await
    }

    async fn forget_doomed(&self, paths: &[String]) -> glasshull_catalog::Result<()> {
        self.noted(self.catalog.forget_doomed(paths).await?)
    }

    async fn expire(&self, before_ns: i64, now_ns: i64) -> glasshull_catalog::Result<Vec<SegmentRow>> {
        self.saved(self.catalog.expire(before_ns, now_ns).await?).await
    }

    async fn expired_at_ns(&self) -> glasshull_catalog::Result<Option<i64>> {
        self.catalog.expired_at_ns().await
    }

    async fn forget(&self, before_ns: i64, most: usize) -> glasshull_catalog::Result<()> {
        self.noted(self.catalog.forget(before_ns, most).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_gives_the_catalog_back_and_damage_gives_none() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("catalog.sqlite");
        let entry = encode("hub-1", b"the catalog").unwrap();
        let copy = decode(&entry).unwrap();
        fs::write(file.with_extension("sqlite-wal"), "an older one's").unwrap();
        restore(&file, &copy).unwrap();
        assert_eq!((copy.hub.as_str(), fs::read(&file).unwrap().as_slice()), ("hub-1", b"the catalog".as_slice()));
        assert!(!file.with_extension("sqlite-wal").exists());
        for place in 0..entry.len() {
            let mut damaged = entry.to_vec();
            damaged[place] ^= 1;
            assert!(decode(&damaged.into()).is_none(), "{place}");
        }
        for end in 0..entry.len() {
            assert!(decode(&entry.slice(..end)).is_none(), "{end}");
        }
    }

    #[test]
    fn no_more_is_unpacked_than_a_copy_says() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("catalog.sqlite");
        let packed: Bytes = zstd::bulk::compress(&vec![0; 64 << 20], ZSTD_LEVEL).unwrap().into();
        for bytes in [1_000, (64 << 20) - 1, 65 << 20] {
            let copy = Copy { hub: "hub".into(), bytes, packed: packed.clone() };
            restore(&file, &copy).unwrap_err();
            assert!(!file.exists());
            assert!(fs::metadata(file.with_extension("new")).unwrap().len() <= bytes + 1);
        }
    }
}
