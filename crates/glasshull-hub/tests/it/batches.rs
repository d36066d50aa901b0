//! Batches: durable and queryable when acknowledged, once each, in order.

use std::time::Duration;

use glasshull_store::Clock;
use glasshull_testkit::{Calls, TestHub, TestInstance};
use glasshull_wire::v1::{CallBatch, to_hub, to_instance};

fn calls(hub: &TestHub) -> Calls {
    Calls { function: "shop::price".into(), started_at_ns: hub.clock.now_ns(), first_id: 1 }
}

async fn count(hub: &TestHub) -> u64 {
    hub.http().rows("SELECT count(*) FROM calls").await[0][0].as_u64().expect("a number")
}

async fn send(instance: &mut TestInstance, batch: CallBatch) {
    instance.send(to_hub::Message::Batch(batch)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_acknowledged_can_be_queried_at_once() {
    let hub = TestHub::start().await;
    let mut instance = hub.instance("shop").await;
    send(&mut instance, calls(&hub).batch(1, 100)).await;
    assert_eq!(instance.ack().await, Some(1));
    assert_eq!(count(&hub).await, 100);
    let question = "SELECT service, function, args->>'sku' FROM calls WHERE args->>'sku' = 'A7'";
    assert_eq!(hub.http().rows(question).await, [["shop", "shop::price", "A7"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_are_acknowledged_in_order() {
    let hub = TestHub::start().await;
    let mut instance = hub.instance("shop").await;
    for sequence in 1..=50 {
        let calls = Calls { first_id: sequence * 1_000, ..calls(&hub) };
        send(&mut instance, calls.batch(sequence, sequence % 7 * 100 + 1)).await;
    }
    for sequence in 1..=50 {
        assert_eq!(instance.ack().await, Some(sequence));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_sent_again_is_stored_once() {
    let hub = TestHub::start().await;
    let mut instance = hub.instance("shop").await;
    for _ in 0..3 {
        send(&mut instance, calls(&hub).batch(1, 10)).await;
        assert_eq!(instance.ack().await, Some(1));
    }
    let (mut again, welcome) = TestInstance::welcomed_as(hub.address(), instance.said.clone()).await;
    assert_eq!(welcome.durable_sequence, 1);
    send(&mut again, calls(&hub).batch(1, 10)).await;
    assert_eq!(again.ack().await, Some(1));
    assert_eq!(count(&hub).await, 10);
    assert_eq!(hub.metric("glasshull_repeated_batches_total").await, 3.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_is_wrong_is_refused_alone() {
    let hub = TestHub::start().await;
    let mut instance = hub.instance("shop").await;
    let good = calls(&hub).batch(1, 10);
    let ahead = Calls { started_at_ns: hub.clock.now_ns() + 2 * 3_600 * 1_000_000_000, ..calls(&hub) };
    let wrong = [
        CallBatch { calls: 11, ..good.clone() },
        CallBatch { columns_bytes: good.columns_bytes + 1, ..good.clone() },
        CallBatch { columns: good.columns[..good.columns.len() / 2].to_vec(), ..good.clone() },
        CallBatch { calls: u32::MAX, ..good.clone() },
        CallBatch { columns_bytes: u32::MAX, ..good.clone() },
        ahead.batch(1, 10),
        bomb(),
    ];
    for (sequence, batch) in wrong.into_iter().enumerate() {
        let sequence = sequence as u64 + 1;
        send(&mut instance, CallBatch { sequence, ..batch }).await;
        let Some(to_instance::Message::Refusal(refusal)) = instance.next().await else {
            panic!("no refusal: {sequence}")
        };
        assert_eq!((refusal.code.as_str(), refusal.sequence, refusal.closing), ("GH1004", sequence, false));
    }
    send(&mut instance, CallBatch { sequence: 100, ..good }).await;
    assert_eq!(instance.ack().await, Some(100), "the session goes on");
    assert_eq!(count(&hub).await, 10);
    assert_eq!(hub.metric("glasshull_refusals_total{code=\"GH1004\"}").await, 7.0);
    let (_again, welcome) = TestInstance::welcomed_as(hub.address(), instance.said.clone()).await;
    assert_eq!((welcome.durable_sequence, welcome.refused), (100, (1..=7).collect()), "who missed it hears it again");
}

/// A gigabyte of zeros in some kilobytes, which claims to be small.
fn bomb() -> CallBatch {
    let mut packer = zstd::stream::Encoder::new(Vec::new(), 1).expect("an encoder");
    let zeros = vec![0u8; 1 << 20];
    for _ in 0..1024 {
        std::io::Write::write_all(&mut packer, &zeros).expect("it fits");
    }
    CallBatch { sequence: 1, calls: 1, columns_bytes: 1_000, columns: packer.finish().expect("a frame") }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_without_a_sequence_ends_the_session() {
    let hub = TestHub::start().await;
    let mut instance = hub.instance("shop").await;
    send(&mut instance, calls(&hub).batch(0, 1)).await;
    assert_eq!(instance.refusal().await.as_deref(), Some("GH1001"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_leaves_is_still_listed() {
    let hub = TestHub::start().await;
    let mut instance = hub.instance("shop").await;
    instance.announce(&["shop::price"]).await;
    instance.send(to_hub::Message::Goodbye(Default::default())).await;
    assert!(instance.next().await.is_none());
    hub.clock.advance(Duration::from_secs(60));
    let listed = hub.http().get("/api/v1/instances").await.json();
    assert_eq!(listed["instances"][0]["connected"], false, "{listed}");
    assert_eq!(hub.http().get("/api/v1/functions").await.json()["functions"], serde_json::json!([]));
}
