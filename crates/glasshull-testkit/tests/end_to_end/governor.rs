//! What capturing costs is seen by whoever asked for it, while it happens, from the program's governor to the command
//! line.

use std::process::Command;
use std::time::{Duration, Instant};

use glasshull::Guard;
use serde_json::Value;

use crate::hub_process::{HubProcess, PATIENCE, eventually, eventually_told, program};

/// What a request has to do: enough calls to cost something, and little else.
#[glasshull::trace]
fn costly_request(n: u64) -> u64 {
    (0..20).map(costly_step).sum::<u64>() + n
}

#[glasshull::trace]
fn costly_step(n: u64) -> u64 {
    n
}

fn probe(hub: &HubProcess) -> Value {
    hub.get("probes")["probes"][0].clone()
}

/// Serves requests for a while, as fast as it can; how many.
fn serve(instance: &Guard) -> u64 {
    let (began, mut requests) = (Instant::now(), 0);
    while began.elapsed() < Duration::from_millis(100) {
        instance.context().in_scope(|| (0..20).for_each(|n| assert_eq!(costly_request(n), n + 190)));
        requests += 20;
    }
    requests
}

/// Whether each request was captured, or left out and counted by its reason. Where a ring had no room, it lost calls of
/// requests, or the first one of them and so the request.
fn adds_up(hub: &HubProcess, requests: u64) -> bool {
    let skipped = probe(hub)["skipped"].clone();
    let left_out = ["by_governor", "by_rate"].map(|why| skipped[why].as_u64().expect("a number"));
    let drops = hub.get("instances")["instances"][0]["drops"].clone();
    let lost: u64 = drops.as_object().expect("drops").values().filter_map(Value::as_u64).sum();
    let roots = hub.number("SELECT count(*) FROM calls WHERE parent_id IS NULL");
    let known = roots + left_out.iter().sum::<u64>();
    left_out[0] > 0 && known <= requests && requests <= known + lost
}

/// What the command line says.
fn told(hub: &HubProcess, command: &str) -> String {
    let told = Command::new(program("glasshull")).args([command, "--hub", &hub.url()]).output().expect("it runs");
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    String::from_utf8(told.stdout).expect("text")
}

/// Whether what is captured was cut back to what it may cost.
fn is_settled(probe: &Value) -> bool {
    let cost = &probe["cost"];
    let (share, budget) = (cost["cpu_share"].as_f64().unwrap_or(0.0), cost["cpu_budget"].as_f64().unwrap_or(0.0));
    cost["governor_one_in"].as_u64() > Some(1) && share > 0.0 && share <= budget
}

#[test]
fn a_probe_that_costs_too_much_is_seen_to_be_cut_back_and_to_what() {
    const BUDGET: f64 = 0.02;
    let hub = HubProcess::start();
    let instance = glasshull::builder().hub(hub.url()).service("busy").cpu_budget(BUDGET).start().expect("an agent");
    hub.statement(
        "TRACE *::costly_request, *::costly_step ON service=busy LIMIT 10000000 CALLS RATE 1000000 PER SECOND",
    );
    eventually("the probe is active", || probe(&hub)["state"] == "active");
    let (mut last, mut requests) = (Value::Null, 0);
    eventually_told("it is cut back to its budget", |found| {
        requests += serve(&instance);
        last = probe(&hub);
        *found = last.to_string();
        is_settled(&last)
    });
    let (cost, one_in) = (&last["cost"], &last["cost"]["governor_one_in"]);
    assert_eq!((&last["state"], &cost["cut_back_instances"]), (&"limited".into(), &1.into()), "{last}");
    let reason = last["reason"].as_str().expect("a reason");
    assert!(reason.contains(&format!("2 % of it are allowed: one request in {one_in} is captured")), "{reason}");
    assert!(cost["cpu_ns"].as_u64() > Some(0) && cost["captured_bytes"].as_u64() > Some(0), "{last}");
    let captured = last["captured"].as_u64().expect("a number");
    assert_eq!((&cost["cpu_budget"], &last["calls_left"]), (&BUDGET.into(), &(10_000_000 - captured).into()), "{last}");

    // As long as it is as busy as that it stays cut back; to how much may change.
    eventually("the command line says so", || {
        requests += serve(&instance);
        let listed = told(&hub, "probes");
        listed.contains(" % of 2 % CPU, 1 request in ") && listed.contains(" (governor)")
    });
    assert!(told(&hub, "instances").contains(" % of 2 % CPU"));

    assert!(instance.flush(PATIENCE), "the hub acknowledges all calls");
    eventually("each request is accounted for", || adds_up(&hub, requests));
}
