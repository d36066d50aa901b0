//! The catalog where the hub has no disk that lasts: a copy of it lies in the object store before anybody relies on what
//! was changed. A publication counts when the copy that tells of it is there; only then the journal's entries and the
//! objects go that it makes superfluous.
//!
//! ```text
//! catalog/00000000000000000007-00000000000000000042     an entry of a log (see `object_log`): the catalog as it was once
//! copy = "GLASSHC1"  crc32c of the rest: u32  length of the hub's name: u32  bytes of the file: u64  whole from: u64
//!        name  zstd of an SQLite file
//! ```
//!
//! Numbers are little-endian. The copy knows all that was published in the tenures from `whole from` on up to before its
//! own: of objects that were made then, those it does not name never counted. Of earlier ones nobody can say, as copies
//! have been damaged or older ones restored.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path as FilePath, PathBuf};
use std::sync::{Arc, MutexGuard, PoisonError};

use bytes::{Buf, Bytes};
use glasshull_catalog::CatalogError;
use glasshull_catalog::sqlite::SqliteCatalog;
use object_store::ObjectStore;

use crate::object_log::{Entries, ObjectLog, Place, Read};
use crate::{DataFolder, StoreError, Tenure, durable};

/// Where the copies lie in the object store.
pub(crate) const FOLDER: &str = "catalog";

/// Bytes of a copy before the hub's name.
const HEAD_BYTES: usize = 32;

/// Bytes of it that its checksum does not cover.
const UNCHECKED_BYTES: usize = 12;

const MARK: &[u8; 8] = b"GLASSHC1";

/// Bytes of a catalog that is taken from a copy: a hundred times what a hub that knows all it may know has.
const MAX_CATALOG_BYTES: u64 = 8 << 30;

/// Bytes of a copy.
const MAX_COPY_BYTES: usize = 1 << 30;

/// Copies that are kept beside the newest: where that one is damaged, an older one tells most.
const KEPT: usize = 4;

/// How hard zstd tries: a catalog is some hundred kilobytes, as a rule.
const ZSTD_LEVEL: i32 = 3;

/// The copies in an object store.
#[derive(Debug)]
pub struct CatalogCopies {
    log: ObjectLog,
    hub: String,
    whole_from: u64,
    /// Where the next one is made.
    file: PathBuf,
    entries: std::sync::Mutex<Known>,
    is_restored: bool,
}

/// What there is in the log.
#[derive(Debug, Default)]
struct Known {
    /// Copies that count, in order.
    copies: Vec<Place>,
    /// What was put, or not, without counting.
    others: Vec<Place>,
}

impl CatalogCopies {
    /// Whether the newest copy could take the place of the folder's catalog, and be read by this version: to be asked before
    /// the objects are taken over from a hub that may be well.
    ///
    /// # Errors
    /// As [`Self::open`], and [`StoreError::Catalog`].
    pub async fn check(objects: &Arc<dyn ObjectStore>, folder: &DataFolder) -> Result<(), StoreError> {
        let entries = Entries::new(objects.clone(), FOLDER);
        let Some(newest) = newest(&entries, &entries.places().await?).await? else { return Ok(()) };
        if folder.has_catalog_of_its_own() {
            return Err(has_its_own(folder));
        }
        let file = folder.path().join("catalog.tried");
        let to = file.clone();
        carried_out(folder, move || unpack(&to, &newest.copy)).await?;
        let checked = SqliteCatalog::check(&file).await;
        let _ = fs::remove_file(&file);
        Ok(checked?)
    }

    /// The copies that those have left who had the objects before. The newest becomes the folder's catalog, its hub's
    /// name the folder's; where there is none, the folder's own stay as they are, and the name is `fresh()` where it has
    /// none.
    ///
    /// # Errors
    /// [`StoreError::ObjectStore`], also where there are copies and none is sound; [`StoreError::Folder`], also where the
    /// folder has a catalog of its own.
    pub async fn open(tenure: Tenure, folder: &DataFolder, fresh: impl FnOnce() -> String) -> Result<Self, StoreError> {
        let (log, places) = ObjectLog::open(tenure.clone(), FOLDER).await?;
        let newest = newest(&log.entries, &places).await?;
        if newest.is_some() && folder.has_catalog_of_its_own() {
            return Err(has_its_own(folder));
        }
        let mut copies = Self {
            log,
            hub: folder.hub_id(fresh)?,
            whole_from: tenure.number(),
            file: folder.path().join("catalog.copy"),
            entries: std::sync::Mutex::new(Known { copies: places, others: Vec::new() }),
            is_restored: newest.is_some(),
        };
        folder.set_catalog_is_copied(true)?;
        let Some(Newest { at, copy, damaged }) = newest else { return Ok(copies) };
        if damaged == 0 && tenure.last_ran() <= at.tenure() {
            copies.whole_from = copy.whole_from;
        }
        tenure.set_known(copies.whole_from..at.tenure());
        folder.set_hub_id(&copy.hub)?;
        copies.hub.clone_from(&copy.hub);
        let file = folder.catalog();
        carried_out(folder, move || restore(&file, &copy)).await?;
        Ok(copies)
    }

    /// Whether the folder's catalog came from a copy.
    pub fn is_restored(&self) -> bool {
        self.is_restored
    }

    /// Copies what the catalog says now.
    pub(crate) async fn save(&self, catalog: &SqliteCatalog) -> glasshull_catalog::Result<()> {
        let failed = |e: &dyn std::fmt::Display| CatalogError::Unavailable(format!("it cannot be copied: {e}"));
        catalog.copy_to(&self.file).await?;
        let (file, hub, whole_from) = (self.file.clone(), self.hub.clone(), self.whole_from);
        let packed = tokio::task::spawn_blocking(move || encode(&hub, whole_from, &fs::read(file)?)).await;
        let copy = packed.map_err(|e| failed(&e))?.map_err(|e| failed(&e))?;
        let at = self.log.place();
        self.entries().others.push(at);
        self.log.put(at, copy.into()).await.map_err(|e| failed(&e))?;
        self.delete_old(at).await;
        Ok(())
    }

    /// Notes that a copy counts, and deletes what is older than the newest ones. What cannot be deleted takes room until the
    /// next time.
    async fn delete_old(&self, newest: Place) {
        let old: Vec<Place> = {
            let mut known = self.entries();
            let Known { copies, others } = &mut *known;
            others.retain(|at| *at != newest);
            copies.push(newest);
            let goes = copies.len().saturating_sub(1 + KEPT);
            copies[..goes].iter().chain(others.iter()).copied().collect()
        };
        match self.log.entries.delete(old.iter().copied()).await {
            Ok(()) => {
                let mut known = self.entries();
                known.copies.retain(|at| !old.contains(at));
                known.others.retain(|at| !old.contains(at));
            }
            Err(error) => tracing::warn!(%error, "old copies of the catalog could not be deleted"),
        }
    }

    /// Whether copies can still be made: nobody has taken over.
    pub(crate) async fn check_tenure(&self) -> glasshull_catalog::Result<()> {
        self.log.check().await.map_err(|error| CatalogError::Unavailable(error.to_string()))
    }

    fn entries(&self) -> MutexGuard<'_, Known> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Does what blocks, in a data folder.
async fn carried_out(
    folder: &DataFolder,
    work: impl FnOnce() -> io::Result<()> + Send + 'static,
) -> Result<(), StoreError> {
    let done = tokio::task::spawn_blocking(work).await;
    let done = done.map_err(|e| StoreError::Segment(e.to_string()))?;
    done.map_err(|e| StoreError::folder(&folder.catalog(), &e))
}

fn has_its_own(folder: &DataFolder) -> StoreError {
    let why = "it holds a catalog of its own, which the one in the object store would replace: give the hub another data \
               folder";
    StoreError::Folder { path: folder.path().to_owned(), why: why.into() }
}

/// A sound copy.
#[derive(Debug)]
struct Copy {
    hub: String,
    whole_from: u64,
    /// Of the file.
    bytes: u64,
    packed: Bytes,
}

/// The newest copy that is sound.
#[derive(Debug)]
struct Newest {
    at: Place,
    copy: Copy,
    /// Later ones that are not sound.
    damaged: u64,
}

/// The newest copy that is sound; `None` where there is none at all.
async fn newest(entries: &Entries, places: &[Place]) -> Result<Option<Newest>, StoreError> {
    let mut damaged = 0;
    for &at in places.iter().rev() {
        let entry = match entries.read_one(at, None, MAX_COPY_BYTES).await? {
            Read::Gone => continue,
            read => read.entry(),
        };
        let Some(copy) = entry.and_then(|entry| decode(&entry)) else {
            damaged += 1;
            continue;
        };
        if damaged > 0 {
            tracing::error!(
                damaged,
                "the newest copies of the catalog are damaged: what was published since an older one lies in objects that no \
                 question sees; nothing of it is deleted"
            );
        }
        return Ok(Some(Newest { at, copy, damaged }));
    }
    let why = || format!("all {damaged} copies of the catalog in it are damaged; restore its folder `{FOLDER}`");
    if damaged == 0 { Ok(None) } else { Err(StoreError::ObjectStore(why())) }
}

/// # Errors
/// It is larger than what is read again: nothing may rely on it.
fn encode(hub: &str, whole_from: u64, catalog: &[u8]) -> io::Result<Bytes> {
    let packed = zstd::bulk::compress(catalog, ZSTD_LEVEL)?;
    if catalog.len() as u64 > MAX_CATALOG_BYTES || packed.len() > MAX_COPY_BYTES - HEAD_BYTES - hub.len() {
        return Err(io::Error::other(format!("with {} bytes it is too large", catalog.len())));
    }
    let mut checked = Vec::with_capacity(HEAD_BYTES - UNCHECKED_BYTES + hub.len() + packed.len());
    checked.extend_from_slice(&u32::try_from(hub.len()).map_err(io::Error::other)?.to_le_bytes());
    checked.extend_from_slice(&(catalog.len() as u64).to_le_bytes());
    checked.extend_from_slice(&whole_from.to_le_bytes());
    checked.extend_from_slice(hub.as_bytes());
    checked.extend_from_slice(&packed);
    let crc = crc32c::crc32c(&checked).to_le_bytes();
    Ok([MARK.as_slice(), &crc, &checked].concat().into())
}

fn decode(entry: &Bytes) -> Option<Copy> {
    let mut head = entry.get(..HEAD_BYTES)?.strip_prefix(MARK)?;
    let is_sound = head.get_u32_le() == crc32c::crc32c(entry.get(UNCHECKED_BYTES..)?);
    let (hub_bytes, bytes, whole_from) = (head.get_u32_le() as usize, head.get_u64_le(), head.get_u64_le());
    let hub = entry.get(HEAD_BYTES..)?.get(..hub_bytes)?;
    let packed = entry.slice(HEAD_BYTES + hub_bytes..);
    let hub = std::str::from_utf8(hub).ok()?.to_owned();
    (is_sound && bytes <= MAX_CATALOG_BYTES).then_some(Copy { hub, whole_from, bytes, packed })
}

/// Writes a copy's file.
fn unpack(file: &FilePath, copy: &Copy) -> io::Result<()> {
    let Copy { bytes, packed, .. } = copy;
    let mut to = fs::File::create(file)?;
    let written = io::copy(&mut zstd::Decoder::new(&packed[..])?.take(bytes + 1), &mut to)?;
    if written != *bytes {
        return Err(io::Error::other(format!("its copy holds {written} bytes instead of {bytes}")));
    }
    Ok(())
}

/// Puts a catalog in the place of another, with what stands beside that one.
fn restore(file: &FilePath, copy: &Copy) -> io::Result<()> {
    let new = file.with_extension("new");
    unpack(&new, copy)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_gives_the_catalog_back_and_damage_gives_none() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("catalog.sqlite");
        let entry = encode("hub-1", 3, b"the catalog").unwrap();
        let copy = decode(&entry).unwrap();
        fs::write(file.with_extension("sqlite-wal"), "an older one's").unwrap();
        restore(&file, &copy).unwrap();
        assert_eq!(
            (copy.hub.as_str(), copy.whole_from, fs::read(&file).unwrap().as_slice()),
            ("hub-1", 3, b"the catalog".as_slice())
        );
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
            let copy = Copy { hub: "hub".into(), whole_from: 1, bytes, packed: packed.clone() };
            restore(&file, &copy).unwrap_err();
            assert!(!file.exists());
            assert!(fs::metadata(file.with_extension("new")).unwrap().len() <= bytes + 1);
        }
    }
}
