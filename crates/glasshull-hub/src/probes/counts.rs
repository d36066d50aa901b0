use std::collections::HashMap;

use glasshull_catalog::{InstanceId, ProbeCounts};
use glasshull_wire::v1::ProbeReport;

use crate::limits::{MAX_COUNT, MAX_INSTANCES_COUNTED, MAX_REASON_BYTES};

/// What one probe captured, left out and cost.
///
/// Instances count from when a probe reached them, whatever happens to the hub meanwhile. A hub that restarts knows
/// the sum it last kept, and learns each instance's own count with its first report. The truth is at least both: the
/// kept sum with what was counted since, and the sum of all instances' counts.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// What the catalog held when this hub started.
    before: ProbeCounts,
    /// What instances counted since their first report to this hub.
    since: ProbeCounts,
    /// What they counted in all.
    in_all: ProbeCounts,
    /// What the catalog holds.
    kept: ProbeCounts,
    /// Reports that were not taken.
    pub(super) refused: u64,
    /// The last report of each instance.
    pub(super) reports: HashMap<InstanceId, ProbeReport>,
}

impl Counts {
    /// Going on from what the catalog holds.
    pub(super) fn from(kept: ProbeCounts) -> Self {
        Self { before: kept, kept, ..Self::default() }
    }

    /// Takes a report; `false` where so many instances are followed that it is not taken.
    pub(super) fn report(&mut self, instance: InstanceId, said: &ProbeReport) -> bool {
        if self.reports.len() >= MAX_INSTANCES_COUNTED && !self.reports.contains_key(&instance) {
            self.refused += 1;
            return false;
        }
        let (now, nothing) = (counts(said), ProbeCounts::default());
        let last = self.reports.insert(instance, shortened(said)).map(|report| counts(&report));
        // Where the catalog held nothing, nothing of a first report was counted before.
        let counted = last.unwrap_or(if self.before == nothing { nothing } else { now });
        self.since = self.since.with(now.with(counted, growth), sum);
        self.in_all = self.in_all.with(now.with(last.unwrap_or_default(), growth), sum);
        true
    }

    /// All of it until now.
    pub(super) fn total(&self) -> ProbeCounts {
        self.before.with(self.since, sum).with(self.in_all, u64::max)
    }

    /// What the catalog does not hold yet. It counts as held from now on: whoever cannot put it there gives it back.
    pub(super) fn take_due(&mut self) -> Option<ProbeCounts> {
        let due = self.total().with(self.kept, u64::saturating_sub);
        self.kept = self.kept.with(due, sum);
        (due != ProbeCounts::default()).then_some(due)
    }

    /// The catalog does not hold so much after all.
    pub(super) fn give_back(&mut self, due: ProbeCounts) {
        self.kept = self.kept.with(due, u64::saturating_sub);
    }
}

fn sum(one: u64, other: u64) -> u64 {
    one.saturating_add(other).min(MAX_COUNT)
}

/// By how much a count has grown. One that fell began anew: the instance got the probe again.
fn growth(now: u64, before: u64) -> u64 {
    now.checked_sub(before).unwrap_or(now)
}

/// A report with texts that may be kept, and shown to everybody who looks.
fn shortened(said: &ProbeReport) -> ProbeReport {
    let cut = |text: &str| text[..text.floor_char_boundary(MAX_REASON_BYTES)].to_owned();
    let (reason, printed_at) = (cut(&said.reason), cut(&said.printed_at));
    ProbeReport { reason, printed_at, probe_id: String::new(), ..said.clone() }
}

fn counts(said: &ProbeReport) -> ProbeCounts {
    ProbeCounts {
        captured: said.captured,
        skipped_by_sample: said.skipped_by_sample,
        skipped_by_rate: said.skipped_by_rate,
        skipped_by_condition: said.skipped_by_condition,
        skipped_by_governor: said.skipped_by_governor,
        cpu_ns: said.cost_ns,
        captured_bytes: said.captured_bytes,
        truncated_calls: said.truncated_calls,
        failed_values: said.failed_values,
        printed_values: said.printed_values,
        undecided: said.undecided,
        condition_ns: said.condition_ns,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn captured(captured: u64) -> ProbeReport {
        ProbeReport { captured, ..ProbeReport::default() }
    }

    fn total(counts: &Counts) -> u64 {
        counts.total().captured
    }

    fn calls(captured: u64) -> ProbeCounts {
        ProbeCounts { captured, ..ProbeCounts::default() }
    }

    const A: InstanceId = InstanceId([1; 16]);
    const B: InstanceId = InstanceId([2; 16]);

    #[test]
    fn counts_of_instances_add_up() {
        let mut counts = Counts::default();
        for (instance, said) in [(A, 5), (B, 7), (A, 9)] {
            counts.report(instance, &captured(said));
        }
        assert_eq!(total(&counts), 16);
        assert_eq!(counts.take_due(), Some(calls(16)));
        assert_eq!(counts.take_due(), None, "whoever else asks meanwhile must not count it again");
        counts.give_back(calls(16));
        assert_eq!(counts.take_due(), Some(calls(16)));
    }

    #[test]
    fn instances_beyond_the_limit_are_told_and_the_others_go_on() {
        let mut counts = Counts::default();
        let instance = |n: usize| InstanceId((n as u128).to_be_bytes());
        for n in 0..MAX_INSTANCES_COUNTED {
            assert!(counts.report(instance(n), &captured(1)));
        }
        assert!(!counts.report(instance(MAX_INSTANCES_COUNTED), &captured(1)));
        assert!(counts.report(instance(0), &captured(3)));
        assert_eq!((counts.refused, total(&counts)), (1, MAX_INSTANCES_COUNTED as u64 + 2));
    }

    #[test]
    fn a_count_that_fell_began_anew() {
        let mut counts = Counts::default();
        for said in [5, 2, 3] {
            counts.report(A, &captured(said));
        }
        assert_eq!(total(&counts), 8);
    }

    #[test]
    fn an_instance_that_lies_overflows_nothing() {
        let mut counts = Counts::from(calls(MAX_COUNT));
        for said in [u64::MAX, 0, u64::MAX, 0, u64::MAX] {
            counts.report(A, &captured(said));
        }
        assert_eq!(total(&counts), MAX_COUNT);
        assert_eq!(counts.take_due(), None);
    }

    #[test]
    fn a_reason_is_cut_between_characters() {
        let mut counts = Counts::default();
        counts.report(A, &ProbeReport { reason: "ä".repeat(MAX_REASON_BYTES), ..ProbeReport::default() });
        assert_eq!(counts.reports[&A].reason, "ä".repeat(MAX_REASON_BYTES / 2));
    }

    #[test]
    fn after_a_restart_nothing_is_counted_twice_and_what_was_captured_meanwhile_counts() {
        let mut counts = Counts::from(calls(100));
        counts.report(A, &captured(70));
        assert_eq!(total(&counts), 100);
        counts.report(B, &captured(50));
        assert_eq!(total(&counts), 120, "70 and 50: twenty came while the hub was away");
        counts.report(B, &captured(60));
        assert_eq!(total(&counts), 130);
    }

    #[test]
    fn after_a_restart_the_counts_of_instances_that_are_gone_are_kept() {
        let mut counts = Counts::from(calls(100));
        counts.report(A, &captured(10));
        counts.report(A, &captured(15));
        assert_eq!(total(&counts), 105);
    }
}
