//! What the sender does and finds for one probe, counted for people and for the governor.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use glasshull_wire::limits::MAX_NAME_BYTES;
use glasshull_wire::v1;

use crate::value::{Met, cut};

/// Counts only grow. The sender alone writes them.
#[derive(Debug, Default)]
pub(crate) struct Work {
    truncated_calls: AtomicU64,
    failed_values: AtomicU64,
    printed_values: AtomicU64,
    printed_at: OnceLock<String>,
}

impl Work {
    /// A call that the probe keeps was written. `printed_at` tells where a value was that `Debug` printed.
    pub(crate) fn wrote(&self, met: Met, printed_at: impl FnOnce() -> String) {
        let count = |counter: &AtomicU64, met: bool| counter.fetch_add(met.into(), Ordering::Relaxed);
        count(&self.truncated_calls, met.truncated);
        count(&self.failed_values, met.failed);
        count(&self.printed_values, met.printed);
        if met.printed {
            self.printed_at.get_or_init(|| cut(&printed_at(), MAX_NAME_BYTES).to_owned());
        }
    }

    /// Adds the counts to a report.
    pub(crate) fn report(&self, report: &mut v1::ProbeReport) {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        report.truncated_calls = count(&self.truncated_calls);
        report.failed_values = count(&self.failed_values);
        report.printed_values = count(&self.printed_values);
        report.printed_at = self.printed_at.get().cloned().unwrap_or_default();
    }
}
