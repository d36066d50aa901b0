//! Numbered objects in a folder of an object store, which the hub whose they are adds to: see [`Tenure`].
//!
//! ```text
//! FOLDER/00000000000000000007-00000000000000000042     the seventh hub's 42nd entry, never changed
//! ```
//!
//! A number is not used again where a put has failed, as it may happen later all the same.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use bytes::{Buf, Bytes};
use futures::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{GetOptions, ObjectStore, ObjectStoreExt, PutPayload};
use tokio::time::timeout;

use crate::Tenure;
use crate::tenure::{ANSWER_WITHIN, NUMBER_DIGITS};

/// Entries that are read or deleted at a time: a store answers each only after some tens of milliseconds.
const AT_A_TIME: usize = 16;

/// A put may take so much longer the larger it is.
const SLOWEST_BYTES_A_SECOND: u64 = 1 << 20;

/// Why an entry does not count. It may be there all the same.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LogError {
    /// This hub may never add an entry again.
    #[error("another hub has taken over the object store; this one must stop")]
    TakenOver,
    #[error("{0}")]
    ObjectStore(#[from] object_store::Error),
    #[error("the object store gave no answer within {} s", ANSWER_WITHIN.as_secs())]
    NoAnswer,
}

/// Where an entry stands: whose it is, and its number. In this order they were added.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) struct Place {
    tenure: u64,
    number: u64,
}

/// What is read of an entry.
#[derive(Clone, Debug)]
pub(crate) enum Read {
    Entry(Bytes),
    /// It is longer than any of ours.
    TooLong,
    /// Whoever had the log before has deleted it meanwhile, as nobody needs it.
    Gone,
}

impl Read {
    pub(crate) fn entry(self) -> Option<Bytes> {
        if let Self::Entry(entry) = self { Some(entry) } else { None }
    }
}

/// The entries in one folder.
#[derive(Debug)]
pub(crate) struct Entries {
    objects: Arc<dyn ObjectStore>,
    folder: Path,
}

impl Entries {
    pub(crate) fn new(objects: Arc<dyn ObjectStore>, folder: &str) -> Self {
        Self { objects, folder: Path::from(folder) }
    }

    /// Where they stand, in order.
    pub(crate) async fn places(&self) -> object_store::Result<Vec<Place>> {
        let listed: Vec<_> = self.objects.list(Some(&self.folder)).try_collect().await?;
        let mut places: Vec<Place> = listed.iter().filter_map(|object| Place::of(&object.location)).collect();
        places.sort_unstable();
        Ok(places)
    }

    /// Entries in order, of each its first `bytes`, or all, unless it is longer than `most` bytes.
    pub(crate) async fn read(
        &self,
        places: impl IntoIterator<Item = Place>,
        bytes: Option<usize>,
        most: usize,
    ) -> object_store::Result<Vec<Read>> {
        let reads = places.into_iter().map(|at| self.read_one(at, bytes, most));
        stream::iter(reads).buffered(AT_A_TIME).try_collect().await
    }

    pub(crate) async fn read_one(&self, at: Place, bytes: Option<usize>, most: usize) -> object_store::Result<Read> {
        let range = bytes.map(|bytes| (0..bytes as u64).into());
        let options = GetOptions { range, ..GetOptions::default() };
        let got = match self.objects.get_opts(&self.path(at), options).await {
            Err(object_store::Error::NotFound { .. }) => return Ok(Read::Gone),
            got => got?,
        };
        if got.range.end - got.range.start > most as u64 {
            return Ok(Read::TooLong);
        }
        got.bytes().await.map(Read::Entry)
    }

    /// Deletes entries, where they are there.
    pub(crate) async fn delete(&self, places: impl IntoIterator<Item = Place>) -> object_store::Result<()> {
        let deletions = places.into_iter().map(|at| async move {
            match self.objects.delete(&self.path(at)).await {
                Err(object_store::Error::NotFound { .. }) => Ok(()),
                other => other,
            }
        });
        stream::iter(deletions).buffered(AT_A_TIME).try_collect().await
    }

    fn path(&self, at: Place) -> Path {
        self.folder.clone().join(at.to_string())
    }
}

/// The entries in one folder, to which one hub adds.
#[derive(Debug)]
pub(crate) struct ObjectLog {
    pub(crate) entries: Entries,
    tenure: Tenure,
    next: AtomicU64,
}

impl ObjectLog {
    /// The log, and where the entries stand of those who had it before, in order.
    pub(crate) async fn open(tenure: Tenure, folder: &str) -> object_store::Result<(Self, Vec<Place>)> {
        let entries = Entries::new(tenure.objects().clone(), folder);
        let places = entries.places().await?;
        Ok((Self { entries, tenure, next: AtomicU64::new(1) }, places))
    }

    /// Where the next entry will stand. Nobody else is told the same.
    pub(crate) fn place(&self) -> Place {
        Place { tenure: self.tenure.number(), number: self.next.fetch_add(1, Relaxed) }
    }

    /// Adds an entry; it counts when this returns.
    pub(crate) async fn put(&self, at: Place, entry: PutPayload) -> Result<(), LogError> {
        if self.tenure.is_over() {
            return Err(LogError::TakenOver);
        }
        let path = self.entries.path(at);
        let within = ANSWER_WITHIN + Duration::from_secs(entry.content_length() as u64 / SLOWEST_BYTES_A_SECOND);
        timeout(within, self.entries.objects.put(&path, entry)).await.map_err(|_| LogError::NoAnswer)??;
        self.tenure.check().await
    }

    /// Whether entries can still be added: nobody has taken over.
    pub(crate) async fn check(&self) -> Result<(), LogError> {
        self.tenure.check().await
    }
}

impl Place {
    /// The number of the tenure in which the entry was put.
    pub(crate) fn tenure(self) -> u64 {
        self.tenure
    }

    /// Bytes of one that is written down.
    pub(crate) const BYTES: usize = 16;

    pub(crate) fn to_bytes(self) -> impl Iterator<Item = u8> {
        [self.tenure, self.number].into_iter().flat_map(u64::to_le_bytes)
    }

    /// Of as many bytes as one has.
    pub(crate) fn from_bytes(mut bytes: &[u8]) -> Self {
        Self { tenure: bytes.get_u64_le(), number: bytes.get_u64_le() }
    }

    fn of(path: &Path) -> Option<Self> {
        let (tenure, number) = path.filename()?.split_once('-')?;
        let place = Self { tenure: tenure.parse().ok()?, number: number.parse().ok()? };
        (place.to_string() == path.filename()?).then_some(place)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tenure, number } = self;
        write!(f, "{tenure:0NUMBER_DIGITS$}-{number:0NUMBER_DIGITS$}")
    }
}
