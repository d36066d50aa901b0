use std::sync::atomic::{AtomicBool, AtomicI64, Ordering::SeqCst};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use glasshull_store::Clock;

/// A clock that stands until it is told to go.
#[derive(Debug)]
pub struct ManualClock {
    now_ns: AtomicI64,
    breaks: AtomicBool,
}

impl ManualClock {
    /// Begins at the machine's time, so that what real processes stamp fits.
    pub fn new() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { now_ns: AtomicI64::new(since.as_nanos() as i64), breaks: AtomicBool::new(false) }
    }

    /// Goes on by so much.
    pub fn advance(&self, by: Duration) {
        self.now_ns.fetch_add(by.as_nanos() as i64, SeqCst);
    }

    /// Whoever asks next panics: a fault of the hub's own.
    pub fn break_once(&self) {
        self.breaks.store(true, SeqCst);
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for ManualClock {
    fn now_ns(&self) -> i64 {
        assert!(!self.breaks.swap(false, SeqCst), "planted: the clock is broken");
        self.now_ns.load(SeqCst)
    }
}
