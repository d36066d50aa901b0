use std::collections::HashMap;

use glasshull_catalog::InstanceId;
use glasshull_wire::v1::ProbeReport;

use crate::limits::{MAX_INSTANCES_COUNTED, MAX_REASON_BYTES};

/// No count goes beyond this: an instance that lies cannot make sums overflow, here or in the catalog.
const MOST: u64 = 1 << 60;

/// What one probe captured and skipped: captured, by sample, by rate, by condition.
///
/// Instances count from when a probe reached them, whatever happens to the hub meanwhile. A hub that restarts knows
/// the sum it last kept, and learns each instance's own count with its first report. The truth is at least both: the
/// kept sum with what was counted since, and the sum of all instances' counts.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// What the catalog held when this hub started.
    before: [u64; 4],
    /// What instances counted since their first report to this hub.
    since: [u64; 4],
    /// What they counted in all.
    in_all: [u64; 4],
    /// What the catalog holds.
    kept: [u64; 4],
    /// Reports that were not taken.
    pub(super) refused: u64,
    /// The last report of each instance.
    pub(super) reports: HashMap<InstanceId, ProbeReport>,
}

impl Counts {
    /// Going on from what the catalog holds.
    pub(super) fn from(kept: [u64; 4]) -> Self {
        Self { before: kept, kept, ..Self::default() }
    }

    /// Takes a report; `false` where so many instances are followed that it is not taken.
    pub(super) fn report(&mut self, instance: InstanceId, said: &ProbeReport) -> bool {
        if self.reports.len() >= MAX_INSTANCES_COUNTED && !self.reports.contains_key(&instance) {
            self.refused += 1;
            return false;
        }
        let now = numbers(said);
        let last = self.reports.insert(instance, shortened(said)).map(|report| numbers(&report));
        // Where the catalog held nothing, nothing of a first report was counted before.
        let counted = last.unwrap_or(if self.before == [0; 4] { [0; 4] } else { now });
        for (i, &now) in now.iter().enumerate() {
            // A count that fell began anew: the instance got the probe again.
            add(&mut self.since[i], now.checked_sub(counted[i]).unwrap_or(now));
            add(&mut self.in_all[i], now.checked_sub(last.map_or(0, |last| last[i])).unwrap_or(now));
        }
        true
    }

    /// Captured, skipped by sample, by rate, by condition.
    pub(super) fn total(&self) -> [u64; 4] {
        std::array::from_fn(|i| self.before[i].saturating_add(self.since[i]).max(self.in_all[i]).min(MOST))
    }

    /// What the catalog does not hold yet. It counts as held from now on: whoever cannot put it there gives it back.
    pub(super) fn take_due(&mut self) -> Option<[u64; 4]> {
        let total = self.total();
        let due = std::array::from_fn(|i| total[i].saturating_sub(self.kept[i]));
        for (kept, due) in self.kept.iter_mut().zip(due) {
            add(kept, due);
        }
        (due != [0; 4]).then_some(due)
    }

    /// The catalog does not hold so much after all.
    pub(super) fn give_back(&mut self, due: [u64; 4]) {
        for (kept, due) in self.kept.iter_mut().zip(due) {
            *kept = kept.saturating_sub(due);
        }
    }
}

fn add(sum: &mut u64, more: u64) {
    *sum = sum.saturating_add(more).min(MOST);
}

/// A report with texts that may be kept, and shown to everybody who looks.
fn shortened(said: &ProbeReport) -> ProbeReport {
    let cut = |text: &str| text[..text.floor_char_boundary(MAX_REASON_BYTES)].to_owned();
    let (reason, printed_at) = (cut(&said.reason), cut(&said.printed_at));
    ProbeReport { reason, printed_at, probe_id: String::new(), ..said.clone() }
}

fn numbers(said: &ProbeReport) -> [u64; 4] {
    [said.captured, said.skipped_by_sample, said.skipped_by_rate, said.skipped_by_condition]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn captured(captured: u64) -> ProbeReport {
        ProbeReport { captured, ..ProbeReport::default() }
    }

    fn total(counts: &Counts) -> u64 {
        counts.total()[0]
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
        assert_eq!(counts.take_due(), Some([16, 0, 0, 0]));
        assert_eq!(counts.take_due(), None, "whoever else asks meanwhile must not count it again");
        counts.give_back([16, 0, 0, 0]);
        assert_eq!(counts.take_due(), Some([16, 0, 0, 0]));
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
        let mut counts = Counts::from([MOST, 0, 0, 0]);
        for said in [u64::MAX, 0, u64::MAX, 0, u64::MAX] {
            counts.report(A, &captured(said));
        }
        assert_eq!(total(&counts), MOST);
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
        let mut counts = Counts::from([100, 0, 0, 0]);
        counts.report(A, &captured(70));
        assert_eq!(total(&counts), 100);
        counts.report(B, &captured(50));
        assert_eq!(total(&counts), 120, "70 and 50: twenty came while the hub was away");
        counts.report(B, &captured(60));
        assert_eq!(total(&counts), 130);
    }

    #[test]
    fn after_a_restart_the_counts_of_instances_that_are_gone_are_kept() {
        let mut counts = Counts::from([100, 0, 0, 0]);
        counts.report(A, &captured(10));
        counts.report(A, &captured(15));
        assert_eq!(total(&counts), 105);
    }
}
