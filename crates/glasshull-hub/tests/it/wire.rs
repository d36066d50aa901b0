//! Hostile bytes on the session: refused with a code, counted, and the hub goes on.

use glasshull_hub::SettingsLayer;
use glasshull_hub::limits::MAX_HELLO_BYTES;
use glasshull_testkit::{TestHub, TestInstance, eventually};
use glasshull_wire::Message as _;
use glasshull_wire::limits::{MAX_FUNCTIONS_PER_MESSAGE, MAX_LABEL_BYTES, MAX_MESSAGE_BYTES, MAX_TAGS};
use glasshull_wire::v1::{Function, Functions, Hello, Report, ToHub, to_hub, to_instance};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::tungstenite::{Error, Message};

/// The hub takes a well-behaved instance, whatever others have done to it.
async fn is_unharmed(hub: &TestHub) {
    hub.instance("well-behaved").await;
    assert_eq!(hub.http().get("/readyz").await.status, 200);
}

async fn refused(hub: &TestHub, code: &str) -> f64 {
    hub.metric(&format!("glasshull_refusals_total{{code=\"{code}\"}}")).await
}

/// Bytes of no meaning, the same in each run.
fn noise(bytes: usize, seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    let step = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 24) as u8
    };
    std::iter::repeat_with(step).take(bytes).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn random_bytes_in_place_of_hello_are_refused() {
    let hub = TestHub::start().await;
    for size in [0, 1, 7, 1_000, 60_000] {
        let mut stranger = TestInstance::connect(hub.address(), &[]).await.expect("anybody may connect");
        stranger.send_bytes(noise(size, size as u64)).await;
        assert_eq!(stranger.refusal().await.as_deref(), Some("GH1001"), "{size} bytes");
    }
    assert!(refused(&hub, "GH1001").await >= 5.0);
    is_unharmed(&hub).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn random_bytes_after_hello_end_the_session() {
    let hub = TestHub::start().await;
    for size in [1, 100, 100_000] {
        let mut instance = hub.instance("noisy").await;
        instance.send_bytes(noise(size, 3 + size as u64)).await;
        assert_eq!(instance.refusal().await.as_deref(), Some("GH1001"), "{size} bytes");
    }
    is_unharmed(&hub).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_truncated_message_is_refused() {
    let hub = TestHub::start().await;
    let function = Function { path: "shop::price".into(), ..Function::default() };
    let message = Functions { functions: vec![function] };
    let whole = ToHub { message: Some(to_hub::Message::Functions(message)) }.encode_to_vec();
    for length in 1..whole.len() {
        let mut instance = hub.instance("short").await;
        instance.send_bytes(whole[..length].to_vec()).await;
        assert_eq!(instance.refusal().await.as_deref(), Some("GH1001"), "{length} of {} bytes", whole.len());
    }
    is_unharmed(&hub).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn text_and_a_second_hello_are_refused() {
    let hub = TestHub::start().await;
    let mut instance = hub.instance("chatty").await;
    instance.send_raw(Message::text("hello?")).await;
    assert_eq!(instance.refusal().await.as_deref(), Some("GH1001"));
    let mut instance = hub.instance("forgetful").await;
    instance.send(to_hub::Message::Hello(Hello::default())).await;
    assert_eq!(instance.refusal().await.as_deref(), Some("GH1001"));
    is_unharmed(&hub).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_larger_than_allowed_is_refused_before_it_is_read() {
    let hub = TestHub::start().await;
    let mut instance = hub.instance("large").await;
    instance.send_bytes(vec![0; MAX_MESSAGE_BYTES + 1]).await;
    while instance.next().await.is_some() {}
    assert!(refused(&hub, "GH1001").await >= 1.0);
    is_unharmed(&hub).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hello_larger_than_allowed_is_refused_before_it_is_unpacked() {
    let hub = TestHub::start().await;
    let mut stranger = TestInstance::connect(hub.address(), &[]).await.expect("anybody may connect");
    // No message of the protocol: whoever unpacked it would say so.
    stranger.send_bytes(vec![0xff; MAX_HELLO_BYTES + 1]).await;
    let Some(to_instance::Message::Refusal(refusal)) = stranger.next().await else { panic!("no refusal") };
    assert!(refusal.code == "GH1001" && refusal.message.contains("larger than allowed"), "{refusal:?}");
    is_unharmed(&hub).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_whose_length_lies_is_refused() {
    let hub = TestHub::start().await;
    let mut instance = hub.instance("liar").await;
    // A masked binary frame of 2^62 bytes, of which four follow.
    let frame = [&[0x82, 0xff][..], &(1u64 << 62).to_be_bytes(), &[1, 2, 3, 4], &[0; 4]].concat();
    instance.stream().write_all(&frame).await.expect("it can be sent");
    while instance.next().await.is_some() {}
    is_unharmed(&hub).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_frames_are_refused() {
    let hub = TestHub::start().await;
    let mut instance = hub.instance("garbled").await;
    instance.stream().write_all(&noise(10_000, 9)).await.expect("it can be sent");
    while instance.next().await.is_some() {}
    is_unharmed(&hub).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_are_counted_before_they_are_unpacked() {
    let hub = TestHub::start().await;
    let functions = vec![Function::default(); MAX_FUNCTIONS_PER_MESSAGE + 1];
    let mut instance = hub.instance("wordy").await;
    instance.send(to_hub::Message::Functions(Functions { functions })).await;
    assert_eq!(instance.refusal().await.as_deref(), Some("GH1001"));
    let mut instance = hub.instance("verbose").await;
    instance
        .send(to_hub::Message::Report(Report { probes: vec![Default::default(); 10_000], ..Report::default() }))
        .await;
    assert_eq!(instance.refusal().await.as_deref(), Some("GH1001"));
    is_unharmed(&hub).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_version_is_refused_by_name() {
    let hub = TestHub::start().await;
    for (from, to) in [(0, 0), (2, 9), (9, 2)] {
        let mut instance = TestInstance::connect(hub.address(), &[]).await.expect("anybody may connect");
        let said = Some(instance.said.clone());
        instance.send(to_hub::Message::Hello(Hello { protocol_min: from, protocol_max: to, instance: said })).await;
        let Some(to_instance::Message::Refusal(refusal)) = instance.next().await else { panic!("no refusal") };
        assert_eq!(refusal.code, "GH1002");
        assert!(refusal.closing && refusal.message.contains("version 1"), "{refusal:?}");
    }
    let mut instance = TestInstance::connect(hub.address(), &[]).await.expect("anybody may connect");
    let said = Some(instance.said.clone());
    instance.send(to_hub::Message::Hello(Hello { protocol_min: 0, protocol_max: 9, instance: said })).await;
    assert!(matches!(instance.next().await, Some(to_instance::Message::Welcome(welcome)) if welcome.protocol == 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unusable_instance_is_refused() {
    let hub = TestHub::start().await;
    let wrong: [fn(&mut TestInstance); 5] = [
        |instance| instance.said.service = " ".into(),
        |instance| instance.said.instance_id = vec![1; 15],
        |instance| instance.said.instance_id = vec![0; 16],
        |instance| instance.said.class = "x".repeat(MAX_LABEL_BYTES + 1),
        |instance| instance.said.tags = (0..=MAX_TAGS).map(|tag| (tag.to_string(), String::new())).collect(),
    ];
    for spoil in wrong {
        let mut instance = TestInstance::connect(hub.address(), &[]).await.expect("anybody may connect");
        spoil(&mut instance);
        let Some(to_instance::Message::Refusal(refusal)) = instance.hello().await else { panic!("no refusal") };
        assert_eq!(refusal.code, "GH1006", "{refusal:?}");
    }
    is_unharmed(&hub).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_is_refused_at_the_door() {
    let layer = SettingsLayer { key: Some("right".parse().expect("a key")), ..SettingsLayer::default() };
    let hub = TestHub::start_with(layer).await;
    for headers in [&[][..], &[("authorization", "Bearer wrong")], &[("authorization", "right")]] {
        match TestInstance::connect(hub.address(), headers).await {
            Err(Error::Http(answer)) => {
                assert_eq!(answer.status(), 401);
                let body = String::from_utf8_lossy(answer.body().as_deref().unwrap_or_default()).into_owned();
                assert!(body.is_empty() || body.contains("GH1003"), "{body}");
            }
            other => panic!("{:?}", other.map(|_| "a session")),
        }
    }
    let mut instance =
        TestInstance::connect(hub.address(), &[("authorization", "Bearer right")]).await.expect("the key");
    assert!(matches!(instance.hello().await, Some(to_instance::Message::Welcome(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_in_browsers_cannot_open_sessions() {
    let hub = TestHub::start().await;
    let same = format!("http://{}", hub.address());
    for origin in ["http://evil.example", same.as_str()] {
        match TestInstance::connect(hub.address(), &[("origin", origin)]).await {
            Err(Error::Http(answer)) => assert_eq!(answer.status(), 401),
            other => panic!("{:?}", other.map(|_| "a session")),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn more_instances_than_allowed_are_told_when_to_come_back() {
    let hub = TestHub::start_with(SettingsLayer { max_instances: Some(2), ..SettingsLayer::default() }).await;
    let (first, _second) = (hub.instance("a").await, hub.instance("b").await);
    let mut third = TestInstance::connect(hub.address(), &[]).await.expect("anybody may connect");
    let Some(to_instance::Message::Refusal(refusal)) = third.hello().await else { panic!("no refusal") };
    assert_eq!(refusal.code, "GH1005");
    assert!(refusal.retry_after_ms > 0 && refusal.closing);
    drop(first);
    eventually("the place is free again", async || {
        let mut again = TestInstance::connect(hub.address(), &[]).await.ok()?;
        matches!(again.hello().await, Some(to_instance::Message::Welcome(_))).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_say_nothing_do_not_keep_others_out_for_long() {
    let hub = TestHub::start().await;
    let mut silent = Vec::new();
    let refusal = loop {
        match TestInstance::connect(hub.address(), &[]).await {
            Ok(stranger) => silent.push(stranger),
            Err(Error::Http(answer)) => break answer,
            Err(error) => panic!("{error}"),
        }
        assert!(silent.len() <= glasshull_hub::limits::MAX_HANDSHAKES, "there is no limit");
    };
    assert_eq!(refusal.status(), 503);
    assert!(refusal.headers().contains_key("retry-after"));
    assert_eq!(hub.http().get("/readyz").await.status, 200, "people still get answers");
    drop(silent);
    eventually("instances are taken again", async || {
        let mut again = TestInstance::connect(hub.address(), &[]).await.ok()?;
        matches!(again.hello().await, Some(to_instance::Message::Welcome(_))).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_count_among_the_connections() {
    let hub = TestHub::start_with(SettingsLayer { max_connections: Some(3), ..SettingsLayer::default() }).await;
    let (first, _second) = (hub.instance("a").await, hub.instance("b").await);
    eventually("people have the last place", async || (hub.metric("glasshull_connections").await == 3.0).then_some(()))
        .await;
    // A connection that was answered gives its place back a moment later.
    let _third =
        eventually("the last place is free", async || TestInstance::connect(hub.address(), &[]).await.ok()).await;
    assert_eq!(hub.http().get("/healthz").await.status, 0, "there is no place left");
    drop(first);
    eventually("there is a place again", async || (hub.http().get("/healthz").await.status == 200).then_some(())).await;
    assert!(hub.metric("glasshull_connections_refused_total").await > 0.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_connections_are_bounded() {
    let hub = TestHub::start_with(SettingsLayer { max_connections: Some(100), ..SettingsLayer::default() }).await;
    let mut open = Vec::new();
    for _ in 0..10_000u32 {
        let Ok(stream) = tokio::net::TcpStream::connect(hub.address()).await else { continue };
        open.push(stream);
        if open.len() > 500 {
            // The test's own file descriptors are bounded too.
            open.drain(..400);
        }
    }
    eventually("connections above the limit are closed", async || {
        for stream in &mut open {
            let read = tokio::time::timeout(std::time::Duration::from_millis(5), stream.read_u8());
            if matches!(read.await, Ok(Err(_))) {
                return Some(());
            }
        }
        None
    })
    .await;
    drop(open);
    eventually("the hub answers again", async || (hub.http().get("/readyz").await.status == 200).then_some(())).await;
    assert!(hub.metric("glasshull_connections_refused_total").await > 0.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newer_session_of_an_instance_wins() {
    let hub = TestHub::start().await;
    let mut old = hub.instance("twice").await;
    let (_new, _) = TestInstance::welcomed_as(hub.address(), old.said.clone()).await;
    assert!(old.refusal().await.is_none(), "the old session is closed in good order");
    let listed = hub.http().get("/api/v1/instances").await.json();
    let instances = listed["instances"].as_array().expect("a list");
    assert_eq!(instances.len(), 1, "{instances:?}");
    assert_eq!(instances[0]["connected"], true);
}
