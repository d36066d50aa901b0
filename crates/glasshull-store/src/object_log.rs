//! Numbered objects in a folder of an object store, which the hub whose they are adds to: see [`Tenure`].
//!
//! ```text
//! FOLDER/00000000000000000007-00000000000000000042     the seventh hub's 42nd entry, never changed
//! ```
//!
//! A number is not used again where a put has failed, as it may happen later all the same.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use bytes::{Buf, Bytes};
use futures::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{GetOptions, ObjectStoreExt, PutPayload};
use tokio::time::timeout;

use crate::Tenure;
use crate::tenure::{ANSWER_WITHIN, NUMBER_DIGITS};

/// Entries that are read or deleted at a time: a store answers each only after some tens of milliseconds.
const AT_A_TIME: usize = 16;

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

/// The entries in one folder.
#[derive(Debug)]
pub(crate) struct ObjectLog {
    tenure: Tenure,
    folder: Path,
    next: AtomicU64,
}

impl ObjectLog {
    /// The log, with the entries of those who had it before, in order.
    pub(crate) async fn open(tenure: Tenure, folder: &str) -> object_store::Result<(Self, Vec<Place>)> {
        let folder = Path::from(folder);
        let listed: Vec<_> = tenure.objects().list(Some(&folder)).try_collect().await?;
        let mut places: Vec<Place> = listed.iter().filter_map(|object| Place::of(&object.location)).collect();
        places.sort_unstable();
        Ok((Self { tenure, folder, next: AtomicU64::new(1) }, places))
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
        let path = self.path(at);
        timeout(ANSWER_WITHIN, self.tenure.objects().put(&path, entry)).await.map_err(|_| LogError::NoAnswer)??;
        self.tenure.check().await
    }

    /// Whether entries can still be added: nobody has taken over.
    pub(crate) async fn check(&self) -> Result<(), LogError> {
        self.tenure.check().await
    }

    /// Entries in order, of each its first `bytes`, or all; `None`: it is longer than `most` bytes, which none of ours is.
    pub(crate) async fn read(
        &self,
        places: impl IntoIterator<Item = Place>,
        bytes: Option<usize>,
        most: usize,
    ) -> object_store::Result<Vec<Option<Bytes>>> {
        let reads = places.into_iter().map(|at| async move {
            let range = bytes.map(|bytes| (0..bytes as u64).into());
            let options = GetOptions { range, ..GetOptions::default() };
            let got = self.tenure.objects().get_opts(&self.path(at), options).await?;
            if got.range.end - got.range.start > most as u64 { Ok(None) } else { got.bytes().await.map(Some) }
        });
        stream::iter(reads).buffered(AT_A_TIME).try_collect().await
    }

    /// Deletes entries, where they are there.
    pub(crate) async fn delete(&self, places: impl IntoIterator<Item = Place>) -> object_store::Result<()> {
        let deletions = places.into_iter().map(|at| async move {
            match self.tenure.objects().delete(&self.path(at)).await {
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
