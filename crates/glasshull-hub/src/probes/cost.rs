//! What a probe costs the instances it captures in, and how far the governors there cut it back.

use glasshull_api::answers::ProbeCost;
use glasshull_catalog::ProbeCounts;
use glasshull_wire::v1::ProbeReport;

use crate::instances::Connected;
use crate::text::share;

/// What it cost until now, with nothing said yet of the present.
pub(super) fn so_far(counts: &ProbeCounts) -> ProbeCost {
    ProbeCost {
        governor_one_in: 1,
        cpu_ns: counts.cpu_ns,
        condition_ns: counts.condition_ns,
        captured_bytes: counts.captured_bytes,
        ..ProbeCost::default()
    }
}

/// Whether the governor lets in fewer requests than come. It does so also before it suspends a probe, and after.
pub(super) fn is_cut_back(report: &ProbeReport) -> bool {
    report.governor_one_in > 1
}

/// Adds what one connected instance says of the present.
pub(super) fn add(cost: &mut ProbeCost, report: &ProbeReport, instance: &Connected) {
    cost.governor_one_in = cost.governor_one_in.max(report.governor_one_in);
    cost.cut_back_instances += u32::from(is_cut_back(report));
    let taken = share(report.cpu_share_ppm);
    // What an instance said before it came again is not the present.
    let has_reported = instance.load.cpu_share.is_some();
    if has_reported && cost.cpu_share.is_none_or(|most| taken > most) {
        cost.instance = Some(instance.row.instance.clone());
        cost.cpu_share = Some(taken);
        cost.cpu_budget = instance.load.cpu_budget;
        cost.cpu_left = left(instance);
    }
}

/// What is left of an instance's budget, where it has one.
fn left(instance: &Connected) -> Option<f64> {
    let budget = instance.load.cpu_budget.filter(|&budget| budget > 0.0)?;
    let left = (budget - instance.load.cpu_share?).max(0.0);
    // To the millionth, as they come.
    Some((left * 1e6).round() / 1e6)
}
