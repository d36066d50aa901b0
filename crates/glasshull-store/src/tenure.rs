//! Who writes the journal and the copies of the catalog in an object store, and until when.
//!
//! ```text
//! tenures/00000000000000000007     empty: the seventh start of a hub on these objects; never deleted
//! ```
//!
//! A hub takes the objects over by putting the next number where there is none yet, which the object store decides. Then it
//! reads what those before it have put. Whatever a hub puts counts only when it has seen, *after* the put, that nobody has
//! taken over: so what counts was there before the other began to read, and what was not there then counts for nothing.
//! Each hub puts under its own number: nobody overwrites what another has put.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::StoreError;
use crate::object_log::LogError;

const FOLDER: &str = "tenures";

/// Digits of a number in a name, so that names are in order.
pub(crate) const NUMBER_DIGITS: usize = 20;

/// How long one request may take: what a sender waits for in vain. It comes again.
pub(crate) const ANSWER_WITHIN: Duration = Duration::from_secs(20);

/// The time in which objects are one hub's: from when it takes them over until another does.
#[derive(Clone, Debug)]
pub struct Tenure {
    objects: Arc<dyn ObjectStore>,
    number: u64,
    /// Whose copy of the catalog this one goes on from; 0: nobody's.
    restored_from: Arc<AtomicU64>,
    over: CancellationToken,
}

impl Tenure {
    /// Takes objects over: what the one before puts from now on counts for nothing. The object store must leave alone what
    /// is put only where there is none, and list and read at once what was put.
    ///
    /// # Errors
    /// [`StoreError::ObjectStore`].
    pub async fn take(objects: Arc<dyn ObjectStore>) -> Result<Self, StoreError> {
        let listed: Vec<_> = objects.list(Some(&Path::from(FOLDER))).try_collect().await?;
        let last = listed.iter().filter_map(|object| object.location.filename()?.parse().ok()).max();
        let mut number = last.map_or(1, |last: u64| last.saturating_add(1));
        let only_new = || PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        loop {
            match objects.put_opts(&path(number), PutPayload::new(), only_new()).await {
                Ok(_) => {
                    return Ok(Self { objects, number, restored_from: Arc::default(), over: CancellationToken::new() });
                }
                // Another's, or this one's, whose answer was lost: the next will do as well.
                Err(Error::AlreadyExists { .. }) => number = number.saturating_add(1),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Returns when another hub is known to have taken over: nothing is acknowledged, published or deleted any more.
    pub async fn ended(&self) {
        self.over.cancelled().await;
    }

    /// Whether another hub is known to have taken over.
    pub fn is_over(&self) -> bool {
        self.over.is_cancelled()
    }

    /// How many have taken these objects over, with this one.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Goes on from a copy of the catalog that hub `tenure` has made.
    pub(crate) fn restores_from(&self, tenure: u64) {
        self.restored_from.store(tenure, Relaxed);
    }

    /// Whether the catalog knows all that hub `tenure` has ever published: its copy was made by a later one.
    pub(crate) fn knows_all_of(&self, tenure: u64) -> bool {
        tenure < self.restored_from.load(Relaxed)
    }

    pub(crate) fn objects(&self) -> &Arc<dyn ObjectStore> {
        &self.objects
    }

    /// Whether what was put before this is asked counts: nobody has taken over.
    pub(crate) async fn check(&self) -> Result<(), LogError> {
        if self.is_over() {
            return Err(LogError::TakenOver);
        }
        let next = path(self.number.saturating_add(1));
        match timeout(ANSWER_WITHIN, self.objects.head(&next)).await.map_err(|_| LogError::NoAnswer)? {
            Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
            Ok(_) => {
                tracing::error!(
                    "another hub has taken over the object store: this one acknowledges nothing any more and must stop"
                );
                self.over.cancel();
                Err(LogError::TakenOver)
            }
        }
    }
}

fn path(number: u64) -> Path {
    Path::from(FOLDER).join(format!("{number:0NUMBER_DIGITS$}"))
}
