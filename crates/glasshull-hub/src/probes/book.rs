use std::collections::VecDeque;
use std::sync::Arc;

use glasshull_api::statement::{Trace, Untrace};
use glasshull_catalog::{ProbeEnd, ProbeRow};

use super::counts::Counts;
use super::status::Matched;
use crate::limits::MAX_ENDED_PROBES;

/// What a hub knows of its probes.
pub(super) struct Book {
    /// In order of their numbers.
    pub(super) running: Vec<Entry>,
    /// The last that ended, the oldest first.
    pub(super) ended: VecDeque<ProbeRow>,
    /// Grows with each change.
    pub(super) revision: u64,
}

/// A probe that runs.
pub(super) struct Entry {
    pub(super) row: ProbeRow,
    pub(super) trace: Arc<Trace>,
    pub(super) counts: Counts,
    /// What matched when instances or functions changed last.
    pub(super) matched: Option<Matched>,
}

impl Book {
    pub(super) fn new(revision: u64) -> Self {
        Self { running: Vec::new(), ended: VecDeque::new(), revision }
    }

    pub(super) fn find(&mut self, id: &str) -> Option<&mut Entry> {
        self.running.iter_mut().find(|entry| entry.row.id == id)
    }

    /// Moves a probe to those that ended.
    pub(super) fn end(&mut self, id: &str, end: ProbeEnd) {
        if let Some(at) = self.running.iter().position(|entry| entry.row.id == id) {
            let entry = self.running.remove(at);
            self.remember(ProbeRow { end: Some(end), counts: entry.counts.total(), ..entry.row });
        }
    }

    /// Keeps a probe that ended, for a while.
    pub(super) fn remember(&mut self, row: ProbeRow) {
        if self.ended.len() == MAX_ENDED_PROBES {
            self.ended.pop_front();
        }
        self.ended.push_back(row);
    }
}

impl Entry {
    pub(super) fn new(row: ProbeRow, trace: Trace) -> Self {
        let counts = Counts::from(row.counts);
        Self { row, trace: Arc::new(trace), counts, matched: None }
    }

    /// Whether `UNTRACE` means this probe.
    pub(super) fn is(&self, which: &Untrace) -> bool {
        match which {
            Untrace::All => true,
            Untrace::Probe(id) => self.row.id.eq_ignore_ascii_case(id),
            Untrace::Pattern(pattern) => self.trace.patterns.contains(pattern),
        }
    }

    /// Its id, how it ends and why, if it is over.
    pub(super) fn over(&self, now_ns: i64) -> Option<(String, &'static str, String)> {
        let captured = self.counts.total().captured;
        if captured >= self.trace.max_calls {
            let reason = format!("It captured {captured} calls; {} were asked for.", self.trace.max_calls);
            return Some((self.row.id.clone(), "limited", reason));
        }
        (self.row.expires_at_ns <= now_ns).then(|| (self.row.id.clone(), "expired", "Its time is over.".into()))
    }
}
