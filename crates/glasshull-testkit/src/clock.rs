use std::sync::atomic::{AtomicI64, Ordering::SeqCst};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use glasshull_store::Clock;

/// A clock that stands until it is told to go.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// Begins at the machine's time, so that what real processes stamp fits.
    pub fn new() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(AtomicI64::new(since.as_nanos() as i64))
    }

    /// Goes on by so much.
    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(by.as_nanos() as i64, SeqCst);
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for ManualClock {
    fn now_ns(&self) -> i64 {
        self.0.load(SeqCst)
    }
}
