use glasshull_catalog::{ProbeCounts, ProbeEnd, ProbeRow};

use super::Backend;

fn probe(statement: &str) -> ProbeRow {
    ProbeRow {
        statement: statement.into(),
        owner: "ada".into(),
        created_at_ns: 10,
        expires_at_ns: 20,
        ..ProbeRow::default()
    }
}

/// Counts that all differ.
fn counts(first: u64) -> ProbeCounts {
    ProbeCounts {
        captured: first,
        skipped_by_sample: first + 1,
        skipped_by_rate: first + 2,
        skipped_by_condition: first + 3,
        skipped_by_governor: first + 4,
        cpu_ns: first + 5,
        captured_bytes: first + 6,
        truncated_calls: first + 7,
        failed_values: first + 8,
        printed_values: first + 9,
        undecided: first + 10,
        condition_ns: first + 11,
    }
}

fn end(state: &str) -> ProbeEnd {
    ProbeEnd { at_ns: 15, state: state.into(), reason: "ada stopped it".into() }
}

pub(crate) async fn probes_get_numbers_that_are_used_once(catalog: Backend) {
    let ended = ProbeRow { end: Some(end("expired")), counts: counts(5), ..probe("TRACE b") };
    assert_eq!(catalog.add_probe(&probe("TRACE a")).await.unwrap(), "p1");
    assert_eq!(catalog.add_probe(&ended).await.unwrap(), "p2");
    assert_eq!(catalog.add_probe(&probe("TRACE c")).await.unwrap(), "p3");
    let [a, b, c] = [("p1", probe("TRACE a")), ("p2", ended), ("p3", probe("TRACE c"))]
        .map(|(id, probe)| ProbeRow { id: id.into(), ..probe });
    assert_eq!(catalog.probes(true, 9).await.unwrap(), [c.clone(), b, a.clone()]);
    assert_eq!(catalog.probes(false, 9).await.unwrap(), [c.clone(), a]);
    assert_eq!(catalog.probes(true, 1).await.unwrap(), [c]);
}

pub(crate) async fn a_probe_ends_once(catalog: Backend) {
    let id = catalog.add_probe(&probe("TRACE a")).await.unwrap();
    assert!(catalog.end_probe(&id, &end("stopped")).await.unwrap());
    assert!(!catalog.end_probe(&id, &end("expired")).await.unwrap());
    for unknown in ["p99", "", "x", "p", "p-1", "p9999999999999999999999"] {
        assert!(!catalog.end_probe(unknown, &end("stopped")).await.unwrap());
    }
    assert_eq!(catalog.probes(true, 9).await.unwrap()[0].end, Some(end("stopped")));
    assert_eq!(catalog.probes(false, 9).await.unwrap(), []);
}

pub(crate) async fn what_a_probe_captured_adds_up(catalog: Backend) {
    let id = catalog.add_probe(&probe("TRACE a")).await.unwrap();
    catalog.count_probe(&id, &counts(3)).await.unwrap();
    catalog.end_probe(&id, &end("stopped")).await.unwrap();
    catalog.count_probe(&id, &counts(40)).await.unwrap();
    catalog.count_probe("p99", &counts(1)).await.unwrap();
    let counted = &catalog.probes(true, 9).await.unwrap()[0];
    assert_eq!(counted.counts, counts(3).with(counts(40), |a, b| a + b));
}
