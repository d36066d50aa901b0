//! What is not whole of what was captured, and what was lost, by reason and in few words: only what there is.

use glasshull_api::answers::{Drops, Probe};

use crate::plain::cut;

/// Characters of a function's path with its argument: a longer one would push the other columns out of sight.
const MAX_PLACE: usize = 80;

/// Of a probe's calls: `cut in 12 calls, failed in 3 (panicked or refused), condition undecided for 7`.
pub(crate) fn of_probe(probe: &Probe) -> String {
    let (values, undecided) = (&probe.values, probe.skipped.undecided);
    let first =
        values.printed_at.as_ref().map_or_else(String::new, |place| format!(" (first {})", cut(place, MAX_PLACE)));
    let all = [
        ("cut in", values.truncated_calls, ""),
        ("failed in", values.failed_values, " (panicked or refused)"),
        ("printed by Debug in", values.printed_values, &*first),
        ("condition undecided for", undecided, ""),
    ];
    let there = all.iter().filter(|(_, calls, _)| *calls > 0).enumerate();
    let told = there.map(|(place, (what, calls, more))| format!("{what} {calls}{}{more}", unit(place, *calls)));
    told.collect::<Vec<_>>().join(", ")
}

/// What is counted is said once.
fn unit(place: usize, calls: u64) -> &'static str {
    match (place, calls) {
        (0, 1) => " call",
        (0, _) => " calls",
        _ => "",
    }
}

/// Of an instance's calls: `ring full 3, inside values 2`.
pub(crate) fn of_instance(drops: &Drops) -> String {
    let there = drops.by_reason().into_iter().filter(|(_, calls)| *calls > 0);
    there.map(|(reason, calls)| format!("{reason} {calls}")).collect::<Vec<_>>().join(", ")
}
