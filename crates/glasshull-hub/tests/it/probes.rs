//! A probe's life, from TRACE to its end.

use std::time::Duration;

use glasshull_testkit::{TestHub, TestInstance, eventually};
use glasshull_wire::v1::{ProbeState, to_instance};
use serde_json::Value;

async fn trace(hub: &TestHub, statement: &str) -> Value {
    let answer = hub.http().statement(statement).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["kind"], "probes");
    answer.json()["probes"][0].clone()
}

async fn probe(hub: &TestHub, id: &str) -> Value {
    let list = hub.http().get("/api/v1/probes").await.json();
    let found = list["probes"].as_array().expect("a list").iter().find(|probe| probe["id"] == id);
    found.unwrap_or_else(|| panic!("no {id} in {list}")).clone()
}

async fn becomes(hub: &TestHub, id: &str, state: &str) -> String {
    eventually(&format!("{id} is {state}"), async || {
        let probe = probe(hub, id).await;
        (probe["state"] == state).then(|| probe["reason"].as_str().expect("a reason").to_owned())
    })
    .await
}

async fn told(instance: &mut TestInstance) -> Vec<String> {
    instance.probes().await.expect("the hub is there")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_lives_from_pending_to_stopped() {
    let hub = TestHub::start().await;
    let made = trace(&hub, "TRACE pricing::* FOR 60s").await;
    assert_eq!((made["id"].as_str(), made["state"].as_str()), (Some("p1"), Some("pending")));
    assert_eq!(made["reason"], "No instance is connected.");

    let (mut a, welcome) = welcomed(&hub, "shop").await;
    assert_eq!(welcome, ["p1"], "an instance is told with its welcome");
    a.announce(&["shop::pricing::quote", "shop::pricing::tax", "shop::main"]).await;
    let reason = eventually("its functions are known", async || {
        let probe = probe(&hub, "p1").await;
        (probe["functions"] == 2).then(|| probe["reason"].as_str().expect("a reason").to_owned())
    })
    .await;
    assert_eq!(reason, "Sent to 1 instance, waiting for the answer.");

    a.report("p1", ProbeState::Active, 2, 40).await;
    assert_eq!(becomes(&hub, "p1", "active").await, "1 of 1 instance captures 2 functions.");
    assert_eq!(probe(&hub, "p1").await["captured"], 40);

    let stopped = hub.http().statement("UNTRACE p1").await.json();
    assert_eq!((&stopped["probes"][0]["state"], &stopped["probes"][0]["captured"]), (&"stopped".into(), &40.into()));
    assert_eq!(told(&mut a).await, Vec::<String>::new());
}

async fn welcomed(hub: &TestHub, service: &str) -> (TestInstance, Vec<String>) {
    let mut instance = TestInstance::connect(hub.address(), &[]).await.expect("anybody may connect");
    instance.said.service = service.into();
    let Some(to_instance::Message::Welcome(welcome)) = instance.hello().await else { panic!("no welcome") };
    let probes = welcome.probes.unwrap_or_default().probes;
    (instance, probes.into_iter().map(|probe| probe.probe_id).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn only_selected_instances_are_told() {
    let hub = TestHub::start().await;
    let (mut blue, mut green) = (hub.instance("blue").await, hub.instance("green").await);
    trace(&hub, "TRACE f ON service=blue").await;
    assert_eq!(told(&mut blue).await, ["p1"]);
    trace(&hub, "TRACE g ON service=gr*, service=red, class=blue").await;
    assert_eq!(told(&mut green).await, ["p2"]);
    let reason = trace(&hub, "TRACE g ON host=nowhere").await["reason"].clone();
    assert_eq!(reason, "No instance with host=nowhere is connected; 2 are.");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_that_matches_nothing_says_what_is_near() {
    let hub = TestHub::start().await;
    let mut instance = hub.instance("shop").await;
    instance.announce(&["shop::pricing::quote", "shop::warehouse::reserve"]).await;
    eventually("its functions are known", async || {
        let functions = hub.http().get("/api/v1/functions").await.json();
        (functions["functions"].as_array()?.len() == 2).then_some(())
    })
    .await;
    let made = trace(&hub, "TRACE pricing::qoute").await;
    assert_eq!(made["state"], "no_match");
    assert_eq!(made["reason"], "No function of the selected instance matches; nearest: shop::pricing::quote.");
    assert_eq!(trace(&hub, "TRACE 'file:src/lib.rs:15'").await["functions"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_instances_say_becomes_the_status() {
    let hub = TestHub::start().await;
    let (mut a, mut b) = (hub.instance("shop").await, hub.instance("shop").await);
    a.announce(&["f"]).await;
    b.announce(&["f"]).await;
    trace(&hub, "TRACE f").await;
    a.report("p1", ProbeState::Suspended, 1, 3).await;
    b.report("p1", ProbeState::Suspended, 1, 4).await;
    let reason = becomes(&hub, "p1", "suspended").await;
    assert!(reason.contains("switched off to protect the host."), "{reason}");
    b.report("p1", ProbeState::Limited, 1, 5).await;
    assert_eq!(becomes(&hub, "p1", "limited").await, "1 of 2 instances is limited.");
    b.report("p1", ProbeState::Active, 1, 6).await;
    let reason = becomes(&hub, "p1", "active").await;
    assert!(reason.starts_with("1 of 2 instances captures 1 function. 1 suspended."), "{reason}");
    assert_eq!(probe(&hub, "p1").await["captured"], 9);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_ends_with_its_time() {
    let hub = TestHub::start().await;
    let mut instance = hub.instance("shop").await;
    trace(&hub, "TRACE f FOR 60s").await;
    assert_eq!(told(&mut instance).await, ["p1"]);
    hub.clock.advance(Duration::from_secs(61));
    assert_eq!(becomes(&hub, "p1", "expired").await, "Its time is over.");
    assert_eq!(told(&mut instance).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_ends_with_its_number_of_calls_over_all_instances() {
    let hub = TestHub::start().await;
    let (mut a, mut b) = (hub.instance("a").await, hub.instance("b").await);
    trace(&hub, "TRACE f LIMIT 100 CALLS").await;
    a.report("p1", ProbeState::Active, 1, 60).await;
    b.report("p1", ProbeState::Active, 1, 50).await;
    let reason = becomes(&hub, "p1", "limited").await;
    assert_eq!(reason, "It captured 110 calls; 100 were asked for.");
    assert_eq!(told(&mut a).await, ["p1"]);
    assert_eq!(told(&mut a).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn untrace_means_an_id_a_pattern_or_all() {
    let hub = TestHub::start().await;
    for statement in ["TRACE a::*", "TRACE b::*, c", "TRACE b::*", "TRACE d"] {
        trace(&hub, statement).await;
    }
    let ended = async |statement: &str| -> Vec<String> {
        let answer = hub.http().statement(statement).await;
        assert_eq!(answer.status, 200, "{statement}: {}", answer.text());
        let probes = answer.json()["probes"].as_array().expect("a list").clone();
        probes.iter().map(|probe| probe["id"].as_str().expect("an id").to_owned()).collect()
    };
    assert_eq!(ended("UNTRACE P1").await, ["p1"]);
    assert_eq!(ended("UNTRACE b::*").await, ["p3", "p2"]);
    assert_eq!(ended("UNTRACE ALL").await, ["p4"]);
    assert_eq!(ended("UNTRACE ALL").await, Vec::<String>::new());
    for gone in ["UNTRACE p1", "UNTRACE p99", "UNTRACE b::*"] {
        assert_eq!(hub.http().statement(gone).await.code(), "GH2007", "{gone}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn there_is_a_limit_to_probes() {
    let hub = TestHub::start().await;
    for _ in 0..glasshull_hub::limits::MAX_PROBES {
        trace(&hub, "TRACE f").await;
    }
    let refused = hub.http().statement("TRACE f").await;
    assert_eq!((refused.status, refused.code().as_str()), (429, "GH2009"));
    hub.http().statement("UNTRACE ALL").await;
    trace(&hub, "TRACE f").await;
}
