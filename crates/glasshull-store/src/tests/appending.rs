//! What happens to one batch.

use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use arrow::array::{Array, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use glasshull_wire::limits::{MAX_AHEAD_NS, MAX_REFUSED_TOLD};
use glasshull_wire::v1::{CallBatch, Outcome};
use glasshull_wire::{BatchError, CallRow, Calls};
use tokio_util::sync::CancellationToken;

use super::rig::{NOW_NS, Rig, SECOND_NS, batch, batch_of, call, ids, running, shown, source};
use crate::arrival::Arrival;
use crate::journal::disk::Disk;
use crate::{Appended, Source, StoreError, schema};

#[tokio::test]
async fn a_batch_is_visible_when_it_is_acknowledged() {
    let rig = Rig::new().await;
    let appended = rig.store().append(&source(1), batch(1, &[1, 2, 3])).await.unwrap();
    assert_eq!(appended, Appended::Stored { calls: 3, wait_ms: 0 });
    assert_eq!(rig.calls().await, [1, 2, 3]);
    assert_eq!(rig.store().durable_sequence(source(1).instance), 1);
}

#[tokio::test]
async fn a_row_tells_all_there_is_to_tell() {
    let rig = Rig::new().await;
    let whole = CallRow {
        parent_id: Some(41),
        idle_ns: 400,
        outcome: Outcome::Error as i32,
        returned: Some("null"),
        error: Some(r#"{"message":"sold out"}"#),
        depth: 2,
        position: 3,
        ..call(42)
    };
    rig.store().append(&source(1), batch_of(1, &[whole, running(43)])).await.unwrap();
    let snapshot = rig.store().snapshot();
    assert_eq!(snapshot.live[0].schema(), schema::rows());
    let rows = shown(&snapshot.live[0]);
    assert_eq!(rows.schema(), schema::calls());
    let text = |name: &str| rows.column_by_name(name).unwrap().as_string::<i32>().value(0).to_owned();
    assert_eq!(text("trace_id"), "000000000000002a0000000000000007");
    assert_eq!(text("call_id"), "000000000000002a");
    assert_eq!(text("parent_id"), "0000000000000029");
    let labels = ["service", "instance", "class", "release"].map(text);
    assert_eq!(labels, ["checkout", "host:1", "blue", "1.2.3"]);
    let place = ["function", "file", "thread", "outcome"].map(text);
    assert_eq!(place, ["shop::pricing::price0", "src/pricing.rs", "main", "error"]);
    let values = ["args", "returned", "error"].map(text);
    assert_eq!(values, [r#"{"sku":"glass"}"#, "null", r#"{"message":"sold out"}"#]);
    let number = |name: &str| {
        let column = cast(rows.column_by_name(name).unwrap(), &DataType::Int64).unwrap();
        column.as_primitive::<Int64Type>().value(0)
    };
    let started_at_ns = NOW_NS - SECOND_NS + 42;
    assert_eq!(["started_at", "ended_at"].map(number), [started_at_ns, started_at_ns + 1_000]);
    assert_eq!(["line", "duration_ns", "busy_ns", "depth", "position"].map(number), [7, 1_000, 600, 2, 3]);
    assert!(snapshot.running.column_by_name("ended_at").unwrap().is_null(0));
}

#[tokio::test]
async fn an_instance_without_a_name_is_told_by_its_id() {
    let rig = Rig::new().await;
    let nameless = Source { name: String::new(), ..source(1) };
    rig.store().append(&nameless, batch(1, &[1])).await.unwrap();
    let snapshot = rig.store().snapshot();
    let rows = shown(&snapshot.live[0]);
    let name = rows.column_by_name("instance").unwrap().as_string::<i32>().value(0).to_owned();
    assert_eq!(name, "01".repeat(16));
}

#[tokio::test]
async fn a_batch_sent_twice_is_stored_once() {
    let rig = Rig::new().await;
    rig.append(1, 1, &[1]).await;
    rig.append(1, 4, &[2]).await;
    for sequence in 1..=4 {
        let appended = rig.store().append(&source(1), batch(sequence, &[9])).await.unwrap();
        assert_eq!(appended, Appended::Repeated);
    }
    rig.append(2, 1, &[3]).await;
    assert_eq!(rig.calls().await, [1, 2, 3]);
    assert_eq!(rig.store().stats().repeated_batches, 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sessions_of_one_instance_that_race_store_each_batch_once() {
    let rig = Rig::new().await;
    let session = |store: Arc<crate::Store>| {
        tokio::spawn(async move {
            for sequence in 1..=40 {
                store.append(&source(1), batch(sequence, &[sequence])).await.unwrap();
            }
        })
    };
    for session in [0; 6].map(|_| session(rig.store().clone())) {
        session.await.unwrap();
    }
    assert_eq!(rig.calls().await, (1..=40).collect::<Vec<_>>());
    assert_eq!(rig.store().stats().appended_batches, 40);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn callers_that_go_away_leave_each_batch_stored_once_or_not_at_all() {
    let rig = Rig::new().await;
    for sequence in 1..=60u64 {
        let store = rig.store().clone();
        let gone = tokio::spawn(async move { store.append(&source(1), batch(sequence, &[sequence])).await });
        if sequence % 2 == 0 {
            tokio::task::yield_now().await;
        }
        gone.abort();
        rig.store().append(&source(1), batch(sequence, &[sequence])).await.unwrap();
    }
    assert_eq!(rig.calls().await, (1..=60).collect::<Vec<_>>());
}

#[tokio::test]
async fn one_sync_acknowledges_all_that_waited() {
    let rig = Rig::new().await;
    let appends = (1..=20u8).map(|instance| {
        let store = rig.store().clone();
        async move { store.append(&source(instance), batch(1, &[instance.into()])).await.unwrap() }
    });
    let held = rig.disk.hold_syncs();
    // All are asked before the first of them can be answered.
    let release = async { drop(held) };
    tokio::join!(futures::future::join_all(appends), release);
    let stats = rig.store().stats();
    assert_eq!((stats.appended_batches, stats.appended_calls), (20, 20));
    assert!(stats.fsyncs.count <= 2, "{} syncs", stats.fsyncs.count);
    assert_eq!(stats.journal_bytes, stats.journal_written_bytes);
}

#[tokio::test]
async fn batches_of_one_instance_wait_together_and_stay_in_order() {
    let rig = Rig::new().await;
    let appends = (1..=8).map(|sequence| {
        let store = rig.store().clone();
        async move { store.append(&source(1), batch(sequence, &[sequence])).await.unwrap() }
    });
    let held = rig.disk.hold_syncs();
    let release = async { drop(held) };
    tokio::join!(futures::future::join_all(appends), release);
    assert!(rig.store().stats().fsyncs.count <= 2, "{} syncs", rig.store().stats().fsyncs.count);
    assert_eq!(rig.calls().await, [1, 2, 3, 4, 5, 6, 7, 8]);
}

#[tokio::test]
async fn what_is_on_its_way_behind_a_batch_that_fails_is_not_stored_before_it() {
    let rig = Rig::new().await;
    let append = |sequence: u64| {
        let store = rig.store().clone();
        async move { store.append(&source(1), batch(sequence, &[sequence])).await }
    };
    rig.disk.fail_syncs(1);
    let held = rig.disk.hold_syncs();
    let mut first = std::pin::pin!(append(1));
    let mut waits = Context::from_waker(Waker::noop());
    assert!(first.as_mut().poll(&mut waits).is_pending());
    // The writer has taken it, alone, and syncs.
    while !rig.disk.numbers().unwrap().contains(&1) || rig.disk.file(1).is_empty() {
        std::thread::yield_now();
    }
    let (mut second, mut third) = (std::pin::pin!(append(2)), std::pin::pin!(append(3)));
    assert!(second.as_mut().poll(&mut waits).is_pending() && third.as_mut().poll(&mut waits).is_pending());
    drop(held);
    for (sequence, answer) in [(1, first.await), (2, second.await), (3, third.await)] {
        assert!(matches!(answer, Err(StoreError::JournalUnwritable(_))), "{sequence}: {answer:?}");
    }
    // The same batch while it is on its way counts once, and waits for its own fate.
    let (again, twice) = tokio::join!(append(1), append(1));
    assert!(matches!(again, Ok(Appended::Stored { .. })) && matches!(twice, Ok(Appended::Repeated)), "{twice:?}");
    for sequence in 2..=3 {
        append(sequence).await.unwrap();
    }
    assert_eq!(rig.calls().await, [1, 2, 3]);
}

#[tokio::test]
async fn what_contradicts_itself_is_refused_and_counted() {
    let rig = Rig::new().await;
    let mut garbage = batch(1, &[1]);
    garbage.columns.truncate(5);
    let early = batch_of(1, &[CallRow { started_at_ns: -1, ..call(1) }]);
    let long = batch_of(1, &[CallRow { duration_ns: u64::MAX, ..call(1) }]);
    let scattered: Vec<_> =
        (0..400).map(|i| CallRow { started_at_ns: i * 600 * SECOND_NS, ..call(i.unsigned_abs()) }).collect();
    for refused in [garbage, early, long, batch_of(1, &scattered), batch(0, &[1]), batch(u64::MAX, &[1])] {
        let error = rig.store().append(&source(1), refused).await.unwrap_err();
        assert!(matches!(error, StoreError::Batch(_)), "{error}");
    }
    let long = Source { class: "x".repeat(257), ..source(1) };
    assert!(matches!(rig.store().append(&long, batch(1, &[1])).await, Err(StoreError::Source("class"))));
    assert_eq!(rig.store().stats().refused_invalid, 7);
    assert!(rig.calls().await.is_empty());
    assert_eq!(rig.store().durable_sequence(source(1).instance), 0);
}

#[tokio::test]
async fn who_comes_back_is_told_what_was_refused_for_good() {
    let rig = Rig::new().await;
    let wrong = |sequence| CallBatch { calls: 7, ..batch(sequence, &[1]) };
    let refused = || rig.store().refused_sequences(source(1).instance);
    assert!(refused().is_empty());
    for sequence in [1, 2, 2] {
        rig.store().append(&source(1), wrong(sequence)).await.unwrap_err();
    }
    rig.store().append(&source(1), batch(3, &[1])).await.unwrap();
    assert_eq!((rig.store().durable_sequence(source(1).instance), refused()), (3, vec![1, 2]));
    for sequence in 4..4 + MAX_REFUSED_TOLD as u64 {
        rig.store().append(&source(1), wrong(sequence)).await.unwrap_err();
    }
    assert_eq!((refused().len(), refused()[0]), (MAX_REFUSED_TOLD, 4), "the oldest are forgotten");
    assert!(rig.store().refused_sequences(source(2).instance).is_empty());
}

#[tokio::test]
async fn a_batch_from_the_future_is_refused_and_counted() {
    let rig = Rig::new().await;
    let at = |ahead_ns| batch_of(1, &[CallRow { started_at_ns: NOW_NS + ahead_ns, ..call(1) }]);
    let error = rig.store().append(&source(1), at(MAX_AHEAD_NS + 1)).await.unwrap_err();
    assert!(matches!(error, StoreError::Ahead { ahead_ns } if ahead_ns == MAX_AHEAD_NS + 1), "{error}");
    rig.store().append(&source(1), at(MAX_AHEAD_NS)).await.unwrap();
    assert_eq!(rig.store().stats().refused_ahead, 1);
}

#[tokio::test]
async fn senders_are_asked_to_wait_and_then_refused_when_the_live_table_fills() {
    let rig = Rig::with(|settings| {
        settings.live_bytes = 64 << 10;
        settings.append_within = Duration::from_millis(20);
    })
    .await;
    let mut waits = Vec::new();
    let mut sequence = 0;
    let error = loop {
        sequence += 1;
        match rig.store().append(&source(1), batch(sequence, &[sequence])).await {
            Ok(Appended::Stored { wait_ms, .. }) => waits.push(wait_ms),
            Ok(Appended::Repeated) => unreachable!(),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, StoreError::Busy { retry_after_ms: 1_000 }), "{error}");
    assert!(waits.is_sorted() && waits[0] == 0 && *waits.last().unwrap() > 500, "{waits:?}");
    assert_eq!(rig.store().stats().refused_busy, 1);
    rig.store().publish().await.unwrap();
    rig.append(1, sequence, &[sequence]).await;
    assert_eq!(rig.calls().await.len() as u64, sequence);
}

#[tokio::test]
async fn a_running_call_is_shown_until_it_ends() {
    let rig = Rig::new().await;
    let store = rig.store();
    store.append(&source(1), batch_of(1, &[call(1), running(2), running(3)])).await.unwrap();
    store.append(&source(2), batch_of(1, &[running(2)])).await.unwrap();
    assert_eq!((rig.calls().await, rig.running()), (vec![1], vec![2, 2, 3]));
    // Begun, heard of again and ended within one batch.
    store.append(&source(1), batch_of(2, &[running(4), running(3), call(4), call(2)])).await.unwrap();
    assert_eq!((rig.calls().await, rig.running()), (vec![1, 2, 4], vec![2, 3]));
    assert_eq!(store.stats().running_calls, 2);
}

#[tokio::test]
async fn a_running_call_has_lasted_until_now_and_at_least_as_long_as_its_instance_said() {
    let rig = Rig::new().await;
    let early = CallRow { started_at_ns: NOW_NS + 30 * SECOND_NS, duration_ns: 5, ..running(2) };
    rig.store().append(&source(1), batch_of(1, &[running(1), early])).await.unwrap();
    let lasted = || rig.store().snapshot().running.column_by_name("duration_ns").unwrap().clone();
    let lasted = || lasted().as_primitive::<Int64Type>().values().to_vec();
    assert_eq!(lasted(), [SECOND_NS - 1, 5]);
    rig.clock.advance(60 * SECOND_NS);
    assert_eq!(lasted(), [61 * SECOND_NS - 1, 30 * SECOND_NS]);
}

#[tokio::test]
async fn of_too_many_running_calls_those_not_heard_of_are_forgotten() {
    let rig = Rig::new().await;
    let many = crate::MAX_RUNNING as u64;
    let calls: Vec<_> = (1..=many + 3).map(running).collect();
    rig.store().append(&source(1), batch_of(1, &calls)).await.unwrap();
    assert_eq!(rig.running(), (4..=many + 3).collect::<Vec<_>>());
    assert_eq!(rig.store().stats().running_dropped, 3);
}

#[test]
fn a_running_call_keeps_nothing_of_the_batch_it_came_in() {
    let large: &str = "x".repeat(60_000).leak();
    let large = CallRow { args: Some(large), ..call(1) };
    let mut calls = vec![large; 50];
    calls.extend((2..1_000).map(running));
    let calls = Calls::decode(&batch_of(1, &calls)).unwrap();
    let arrival = Arrival::new(&source(1), 1, calls).unwrap();
    for (place, row) in &arrival.running {
        assert_eq!(ids(&row.row), [arrival.call_ids[*place]]);
        let bytes = row.row.get_array_memory_size();
        assert!(bytes < 6_000, "{bytes} bytes for a row of a few texts");
    }
    assert_eq!(arrival.running.len(), 998);
}

#[tokio::test]
async fn a_subscriber_sees_what_is_acknowledged_and_is_told_what_it_missed() {
    let rig = Rig::new().await;
    rig.append(1, 1, &[1]).await;
    let mut subscriber = rig.store().subscribe();
    rig.store().append(&source(1), batch_of(2, &[call(2), running(3)])).await.unwrap();
    assert_eq!(ids(&subscriber.recv().await.unwrap()), [2, 3]);
    for sequence in 3..3 + crate::MAX_SUBSCRIBED_BATCHES as u64 + 5 {
        rig.append(1, sequence, &[sequence]).await;
    }
    let missed = subscriber.recv().await.unwrap_err();
    assert_eq!(missed, tokio::sync::broadcast::error::RecvError::Lagged(5));
}

#[tokio::test]
async fn a_subscriber_sees_a_large_batch_in_parts() {
    let rig = Rig::new().await;
    let mut subscriber = rig.store().subscribe();
    let all: Vec<u64> = (1..=2_500).collect();
    rig.append(1, 1, &all).await;
    let parts: Vec<_> = std::iter::from_fn(|| subscriber.try_recv().ok()).collect();
    assert_eq!(parts.iter().map(|part| part.num_rows()).collect::<Vec<_>>(), [1_024, 1_024, 452]);
    assert_eq!(parts.iter().flat_map(|part| ids(part)).collect::<Vec<_>>(), all);
}

#[tokio::test]
async fn many_small_batches_are_gathered_and_none_is_lost() {
    let rig = Rig::new().await;
    for sequence in 1..=200 {
        rig.append(1, sequence, &[sequence]).await;
    }
    assert_eq!(rig.calls().await, (1..=200).collect::<Vec<_>>());
    assert!(rig.store().snapshot().live.len() < 70);
}

#[tokio::test]
async fn a_closed_store_refuses_and_has_published() {
    let rig = Rig::new().await;
    rig.append(1, 1, &[1]).await;
    rig.store().close().await;
    assert!(matches!(rig.store().append(&source(1), batch(2, &[2])).await, Err(StoreError::Closed)));
    assert!(matches!(rig.store().publish().await, Err(StoreError::Closed)));
    assert_eq!(rig.calls().await, [1]);
    assert_eq!(rig.store().snapshot().segments.len(), 1);
}

#[test]
fn a_refusal_says_what_to_do() {
    let errors = [
        StoreError::Batch(BatchError::Inconsistent("a call starts before 1970")),
        StoreError::Ahead { ahead_ns: 5 },
        StoreError::Busy { retry_after_ms: 7 },
        StoreError::JournalUnwritable("no space left on device".into()),
    ];
    let told = errors.map(|error| error.to_string());
    assert_eq!(
        told,
        [
            "the batch is refused: the columns contradict each other: a call starts before 1970",
            "the batch is refused: a call starts 5 ns ahead of the hub's clock; set the clock of the machine that sent it",
            "the hub is busy: no room for the batch; send it again in 7 ms",
            "the journal cannot be written: no space left on device; the hub goes on by itself as soon as it can",
        ]
    );
}

#[tokio::test]
async fn a_full_disk_that_gets_room_is_noticed_though_nobody_sends() {
    let rig = Rig::new().await;
    rig.append(1, 1, &[1]).await;
    rig.disk.set_room(Some(10));
    let refused = rig.store().append(&source(1), batch(2, &[2])).await.unwrap_err();
    assert!(matches!(refused, StoreError::JournalUnwritable(_)), "{refused}");
    assert!(!rig.store().stats().journal_writable);
    let stop = CancellationToken::new();
    let (store, stopped) = (rig.store().clone(), stop.clone());
    let background = tokio::spawn(async move { store.run(stopped).await });
    rig.disk.fail_creates(1);
    rig.disk.set_room(None);
    let noticed = async {
        while !rig.store().stats().journal_writable {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), noticed).await.unwrap();
    stop.cancel();
    background.await.unwrap();
    rig.store().durable_sequence(source(1).instance);
    rig.append(1, 2, &[2]).await;
    let mut rig = rig;
    rig.crash().await;
    assert_eq!(rig.calls().await, [1, 2]);
    assert_eq!(rig.store().stats().corrupt_records, 0);
}

#[tokio::test]
async fn a_journal_file_ends_when_it_has_as_many_rows_as_are_published_at_a_time() {
    let rig = Rig::with(|settings| settings.publish_bytes = 32 << 10).await;
    for sequence in 1..=40 {
        let ids: Vec<u64> = (sequence * 100..sequence * 100 + 20).collect();
        rig.append(1, sequence, &ids).await;
    }
    let files = rig.store().stats().journal_files;
    assert!(files > 2, "{files} files");
    assert_eq!(rig.store().publish().await.unwrap().calls, 800);
    assert!(rig.store().stats().publishes.count >= files - 1, "they were not published together");
}

#[tokio::test]
async fn room_that_was_taken_for_more_than_there_is_is_given_back() {
    let rig = Rig::new().await;
    let ids: Vec<u64> = (1..=2_000).collect();
    rig.append(1, 1, &ids).await;
    let snapshot = rig.store().snapshot();
    let rows: usize = snapshot.live.iter().map(|rows| rows.get_array_memory_size()).sum();
    let taken = rig.store().stats().live_bytes as usize;
    assert!((rows..=rows + 1_024).contains(&taken), "{taken} bytes for {rows}");
}
