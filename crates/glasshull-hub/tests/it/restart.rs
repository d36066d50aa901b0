//! What survives a restart, and how a hub goes.

use std::time::Duration;

use glasshull_store::Clock;
use glasshull_testkit::{Calls, TestHub, TestInstance, eventually};
use glasshull_wire::v1::{ProbeState, to_hub, to_instance};

#[tokio::test(flavor = "multi_thread")]
async fn calls_and_sequences_survive() {
    let mut hub = TestHub::start().await;
    let mut instance = hub.instance("shop").await;
    let calls = Calls { function: "f".into(), started_at_ns: hub.clock.now_ns(), first_id: 1 };
    instance.send(to_hub::Message::Batch(calls.batch(7, 20))).await;
    assert_eq!(instance.ack().await, Some(7));
    hub.restart().await;
    let (_again, welcome) = TestInstance::welcomed_as(hub.address(), instance.said.clone()).await;
    assert_eq!(welcome.durable_sequence, 7);
    assert_eq!(hub.http().rows("SELECT count(*), min(service) FROM calls").await[0][0], 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn probes_go_on_with_what_is_left_of_their_time() {
    let mut hub = TestHub::start().await;
    hub.http().statement("TRACE f FOR 10m").await;
    hub.http().statement("TRACE g FOR 1m").await;
    hub.http().statement("TRACE h FOR 10m").await;
    hub.http().statement("UNTRACE p3").await;
    let mut instance = hub.instance("shop").await;
    instance.report("p1", ProbeState::Active, 1, 30).await;
    eventually("the report has arrived", async || {
        let probes = hub.http().get("/api/v1/probes").await.json();
        probes["probes"].as_array()?.iter().any(|probe| probe["captured"] == 30).then_some(())
    })
    .await;
    hub.clock.advance(Duration::from_secs(4 * 60));
    hub.restart().await;

    let (mut again, welcome) = TestInstance::welcomed_as(hub.address(), instance.said.clone()).await;
    let meant = welcome.probes.expect("probes").probes;
    assert_eq!(meant.iter().map(|probe| probe.probe_id.as_str()).collect::<Vec<_>>(), ["p1"]);
    assert_eq!(meant[0].remaining_ns, 6 * 60 * 1_000_000_000);
    again.report("p1", ProbeState::Active, 1, 35).await;
    eventually("nothing is counted twice", async || {
        let probes = hub.http().get("/api/v1/probes").await.json();
        probes["probes"].as_array()?.iter().any(|probe| probe["captured"] == 35).then_some(())
    })
    .await;
    let list = hub.http().get("/api/v1/probes").await.json();
    let states: Vec<_> = list["probes"].as_array().expect("a list").iter().map(|p| p["state"].clone()).collect();
    assert_eq!(states, ["stopped", "expired", "active"], "{list}");
    let made = hub.http().statement("TRACE i").await.json();
    assert_eq!(made["probes"][0]["id"], "p4", "numbers are never used twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopping_hub_finishes_what_is_under_way_and_lets_instances_go() {
    let mut hub = TestHub::start().await;
    let mut instance = hub.instance("shop").await;
    let calls = Calls { function: "f".into(), started_at_ns: hub.clock.now_ns(), first_id: 1 };
    for sequence in 1..=5 {
        instance
            .send(to_hub::Message::Batch(Calls { first_id: sequence * 100, ..calls.clone() }.batch(sequence, 10)))
            .await;
    }
    assert_eq!(instance.ack().await, Some(1));
    let mut acknowledged = 1;
    let (_, ()) = tokio::join!(hub.stop(), async {
        while let Some(message) = instance.next().await {
            if let to_instance::Message::Ack(ack) = message {
                acknowledged = ack.sequence;
            }
        }
    });
    hub.restart().await;
    let (_again, welcome) = TestInstance::welcomed_as(hub.address(), instance.said.clone()).await;
    assert!(welcome.durable_sequence >= acknowledged, "{} acknowledged", acknowledged);
    let stored = hub.http().rows("SELECT count(*) FROM calls").await[0][0].as_u64().expect("a number");
    assert_eq!(stored, 10 * welcome.durable_sequence);
}
