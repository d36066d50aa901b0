//! The waiting line: so many questions are worked on, so many wait, the rest are refused.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use glasshull_api::{Code, Failure};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Where questions wait.
#[derive(Debug)]
pub(crate) struct Line {
    places: Arc<Semaphore>,
    max_concurrent: usize,
    max_waiting: usize,
    waiting: AtomicUsize,
}

/// A question that is worked on; dropped when it is not any more.
pub(crate) type Place = OwnedSemaphorePermit;

impl Line {
    pub(crate) fn new(max_concurrent: usize, max_waiting: usize) -> Self {
        let max_concurrent = max_concurrent.clamp(1, Semaphore::MAX_PERMITS);
        let places = Arc::new(Semaphore::new(max_concurrent));
        Self { places, max_concurrent, max_waiting, waiting: AtomicUsize::new(0) }
    }

    /// Waits for a place, so long at most.
    pub(crate) async fn enter(&self, within: Duration) -> Result<Place, Failure> {
        if let Ok(place) = self.places.clone().try_acquire_owned() {
            return Ok(place);
        }
        let _waiting = Waiting::begin(self).ok_or_else(|| self.full())?;
        match tokio::time::timeout(within, self.places.clone().acquire_owned()).await {
            Ok(Ok(place)) => Ok(place),
            _ => Err(self.full()),
        }
    }

    fn full(&self) -> Failure {
        let message = format!("{} queries are running and {} are waiting.", self.running(), self.waiting());
        Failure::new(Code::TooManyQueries, message).hint("Ask again in a moment.")
    }

    pub(crate) fn running(&self) -> usize {
        self.max_concurrent - self.places.available_permits()
    }

    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Relaxed)
    }
}

/// Counts one that waits for as long as it does, also where it gives up.
struct Waiting<'a>(&'a Line);

impl<'a> Waiting<'a> {
    fn begin(line: &'a Line) -> Option<Self> {
        let counted =
            line.waiting.fetch_update(Relaxed, Relaxed, |waiting| (waiting < line.max_waiting).then_some(waiting + 1));
        counted.is_ok().then(|| Self(line))
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Relaxed);
    }
}
