//! What capturing costs, from the instances' reports to whoever asks.

use glasshull_testkit::{TestHub, TestInstance, eventually};
use glasshull_wire::v1::{ProbeReport, ProbeState};
use serde_json::{Value, json};

use crate::events::Events;

/// What an instance says of `p1` while its governor lets in one request in so many.
fn governed(one_in: u32, cpu_share_ppm: u32) -> ProbeReport {
    let state = if one_in > 1 { ProbeState::Limited } else { ProbeState::Active };
    let reason = if one_in > 1 { format!("it costs too much: one request in {one_in} is captured") } else { "".into() };
    ProbeReport {
        probe_id: "p1".into(),
        state: state as i32,
        reason,
        functions: 1,
        captured: 40,
        skipped_by_governor: 120,
        governor_one_in: one_in,
        cost_ns: 5_000_000,
        cpu_share_ppm,
        captured_bytes: 2_000,
        calls_left: 60,
        ..ProbeReport::default()
    }
}

async fn probe(hub: &TestHub) -> Value {
    hub.http().get("/api/v1/probes").await.json()["probes"][0].clone()
}

/// Waits until the probe's costs have a value in a field.
async fn costs(hub: &TestHub, field: &str, value: Value) -> Value {
    eventually(&format!("{field} is {value}"), async || {
        let cost = probe(hub).await["cost"].clone();
        (cost[field] == value).then_some(cost)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_probe_costs_is_told_from_where_it_costs_most() {
    let hub = TestHub::start().await;
    let (mut cheap, mut dear) = (hub.instance("shop").await, hub.instance("shop").await);
    hub.http().statement("TRACE f LIMIT 100 CALLS").await;
    let nothing = probe(&hub).await;
    let cost =
        json!({ "governor_one_in": 1, "cut_back_instances": 0, "cpu_ns": 0, "condition_ns": 0, "captured_bytes": 0 });
    assert_eq!((&nothing["cost"], &nothing["calls_left"]), (&cost, &100.into()));

    cheap.report_costs(20_000, 500, ProbeReport { captured: 10, ..governed(1, 500) }).await;
    dear.report_costs(10_000, 9_500, governed(4, 8_000)).await;
    let cost = costs(&hub, "captured_bytes", 4_000.into()).await;
    let expected = json!({
        "instance": dear.said.name,
        "cpu_share": 0.008,
        "cpu_budget": 0.01,
        // Its other probes took 0.0015.
        "cpu_left": 0.0005,
        "governor_one_in": 4,
        "cut_back_instances": 1,
        "cpu_ns": 10_000_000,
        "condition_ns": 0,
        "captured_bytes": 4_000,
    });
    assert_eq!(cost, expected);
    let told = probe(&hub).await;
    assert_eq!((&told["calls_left"], &told["skipped"]["by_governor"]), (&50.into(), &240.into()));
    let reason = told["reason"].as_str().expect("a reason");
    assert!(
        reason.ends_with(&format!("1 limited. {}: it costs too much: one request in 4 is captured.", dear.said.name))
    );
    assert_eq!(hub.metric("glasshull_cut_back_probes").await, 1.0);
    let sql = "SELECT costliest_instance, cpu_left, governor_one_in, skipped_by_governor FROM probes";
    assert_eq!(hub.http().rows(sql).await[0], [json!(dear.said.name), json!(0.0005), json!(4), json!(240)]);

    // It goes: what is there is the other's, what was spent stays.
    drop(dear);
    let cost = costs(&hub, "instance", cheap.said.name.clone().into()).await;
    assert_eq!((&cost["cut_back_instances"], &cost["governor_one_in"]), (&0.into(), &1.into()));
    assert_eq!((&cost["cpu_left"], &cost["cpu_ns"]), (&0.0195.into(), &10_000_000.into()));
    assert_eq!(hub.metric("glasshull_cut_back_probes").await, 0.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_without_a_limit_has_no_rest_and_one_that_lies_takes_no_more_than_all() {
    let hub = TestHub::start().await;
    let mut instance = hub.instance("shop").await;
    hub.http().statement("TRACE f").await;
    instance.report_costs(0, u32::MAX, governed(0, u32::MAX)).await;
    let cost = costs(&hub, "cpu_share", 1.0.into()).await;
    assert_eq!((&cost["cpu_budget"], &cost["cpu_left"]), (&0.0.into(), &Value::Null));
    assert_eq!(cost["governor_one_in"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_spent_and_left_out_is_known_after_a_restart_and_after_the_end() {
    let mut hub = TestHub::start().await;
    let mut instance = hub.instance("shop").await;
    hub.http().statement("TRACE f LIMIT 100 CALLS").await;
    instance.report_costs(10_000, 9_000, governed(8, 9_000)).await;
    costs(&hub, "cpu_ns", 5_000_000.into()).await;
    hub.restart().await;
    let kept = probe(&hub).await;
    // Of the present nothing is known, as nobody is connected.
    let expected = json!({ "governor_one_in": 1, "cut_back_instances": 0, "cpu_ns": 5_000_000, "condition_ns": 0, "captured_bytes": 2_000 });
    assert_eq!((&kept["cost"], &kept["skipped"]["by_governor"]), (&expected, &120.into()));

    let (mut again, _) = TestInstance::welcomed_as(hub.address(), instance.said.clone()).await;
    let more = ProbeReport { cost_ns: 6_000_000, skipped_by_governor: 150, ..governed(8, 9_000) };
    again.report_costs(10_000, 9_000, more).await;
    costs(&hub, "cpu_ns", 6_000_000.into()).await;
    hub.http().statement("UNTRACE p1").await;
    let ended = probe(&hub).await;
    assert_eq!((&ended["state"], &ended["calls_left"]), (&"stopped".into(), &0.into()));
    assert_eq!((&ended["cost"]["cpu_ns"], &ended["skipped"]["by_governor"]), (&6_000_000.into(), &150.into()));
    assert_eq!(ended["cost"]["cpu_share"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn listeners_hear_what_capturing_takes_in_each_instance_when_it_changes() {
    let hub = TestHub::start().await;
    let mut instance = hub.instance("shop").await;
    let known = hub.http().get("/api/v1/instances").await.json()["instances"][0].clone();
    assert_eq!((&known["cpu_share"], &known["cpu_budget"]), (&Value::Null, &Value::Null));
    hub.http().statement("TRACE f").await;
    let mut live = Events::open(&hub, "/api/v1/live").await;
    live.next_of("probes").await;
    for share_ppm in [4_000, 6_000] {
        instance.report_costs(10_000, share_ppm, governed(2, share_ppm)).await;
        let share = f64::from(share_ppm) / 1e6;
        let told = live.next_of("loads").await["instances"].clone();
        assert_eq!(told.as_array().map(Vec::len), Some(1), "{told}");
        assert_eq!((&told[0]["id"], &told[0]["cpu_share"]), (&known["id"], &share.into()), "{told}");
        assert_eq!((&told[0]["cpu_budget"], &told[0]["drops"]["ring_full"]), (&0.01.into(), &0.into()), "{told}");
        let now = hub.http().get("/api/v1/instances").await.json()["instances"][0].clone();
        assert_eq!((&now["cpu_share"], &now["cpu_budget"]), (&share.into(), &0.01.into()));
    }
    // What does not change is not told again: the next that is told is what comes after.
    instance.report_costs(10_000, 6_000, governed(2, 6_000)).await;
    live.next_of("pulse").await;
    live.next_of("pulse").await;
    instance.report_costs(10_000, 7_000, governed(2, 7_000)).await;
    assert_eq!(live.next_of("loads").await["instances"][0]["cpu_share"], 0.007);
    assert_eq!(hub.http().rows("SELECT cpu_share, cpu_budget FROM instances").await[0], [json!(0.007), json!(0.01)]);
}
