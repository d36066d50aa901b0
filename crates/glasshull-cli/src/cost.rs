//! What capturing costs, in few words.

use glasshull_api::answers::{Load, Probe, ProbeCost, ProbeState};

use crate::plain::duration;

/// What a probe costs now, of what it may: `0.4 % of 1 % CPU, 1 request in 4 (governor)`; of one that ended, what it
/// took in all.
pub(crate) fn of_probe(probe: &Probe) -> String {
    if probe.ended_at.is_some() {
        return if probe.cost.cpu_ns > 0 {
            format!("{} CPU in all", duration(probe.cost.cpu_ns))
        } else {
            String::new()
        };
    }
    let share = of_budget(probe.cost.cpu_share, probe.cost.cpu_budget);
    [share, cut_back(probe)].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// What capturing takes in a process, of what it may: `0.4 % of 1 % CPU`.
pub(crate) fn of_instance(load: &Load) -> String {
    of_budget(load.cpu_share, load.cpu_budget).unwrap_or_default()
}

fn of_budget(share: Option<f64>, budget: Option<f64>) -> Option<String> {
    let share = percent(share?);
    Some(match budget.filter(|&budget| budget > 0.0) {
        Some(budget) => format!("{share} of {} CPU", percent(budget)),
        None => format!("{share} CPU"),
    })
}

/// How few requests the governor lets in, where that is not each.
fn cut_back(probe: &Probe) -> Option<String> {
    let ProbeCost { governor_one_in, cut_back_instances, .. } = probe.cost;
    let told = match probe.state {
        _ if governor_one_in <= 1 => return None,
        ProbeState::Suspended => "suspended".to_owned(),
        _ => format!("1 request in {governor_one_in}"),
    };
    let places = if cut_back_instances < probe.instances {
        format!(" on {cut_back_instances} of {} instances", probe.instances)
    } else {
        String::new()
    };
    Some(format!("{told} (governor){places}"))
}

/// A share of all there is, to two digits behind the point: `0.4 %`.
fn percent(share: f64) -> String {
    let hundredths = (share * 10_000.0).round();
    if share > 0.0 && hundredths < 1.0 {
        return "<0.01 %".into();
    }
    // The shortest text that is this number: 0.4, not 0.40.
    format!("{} %", hundredths / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_told_in_percent_and_never_as_nothing_where_it_is_something() {
        let all = [(0.0, "0 %"), (0.000_002, "<0.01 %"), (0.003_917, "0.39 %"), (0.004, "0.4 %"), (0.01, "1 %")];
        for (share, text) in all.into_iter().chain([(0.123_46, "12.35 %"), (1.0, "100 %")]) {
            assert_eq!(percent(share), text);
        }
    }

    #[test]
    fn without_a_limit_there_is_nothing_to_be_a_part_of() {
        let load = |cpu_share, cpu_budget| Load { cpu_share, cpu_budget, ..Load::default() };
        assert_eq!(of_instance(&load(Some(0.02), Some(0.0))), "2 % CPU");
        assert_eq!(of_instance(&load(Some(0.02), Some(0.05))), "2 % of 5 % CPU");
        assert_eq!(of_instance(&load(None, None)), "");
    }
}
