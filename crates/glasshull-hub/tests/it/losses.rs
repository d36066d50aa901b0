//! What was cut, could not be captured or was lost, from the instances' reports to whoever asks.

use glasshull_hub::limits::MAX_COUNT;
use glasshull_testkit::{TestHub, TestInstance, eventually};
use glasshull_wire::v1::{Drops, ProbeReport, ProbeState, Report, to_hub};
use serde_json::{Value, json};

/// What an instance says of `p1` that captured values which are not whole.
fn flawed() -> ProbeReport {
    ProbeReport {
        probe_id: "p1".into(),
        state: ProbeState::Active as i32,
        functions: 1,
        captured: 40,
        skipped_by_condition: 9,
        truncated_calls: 12,
        failed_values: 3,
        printed_values: 5,
        printed_at: "shop::pay(card)".into(),
        undecided: 7,
        condition_ns: 600,
        cost_ns: 5_000,
        ..ProbeReport::default()
    }
}

fn lost() -> Drops {
    Drops { ring_full: 1, buffer_full: 2, no_ring: 3, refused: 4, open_full: 5, unclaimed: 6, inside_values: 7 }
}

async fn report(instance: &mut TestInstance, probes: Vec<ProbeReport>, drops: Drops) {
    let report = Report { probes, drops: Some(drops), ..Report::default() };
    instance.send(to_hub::Message::Report(report)).await;
}

async fn probe(hub: &TestHub) -> Value {
    hub.http().get("/api/v1/probes").await.json()["probes"][0].clone()
}

/// Waits until the probe captured so much; what is told of it then.
async fn captured(hub: &TestHub, calls: u64) -> Value {
    eventually(&format!("{calls} calls are captured"), async || {
        let probe = probe(hub).await;
        (probe["captured"] == calls).then_some(probe)
    })
    .await
}

/// The numbers that say what is not whole: cut, failed, printed, undecided, the condition's time.
fn flaws(probe: &Value) -> [u64; 5] {
    let (values, undecided, spent) = (&probe["values"], &probe["skipped"]["undecided"], &probe["cost"]["condition_ns"]);
    [&values["truncated_calls"], &values["failed_values"], &values["printed_values"], undecided, spent]
        .map(|number| number.as_u64().unwrap_or_else(|| panic!("no number in {probe}")))
}

#[tokio::test(flavor = "multi_thread")]
async fn values_that_are_not_whole_add_up_over_instances_and_are_told_with_their_place() {
    let hub = TestHub::start().await;
    let (mut one, mut other) = (hub.instance("shop").await, hub.instance("shop").await);
    hub.http().statement("TRACE f WHERE args.sku = 'A7'").await;
    assert_eq!(flaws(&probe(&hub).await), [0; 5]);
    report(&mut one, vec![flawed()], Drops::default()).await;
    let whole = ProbeReport { captured: 2, ..flawed() };
    let whole = ProbeReport { truncated_calls: 0, failed_values: 0, printed_values: 0, printed_at: "".into(), ..whole };
    report(&mut other, vec![whole], Drops::default()).await;
    let told = captured(&hub, 42).await;
    assert_eq!(flaws(&told), [12, 3, 5, 14, 1_200]);
    assert_eq!(told["values"]["printed_at"], "shop::pay(card)");
    let sql = "SELECT truncated_calls, failed_values, printed_values, printed_at, undecided, condition_ns FROM probes";
    let row = [json!(12), json!(3), json!(5), json!("shop::pay(card)"), json!(14), json!(1_200)];
    assert_eq!(hub.http().rows(sql).await[0], row);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_reason_for_a_loss_is_told_and_what_is_left_out_inside_values_is_no_loss() {
    let hub = TestHub::start().await;
    let (mut one, mut other) = (hub.instance("shop").await, hub.instance("shop").await);
    report(&mut one, vec![], lost()).await;
    report(&mut other, vec![], Drops { open_full: 100, ..Drops::default() }).await;
    let told = async || hub.http().get("/api/v1/status").await.json()["calls_dropped"].as_u64();
    eventually("all losses are counted", async || (told().await == Some(121)).then_some(())).await;
    for (reason, calls) in [("ring_full", 1.0), ("open_full", 105.0), ("unclaimed", 6.0), ("inside_values", 7.0)] {
        let name = format!("glasshull_dropped_calls{{reason=\"{reason}\"}}");
        assert_eq!(hub.metric(&name).await, calls, "{name}");
    }
    let instances = hub.http().get("/api/v1/instances").await.json();
    let drops: Vec<&Value> = instances["instances"].as_array().expect("a list").iter().map(|i| &i["drops"]).collect();
    let all = json!({
        "ring_full": 1, "buffer_full": 2, "no_ring": 3, "refused": 4, "open_full": 5, "unclaimed": 6, "inside_values": 7
    });
    assert!(drops.contains(&&all), "{instances}");
    let sql = "SELECT sum(dropped_open_full), sum(dropped_unclaimed), sum(dropped_inside_values) FROM instances";
    assert_eq!(hub.http().rows(sql).await[0], [json!(105), json!(6), json!(7)]);
}

/// All numbers of a report that lies.
fn boundless(probe_id: &str) -> ProbeReport {
    const MOST: u64 = u64::MAX;
    ProbeReport {
        probe_id: probe_id.into(),
        truncated_calls: MOST,
        failed_values: MOST,
        printed_values: MOST,
        printed_at: "\u{202e}ä".repeat(10_000),
        undecided: MOST,
        condition_ns: MOST,
        ..flawed()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_lies_makes_nothing_overflow_and_changes_no_other_probe() {
    let hub = TestHub::start().await;
    let mut honest = hub.instance("shop").await;
    let mut liars = [hub.instance("liar").await, hub.instance("liar").await];
    hub.http().statement("TRACE f ON service=shop").await;
    hub.http().statement("TRACE f ON service=liar").await;
    let all = |most| Drops {
        ring_full: most,
        buffer_full: most,
        no_ring: most,
        refused: most,
        open_full: most,
        unclaimed: most,
        inside_values: most,
    };
    for liar in &mut liars {
        for most in [u64::MAX, 0, u64::MAX] {
            let strangers = ["", "p", "p0", "p99", "p18446744073709551616", "\u{0}"].map(boundless);
            let lies = ProbeReport { captured: 1, ..boundless("p2") };
            let fallen = ProbeReport { captured: 1, ..ProbeReport { probe_id: "p2".into(), ..ProbeReport::default() } };
            let of_p2 = if most == 0 { fallen } else { lies };
            // Only the first of two reports on one probe is taken.
            let probes = strangers.into_iter().chain([of_p2, boundless("p2")]).collect();
            report(liar, probes, all(most)).await;
        }
    }
    report(&mut honest, vec![flawed()], lost()).await;
    let (shop, liar) = eventually("both are told", async || {
        let probes = hub.http().get("/api/v1/probes").await.json()["probes"].clone();
        let (liar, shop) = (probes[0].clone(), probes[1].clone());
        let all_told = flaws(&liar) == [MAX_COUNT; 5] && !liar["values"]["printed_at"].is_null();
        (shop["captured"] == 40 && all_told).then_some((shop, liar))
    })
    .await;
    assert_eq!(flaws(&shop), [12, 3, 5, 7, 600]);
    let place = liar["values"]["printed_at"].as_str().expect("a place");
    assert!(!place.is_empty() && place.len() <= 512, "{} bytes", place.len());

    let told = async || hub.http().get("/api/v1/status").await.json()["calls_dropped"].as_u64();
    // Each of six reasons has its bound.
    eventually("losses have a bound", async || (told().await == Some(6 * MAX_COUNT)).then_some(())).await;
    let bound = MAX_COUNT as f64;
    assert_eq!(hub.metric("glasshull_dropped_calls{reason=\"inside_values\"}").await, bound);
    assert_eq!(hub.metric("glasshull_dropped_calls{reason=\"ring_full\"}").await, bound);
    let sql = "SELECT sum(truncated_calls + undecided), max(condition_ns) FROM probes";
    // Numbers that a JavaScript number cannot hold are texts.
    let told = [2 * MAX_COUNT + 19, MAX_COUNT].map(|number| json!(number.to_string()));
    assert_eq!(hub.http().rows(sql).await[0], told);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_whole_is_known_after_a_restart_and_after_the_end() {
    let mut hub = TestHub::start().await;
    let mut instance = hub.instance("shop").await;
    hub.http().statement("TRACE f WHERE args.sku = 'A7'").await;
    report(&mut instance, vec![flawed()], Drops::default()).await;
    captured(&hub, 40).await;
    hub.restart().await;
    let kept = probe(&hub).await;
    assert_eq!(flaws(&kept), [12, 3, 5, 7, 600]);
    // That is what connected instances say, and nobody is connected.
    assert_eq!(kept["values"]["printed_at"], Value::Null);

    let (mut again, _) = TestInstance::welcomed_as(hub.address(), instance.said.clone()).await;
    let more = ProbeReport { captured: 50, truncated_calls: 20, undecided: 8, condition_ns: 700, ..flawed() };
    report(&mut again, vec![more], Drops::default()).await;
    let told = captured(&hub, 50).await;
    assert_eq!((flaws(&told), &told["values"]["printed_at"]), ([20, 3, 5, 8, 700], &"shop::pay(card)".into()));
    hub.http().statement("UNTRACE p1").await;
    let ended = probe(&hub).await;
    assert_eq!((&ended["state"], flaws(&ended)), (&"stopped".into(), [20, 3, 5, 8, 700]));
    hub.restart().await;
    assert_eq!(flaws(&probe(&hub).await), [20, 3, 5, 8, 700]);
}
