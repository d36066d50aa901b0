//! How much of a value is captured is what the probe says, from the statement to what is found.

use glasshull::Guard;
use serde_json::Value;

use crate::hub_process::{HubProcess, PATIENCE, eventually};

/// Takes and gives a list, so that both sides of a call are seen.
#[glasshull::trace]
fn echoed_list(numbers: &[u64]) -> Vec<u64> {
    numbers.to_vec()
}

fn start(hub: &HubProcess, service: &str) -> Guard {
    glasshull::builder().hub(hub.url()).service(service).cpu_budget(0.0).start().expect("an agent")
}

fn state_of(hub: &HubProcess, service: &str) -> Value {
    let probes = hub.get("probes");
    let selects = |probe: &&Value| probe["selectors"][0]["value"] == service && probe["ended_at"].is_null();
    probes["probes"].as_array().and_then(|all| all.iter().find(selects)).map_or(Value::Null, |one| one["state"].clone())
}

/// How many items of a list of 100 are found in the argument and in the returned value, the mark of what is cut off
/// included.
fn captured(hub: &HubProcess, instance: &Guard, service: &str) -> (u64, u64) {
    eventually("the probe is active", || state_of(hub, service) == "active");
    let numbers: Vec<u64> = (0..100).collect();
    instance.context().in_scope(|| echoed_list(&numbers));
    assert!(instance.flush(PATIENCE), "the hub acknowledges the call");
    let question = format!("SELECT args->'numbers', returned FROM calls WHERE service = '{service}'");
    let rows = hub.rows(&question);
    assert_eq!(rows.len(), 1, "{rows:?}");
    let items = |value: &Value| match value {
        Value::String(json) => serde_json::from_str::<Vec<Value>>(json).expect("a list").len() as u64,
        value => value.as_array().expect("a list").len() as u64,
    };
    (items(&rows[0][0]), items(&rows[0][1]))
}

#[test]
fn a_list_is_captured_whole_where_the_probe_says_so_and_cut_where_it_is_silent() {
    let hub = HubProcess::start();
    let (silent, asked) = (start(&hub, "silent"), start(&hub, "asked"));
    hub.statement("TRACE *::echoed_list ON service=silent");
    hub.statement("TRACE *::echoed_list ON service=asked CAPTURE 200 ITEMS");
    // 64 items and the mark that says that there were more.
    assert_eq!(captured(&hub, &silent, "silent"), (65, 65));
    assert_eq!(captured(&hub, &asked, "asked"), (100, 100));
}

#[test]
fn what_a_probe_captures_of_values_is_known_after_the_hub_was_killed() {
    let mut hub = HubProcess::start();
    hub.statement("TRACE *::echoed_list ON service=late CAPTURE 200 ITEMS, 12 DEEP");
    hub.kill();
    hub.restart();
    let probe = hub.get("probes")["probes"][0].clone();
    assert_eq!(probe["value_limits"], serde_json::json!({ "items": 200, "depth": 12 }), "{probe}");
    // It hears of the probe from the hub that was started again.
    let late = start(&hub, "late");
    assert_eq!(captured(&hub, &late, "late"), (100, 100));
}

#[test]
fn more_than_a_probe_may_have_is_refused_with_the_most_it_may() {
    let hub = HubProcess::start();
    let refusal = hub.try_statement("TRACE *::echoed_list CAPTURE 5000 ITEMS").expect_err("a refusal");
    let refusal = &refusal["error"];
    assert_eq!(refusal["code"], "GH2008", "{refusal}");
    assert_eq!(refusal["message"], "CAPTURE takes at most 1024 ITEMS, not 5000.");
    assert_eq!((&refusal["position"]["line"], &refusal["position"]["column"]), (&1.into(), &30.into()));
}
