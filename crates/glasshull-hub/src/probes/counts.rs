use std::collections::HashMap;

use glasshull_catalog::InstanceId;
use glasshull_wire::v1::ProbeReport;

use crate::limits::MAX_INSTANCES_SHOWN;

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
    /// The last report of each instance.
    pub(super) reports: HashMap<InstanceId, ProbeReport>,
}

impl Counts {
    /// Going on from what the catalog holds.
    pub(super) fn from(kept: [u64; 4]) -> Self {
        Self { before: kept, kept, ..Self::default() }
    }

    /// Takes a report.
    pub(super) fn report(&mut self, instance: InstanceId, said: &ProbeReport) {
        if self.reports.len() >= MAX_INSTANCES_SHOWN && !self.reports.contains_key(&instance) {
            return;
        }
        let now = numbers(said);
        let last = self.reports.insert(instance, said.clone()).map(|report| numbers(&report));
        // Where the catalog held nothing, nothing of a first report was counted before.
        let counted = last.unwrap_or(if self.before == [0; 4] { [0; 4] } else { now });
        for (i, &now) in now.iter().enumerate() {
            // A count that fell began anew: the instance got the probe again.
            self.since[i] += now.checked_sub(counted[i]).unwrap_or(now);
            self.in_all[i] += now.checked_sub(last.map_or(0, |last| last[i])).unwrap_or(now);
        }
    }

    /// Captured, skipped by sample, by rate, by condition.
    pub(super) fn total(&self) -> [u64; 4] {
        std::array::from_fn(|i| (self.before[i] + self.since[i]).max(self.in_all[i]))
    }

    /// What the catalog does not hold yet.
    pub(super) fn due(&self) -> Option<[u64; 4]> {
        let total = self.total();
        let due = std::array::from_fn(|i| total[i] - self.kept[i]);
        (due != [0; 4]).then_some(due)
    }

    /// The catalog holds so much more.
    pub(super) fn kept(&mut self, counts: [u64; 4]) {
        for (kept, count) in self.kept.iter_mut().zip(counts) {
            *kept += count;
        }
    }
}

fn numbers(said: &ProbeReport) -> [u64; 4] {
    // Numbers from outside: cut, so that no sum of them overflows.
    [said.captured, said.skipped_by_sample, said.skipped_by_rate, said.skipped_by_condition].map(|n| n.min(1 << 52))
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
        assert_eq!(counts.due(), Some([16, 0, 0, 0]));
        counts.kept([16, 0, 0, 0]);
        assert_eq!(counts.due(), None);
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
