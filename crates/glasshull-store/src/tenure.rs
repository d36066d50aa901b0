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

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::journal::objects as journal;
use crate::object_log::{Entries, LogError, Place};
use crate::{StoreError, copies};

const FOLDER: &str = "tenures";

/// Digits of a number in a name, so that names are in order.
pub(crate) const NUMBER_DIGITS: usize = 20;

/// How long one request may take: what a sender waits for in vain. It comes again.
pub(crate) const ANSWER_WITHIN: Duration = Duration::from_secs(20);

/// How often a number is tried again that is said to be there and is not, and how long after.
const MOST_DOUBTED: u32 = 40;
const DOUBTED_FOR: Duration = Duration::from_millis(250);

/// The time in which objects are one hub's: from when it takes them over until another does.
#[derive(Clone, Debug)]
pub struct Tenure {
    objects: Arc<dyn ObjectStore>,
    number: u64,
    /// The last before this one that came so far as to write a journal; 0: none.
    last_ran: u64,
    /// The catalog knows all that was ever published from the one tenure on up to before the other.
    known: Arc<[AtomicU64; 2]>,
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
        let of_entries = |places: &[Place]| places.last().map_or(0, |at| at.tenure());
        let last_ran = of_entries(&Entries::new(objects.clone(), journal::FOLDER).places().await?);
        let last_copied = of_entries(&Entries::new(objects.clone(), copies::FOLDER).places().await?);
        // Where somebody has deleted the numbers, what was put under them still tells.
        let mut number = last.unwrap_or(0).max(last_ran).max(last_copied).saturating_add(1);
        let only_new = || PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        let mut doubted = 0;
        loop {
            match objects.put_opts(&path(number), PutPayload::new(), only_new()).await {
                Ok(_) => return Ok(Self::new(objects, number, last_ran)),
                // Some object stores answer so, too, where another put is under way: a number that is left out would leave
                // whoever has the one before in the belief that nobody came after.
                Err(Error::AlreadyExists { .. }) => match objects.head(&path(number)).await {
                    Ok(_) => number = number.saturating_add(1),
                    Err(Error::NotFound { .. }) if doubted < MOST_DOUBTED => {
                        doubted += 1;
                        tokio::time::sleep(DOUBTED_FOR).await;
                    }
                    Err(error) => return Err(error.into()),
                },
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn new(objects: Arc<dyn ObjectStore>, number: u64, last_ran: u64) -> Self {
        Self { objects, number, last_ran, known: Arc::default(), over: CancellationToken::new() }
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

    /// The last one before this that may have published anything; 0: none.
    pub(crate) fn last_ran(&self) -> u64 {
        self.last_ran
    }

    /// The catalog knows all that was published in these tenures.
    pub(crate) fn set_known(&self, tenures: Range<u64>) {
        let [from, to] = &*self.known;
        from.store(tenures.start, Relaxed);
        to.store(tenures.end, Relaxed);
    }

    /// Whether the catalog knows all that was ever published in a tenure.
    pub(crate) fn knows_all_of(&self, tenure: u64) -> bool {
        let [from, to] = &*self.known;
        (from.load(Relaxed)..to.load(Relaxed)).contains(&tenure)
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
