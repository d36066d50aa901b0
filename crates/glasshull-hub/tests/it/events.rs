//! What happens, as it happens.

use std::time::Duration;

use glasshull_hub::limits::MAX_LISTENERS;
use glasshull_store::Clock;
use glasshull_testkit::{Calls, PATIENCE, TestHub, eventually};
use glasshull_wire::v1::to_hub;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A reader of server-sent events.
pub(crate) struct Events(Lines<BufReader<TcpStream>>);

impl Events {
    pub(crate) async fn open(hub: &TestHub, path: &str) -> Self {
        Self(BufReader::new(hub.http().open(path).await).lines())
    }

    /// The next event; `None` at the end of the stream.
    async fn next(&mut self) -> Option<Value> {
        loop {
            let line = timeout(PATIENCE, self.0.next_line()).await.expect("an event in time").ok().flatten()?;
            if let Some(data) = line.strip_prefix("data: ") {
                return Some(serde_json::from_str(data).expect("JSON"));
            }
        }
    }

    pub(crate) async fn next_of(&mut self, kind: &str) -> Value {
        loop {
            let event = self.next().await.expect("the stream goes on");
            if event["event"] == kind {
                return event;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn listeners_see_probes_and_instances_come_and_go() {
    let hub = TestHub::start().await;
    let mut live = Events::open(&hub, "/api/v1/live").await;
    let first = live.next().await.expect("an event");
    assert_eq!((&first["event"], first["probes"].as_array().map(Vec::len)), (&"probes".into(), Some(0)));
    hub.http().statement("TRACE f").await;
    let changed = loop {
        let event = live.next_of("probes").await;
        if event["probes"].as_array().is_some_and(|probes| !probes.is_empty()) {
            break event;
        }
    };
    assert_eq!(changed["probes"][0]["id"], "p1");
    let _instance = hub.instance("shop").await;
    live.next_of("instances_changed").await;
    let pulse = loop {
        let pulse = live.next_of("pulse").await;
        if pulse["instances"] == 1 {
            break pulse;
        }
    };
    assert!(pulse["at"].as_str().is_some_and(|at| at.ends_with('Z')));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tail_shows_what_it_was_asked_for_and_counts_the_rest() {
    let hub = TestHub::start().await;
    let mut instance = hub.instance("shop").await;
    let mut all = Events::open(&hub, "/api/v1/tail?max_per_second=10").await;
    let mut some = Events::open(&hub, "/api/v1/tail?function=pricing::*").await;
    eventually("both listen", async || (hub.metric("glasshull_listeners").await == 2.0).then_some(())).await;
    let calls =
        |function: &str, first_id| Calls { function: function.into(), started_at_ns: hub.clock.now_ns(), first_id };
    instance.send(to_hub::Message::Batch(calls("shop::warehouse::reserve", 1).batch(1, 30))).await;
    instance.send(to_hub::Message::Batch(calls("shop::pricing::quote", 100).batch(2, 1))).await;
    let shown = some.next_of("call").await;
    assert_eq!((&shown["function"], &shown["args"]["sku"]), (&"shop::pricing::quote".into(), &"A0".into()));
    let (mut shown, mut skipped) = (0, 0);
    while shown + skipped < 31 {
        let event = all.next().await.expect("an event");
        if event["event"] == "call" {
            shown += 1;
        } else {
            skipped += event["calls"].as_u64().expect("a count");
        }
    }
    // Of the thirty ten; the last one too where a second ended before it came.
    assert!(matches!((shown, skipped), (10, 21) | (11, 20)), "{shown} shown, {skipped} skipped");
}

#[tokio::test(flavor = "multi_thread")]
async fn there_is_a_limit_to_listeners() {
    let hub = TestHub::start().await;
    let mut open = Vec::new();
    for _ in 0..MAX_LISTENERS {
        let mut events = Events::open(&hub, "/api/v1/live").await;
        events.next().await.expect("an event");
        open.push(events);
    }
    let refused = hub.http().get("/api/v1/tail").await;
    assert_eq!((refused.status, refused.code().as_str()), (429, "GH3004"));
    drop(open);
    eventually("there is room again", async || (hub.metric("glasshull_listeners").await == 0.0).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_end_when_the_hub_stops() {
    let mut hub = TestHub::start().await;
    let mut live = Events::open(&hub, "/api/v1/live").await;
    let mut tail = Events::open(&hub, "/api/v1/tail").await;
    live.next().await.expect("an event");
    let stopped = timeout(Duration::from_secs(30), hub.stop());
    let ends = async {
        while live.next().await.is_some() {}
        while tail.next().await.is_some() {}
    };
    let (stopped, ()) = tokio::join!(stopped, ends);
    stopped.expect("listeners do not keep a hub from stopping");
}
