//! The journal in an object store: a hub whose machine is lost loses nothing that was acknowledged. Each group that is
//! synced becomes one entry of a log ([`ObjectLog`]), a part of a journal's file.
//!
//! ```text
//! part     = "GHP1"  crc32c of file and offset: u32  file: u64  offset: u64  bytes of the file from `offset` on
//! takeover = "GHT1"  crc32c of the rest: u32  (tenure: u64  number: u64)*
//! ```
//!
//! Numbers are little-endian. A part replaces what those before it have said of the file from its offset on: that did not
//! count. A takeover is a hub's first entry, and names all entries of others that it has read: those of earlier tenures that
//! are not among them came later and count for nothing.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Buf, Bytes};
use object_store::PutPayload;
use tokio::runtime::Handle;

use super::disk::{Disk, DiskFile};
use super::format::MAX_PAYLOAD_BYTES;
use super::writer::GROUP_BYTES;
use crate::object_log::{ObjectLog, Place, Read};
use crate::{StoreError, Tenure};

/// Where the journal lies in the object store.
pub(crate) const FOLDER: &str = "journal";

/// The first bytes of a part, and of a takeover.
const PART_MARK: &[u8; 4] = b"GHP1";
const TAKEOVER_MARK: &[u8; 4] = b"GHT1";

/// Bytes of a part before those of the file.
const HEAD_BYTES: usize = 24;

/// Bytes of a takeover: a hub that could not publish for some weeks leaves so many entries.
const MAX_TAKEOVER_BYTES: usize = 256 << 20;

/// Bytes of a part: a group, whose last payload may begin just before it is full, and room to grow.
const MAX_PART_BYTES: usize = 2 * (GROUP_BYTES + MAX_PAYLOAD_BYTES);

/// The journal's files in an object store. Not to be used on a thread of the runtime that must not block.
#[derive(Clone, Debug)]
pub(crate) struct Objects(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    log: ObjectLog,
    /// Where puts and deletions are carried out.
    runtime: Handle,
    /// What each entry is a part of; `None`: damaged, or put without counting.
    parts: Mutex<BTreeMap<Place, Option<Part>>>,
}

/// What the first bytes of an entry tell.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Part(Part),
    Takeover,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Part {
    file: u64,
    offset: u64,
}

impl Objects {
    /// The journal as those have left it who had it before: what comes of them later counts for nothing.
    ///
    /// # Errors
    /// [`StoreError::ObjectStore`].
    pub(crate) async fn open(tenure: Tenure) -> Result<Self, StoreError> {
        let (log, places) = ObjectLog::open(tenure, FOLDER).await?;
        let heads = log.entries.read(places.iter().copied(), Some(HEAD_BYTES), HEAD_BYTES).await?;
        let there = places.into_iter().zip(heads).filter(|(_, head)| !matches!(head, Read::Gone));
        let entries: Vec<(Place, Option<Kind>)> =
            there.map(|(at, head)| (at, head.entry().and_then(|head| Kind::of(&head)))).collect();
        let last = entries.iter().rev().find(|(_, kind)| *kind == Some(Kind::Takeover)).map(|&(at, _)| at);
        let named = match last {
            Some(at) => named_by(&log, at).await?,
            None => HashSet::new(),
        };
        let counts = |at: &Place| last.is_none_or(|last| *at > last || named.contains(at));
        let (kept, void): (Vec<_>, Vec<_>) =
            entries.into_iter().partition(|(at, kind)| counts(at) && *kind != Some(Kind::Takeover));
        for (entry, _) in kept.iter().filter(|(_, kind)| kind.is_none()) {
            tracing::error!(%entry, "an entry of the journal is damaged: acknowledged calls may be lost");
        }
        let takeover = takeover(kept.iter().map(|&(at, _)| at));
        log.put(log.place(), takeover.into()).await.map_err(|e| StoreError::ObjectStore(e.to_string()))?;
        // What stays takes room until the next start.
        if let Err(error) = log.entries.delete(void.into_iter().map(|(at, _)| at)).await {
            tracing::warn!(%error, "entries of the journal that count for nothing could not be deleted");
        }
        let part = |kind: Option<Kind>| if let Some(Kind::Part(part)) = kind { Some(part) } else { None };
        let parts = Mutex::new(kept.into_iter().map(|(at, kind)| (at, part(kind))).collect());
        Ok(Self(Arc::new(Inner { log, runtime: Handle::current(), parts })))
    }

    /// The entries that a file is made of.
    fn parts_of(&self, file: u64) -> Vec<(Place, Part)> {
        let parts = self.parts();
        let found = parts.iter().filter_map(|(&at, part)| Some((at, part.filter(|part| part.file == file)?)));
        found.collect()
    }

    fn parts(&self) -> MutexGuard<'_, BTreeMap<Place, Option<Part>>> {
        self.0.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Part {
    fn encode(self) -> Bytes {
        let place = [self.file.to_le_bytes(), self.offset.to_le_bytes()].concat();
        let crc = crc32c::crc32c(&place).to_le_bytes();
        [PART_MARK.as_slice(), &crc, &place].concat().into()
    }

    fn decode(entry: &[u8]) -> Option<Self> {
        let mut head = entry.get(..HEAD_BYTES)?.strip_prefix(PART_MARK)?;
        let crc = head.get_u32_le();
        (crc32c::crc32c(head) == crc).then(|| Self { file: head.get_u64_le(), offset: head.get_u64_le() })
    }
}

impl Kind {
    fn of(head: &[u8]) -> Option<Self> {
        if head.starts_with(TAKEOVER_MARK) { Some(Self::Takeover) } else { Part::decode(head).map(Self::Part) }
    }
}

/// The entry that names those that count.
fn takeover(entries: impl Iterator<Item = Place>) -> Bytes {
    let named: Vec<u8> = entries.flat_map(Place::to_bytes).collect();
    [TAKEOVER_MARK.as_slice(), &crc32c::crc32c(&named).to_le_bytes(), &named].concat().into()
}

/// The entries that a takeover names.
async fn named_by(log: &ObjectLog, at: Place) -> Result<HashSet<Place>, StoreError> {
    let read = log.entries.read_one(at, None, MAX_TAKEOVER_BYTES).await?;
    let named = read.entry().and_then(|entry| {
        let mut head = entry.strip_prefix(TAKEOVER_MARK)?;
        let crc = head.try_get_u32_le().ok()?;
        (crc32c::crc32c(head) == crc).then(|| head.chunks_exact(Place::BYTES).map(Place::from_bytes).collect())
    });
    let damaged = || {
        format!(
            "entry {at} of its journal is damaged; restore it from a copy, or delete it: then what an earlier hub put too \
             late is read as well"
        )
    };
    named.ok_or_else(|| StoreError::ObjectStore(damaged()))
}

impl Disk for Objects {
    fn create(&self, number: u64) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(OpenObject { objects: self.clone(), file: number, offset: 0, unsynced: Vec::new() }))
    }

    fn numbers(&self) -> io::Result<Vec<u64>> {
        let files: BTreeSet<u64> = self.parts().values().flatten().map(|part| part.file).collect();
        Ok(files.into_iter().collect())
    }

    fn read(&self, number: u64) -> io::Result<Vec<u8>> {
        let parts = self.parts_of(number);
        let read = self.0.log.entries.read(parts.iter().map(|&(at, _)| at), None, MAX_PART_BYTES);
        let read = self.0.runtime.block_on(read).map_err(io::Error::other)?;
        let mut file = Vec::new();
        for (read, (_, part)) in read.into_iter().zip(parts) {
            let entry = read.entry().unwrap_or_default();
            let bytes = entry.get(HEAD_BYTES..).unwrap_or_default();
            // Where a part is missing, zeros are: what stands behind them is found, and what is missing is told.
            let offset = usize::try_from(part.offset).map_err(io::Error::other)?;
            file.resize(offset.min(file.len() + MAX_PART_BYTES), 0);
            file.extend_from_slice(bytes);
        }
        Ok(file)
    }

    fn sync(&self, _: u64) -> io::Result<()> {
        Ok(())
    }

    fn remove(&self, number: u64) -> io::Result<()> {
        let Some((last, _)) = self.parts_of(number).pop() else { return Ok(()) };
        // With it goes what stands before it and belongs to no file.
        let goes = |(at, part): (&Place, &Option<Part>)| *at <= last && part.is_none_or(|part| part.file == number);
        let places: Vec<Place> = self.parts().iter().filter(|&entry| goes(entry)).map(|(&at, _)| at).collect();
        self.0.runtime.block_on(self.0.log.entries.delete(places.iter().copied())).map_err(io::Error::other)?;
        self.parts().retain(|at, _| !places.contains(at));
        Ok(())
    }

    fn failed(&self, error: &io::Error) -> StoreError {
        StoreError::ObjectStore(format!("its journal cannot be read: {error}"))
    }
}

/// A file whose next part is gathered.
struct OpenObject {
    objects: Objects,
    file: u64,
    offset: u64,
    unsynced: Vec<u8>,
}

impl DiskFile for OpenObject {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.unsynced.extend_from_slice(bytes);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        if self.unsynced.is_empty() {
            return Ok(());
        }
        let Inner { log, runtime, .. } = &*self.objects.0;
        let part = Part { file: self.file, offset: self.offset };
        let bytes = Bytes::from(std::mem::take(&mut self.unsynced));
        self.offset += bytes.len() as u64;
        let at = log.place();
        // It may be there also where the put fails, and has to be deleted then.
        self.objects.parts().insert(at, None);
        let entry = PutPayload::from_iter([part.encode(), bytes]);
        runtime.block_on(log.put(at, entry)).map_err(io::Error::other)?;
        self.objects.parts().insert(at, Some(part));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_says_what_it_is_a_part_of_or_that_it_is_damaged() {
        let part = Part { file: 7, offset: 4_096 };
        let entry = [&part.encode()[..], b"the bytes"].concat();
        assert_eq!(Part::decode(&entry), Some(part));
        for place in 0..HEAD_BYTES {
            let mut damaged = entry.clone();
            damaged[place] ^= 1;
            assert_eq!(Part::decode(&damaged), None, "{place}");
        }
        assert_eq!(Part::decode(&entry[..HEAD_BYTES - 1]), None);
    }
}
