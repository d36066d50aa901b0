//! From the live table into segments, and out of sight.

use std::time::Duration;

use arrow::array::AsArray;
use arrow::datatypes::{DataType, Field, Fields, TimestampNanosecondType};
use bytes::Bytes;
use glasshull_catalog::MAX_RUNNING_CALL_BYTES;
use glasshull_wire::v1::Function;
use glasshull_wire::{BatchWriter, CallRow, Calls, Message as _};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::Type;
use parquet::file::reader::{FileReader, SerializedFileReader};
use tokio_util::sync::CancellationToken;

use super::rig::{Fate, NOW_NS, Rig, SECOND_NS, batch_of, call, running, segment_rows, source};
use crate::arrival::Arrival;
use crate::journal::format::{Header, encode_frame};
use crate::record::Record;
use crate::windows::MAX_LIVE_WINDOWS;
use crate::{Appended, FolderObjects, PublishedCalls, SNAPSHOT_GRACE, StoreError, schema};

const WINDOW_NS: i64 = 600 * SECOND_NS;

#[tokio::test]
async fn segments_lie_by_window_and_are_sorted() {
    let rig = Rig::new().await;
    let starts = [NOW_NS + 1, NOW_NS - 1, NOW_NS, NOW_NS - WINDOW_NS, NOW_NS - WINDOW_NS - 1, NOW_NS + 5];
    for (i, started_at_ns) in (1..).zip(starts) {
        let call = CallRow { started_at_ns, ..call(i) };
        rig.store().append(&source(1), batch_of(i, &[call])).await.unwrap();
    }
    let published = rig.store().publish().await.unwrap();
    assert_eq!(published, PublishedCalls { calls: 6, segments: 3 });
    let segments = rig.store().snapshot().segments;
    let paths: Vec<_> = segments.iter().map(|segment| segment.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "calls/20261121T014000Z/hub-00000000000000000001.parquet",
            "calls/20261121T015000Z/hub-00000000000000000001.parquet",
            "calls/20261121T020000Z/hub-00000000000000000001.parquet",
        ]
    );
    let mut all = Vec::new();
    for segment in segments.iter() {
        assert_eq!(segment.window_end_ns - segment.window_start_ns, WINDOW_NS);
        for rows in segment_rows(&*rig.objects, segment).await {
            let started = rows.column(schema::STARTED_AT).as_primitive::<TimestampNanosecondType>().values().to_vec();
            assert_eq!(started.first(), Some(&segment.min_started_at_ns));
            assert_eq!(started.last(), Some(&segment.max_started_at_ns));
            assert_eq!(started.len() as u64, segment.calls);
            assert!(started.iter().all(|at| (segment.window_start_ns..segment.window_end_ns).contains(at)));
            all.extend(started);
        }
    }
    assert!(all.is_sorted() && all.len() == 6);
    assert_eq!(rig.store().publish().await.unwrap(), PublishedCalls::default());
}

#[tokio::test]
async fn a_segment_is_parquet_as_other_readers_like_it() {
    let rig = Rig::new().await;
    let calls: Vec<_> = (1..=5_000).map(call).collect();
    rig.store().append(&source(1), batch_of(1, &calls)).await.unwrap();
    rig.store().publish().await.unwrap();
    let segment = rig.store().snapshot().segments[0].clone();
    let file = rig.objects.get(&Path::from(segment.path.as_str())).await.unwrap().bytes().await.unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file.clone()).unwrap();
    let rows = schema::rows();
    let plain = rows.fields().iter().map(|field| match field.data_type() {
        DataType::Dictionary(_, names) => field.as_ref().clone().with_data_type((**names).clone()),
        _ => field.as_ref().clone(),
    });
    let members = ["args_form", "args.sku"].map(|name| Field::new(name, DataType::Utf8, true));
    assert_eq!(reader.schema().fields(), &plain.chain(members).collect::<Fields>());
    let metadata = SerializedFileReader::new(Bytes::clone(&file)).unwrap().metadata().clone();
    let group = metadata.row_group(0);
    let sorted = group.sorting_columns().unwrap();
    assert_eq!((sorted[0].column_idx, sorted[0].descending), (schema::row::STARTED_AT as i32, false));
    for column in group.columns() {
        assert!(column.offset_index_offset().is_some(), "{}", column.column_path());
        let of_text = column.column_descr().physical_type() == Type::BYTE_ARRAY;
        let prunes = !of_text || column.column_path().string() == "release";
        assert_eq!(column.column_index_offset().is_some(), prunes, "{}", column.column_path());
        assert!(format!("{:?}", column.compression()).starts_with("ZSTD"));
    }
    let marks = metadata.file_metadata().key_value_metadata().unwrap();
    assert!(marks.iter().any(|mark| mark.key == "glasshull.format" && mark.value.as_deref() == Some("2")));
    assert!(file.len() / 5_000 < 20, "{} bytes for 5000 calls of one kind", file.len());
}

#[tokio::test]
async fn a_publication_that_failed_goes_on_where_it_stopped() {
    for (objects, catalog) in [
        (vec![Fate::Fails, Fate::LosesItsAnswer], vec![]),
        (vec![], vec![Fate::Fails, Fate::LosesItsAnswer]),
        (vec![Fate::LosesItsAnswer], vec![Fate::LosesItsAnswer]),
    ] {
        let rig = Rig::new().await;
        rig.append(1, 1, &[1]).await;
        rig.objects.puts.set(objects);
        rig.catalog.publications.set(catalog);
        for sequence in 2..4 {
            let error = rig.store().publish().await.unwrap_err().to_string();
            assert_eq!(rig.store().stats().publish_error, Some(error));
            rig.append(1, sequence, &[sequence]).await;
            assert_eq!(rig.calls().await, (1..=sequence).collect::<Vec<_>>());
        }
        assert_eq!(rig.store().publish().await.unwrap().calls, 3);
        assert_eq!(rig.calls().await, [1, 2, 3]);
        let stats = rig.store().stats();
        assert_eq!((stats.publish_failures, stats.publish_error, stats.segment_calls), (2, None, 3));
        assert_eq!((stats.live_bytes, stats.journal_bytes, stats.journal_files), (0, 0, 0));
        assert_eq!(rig.objects.paths().await.len() as u64, stats.segments);
    }
}

#[tokio::test]
async fn a_running_call_that_is_too_long_for_the_catalog_holds_up_no_publication() {
    let mut rig = Rig::new().await;
    rig.store().append(&source(1), batch_of(1, &[call(1), running(2)])).await.unwrap();
    let calls = Calls::decode(&batch_of(2, &[running(3)])).unwrap();
    let mut long = Arrival::new(&source(1), 2, calls).unwrap();
    long.running[0].1.call = vec![0; MAX_RUNNING_CALL_BYTES + 1];
    rig.store().shared.show(1, vec![(long, None)], 0);
    assert_eq!(rig.running(), [2, 3]);
    assert_eq!(rig.store().publish().await.unwrap().calls, 1);
    assert_eq!(rig.store().stats().running_dropped, 1);
    rig.crash().await;
    assert_eq!((rig.calls().await, rig.running()), (vec![1], vec![2]));
}

#[tokio::test]
async fn a_batch_that_was_accepted_with_endless_arguments_is_replayed_and_published() {
    let mut writer = BatchWriter::default();
    let arguments = (0..80_000u64).map(|i| format!("{:x}", i.wrapping_mul(0x9E37_79B9_7F4A_7C15))).collect();
    let function = writer.function(0, || Function { arguments, ..Function::default() });
    let thread = writer.thread(0, String::new);
    for call in [call(1), running(2)] {
        writer.push(&CallRow { function, thread, ..call });
    }
    let record = Record::new(&source(1), writer.finish(1), NOW_NS).encode_to_vec();
    assert!(record.len() > MAX_RUNNING_CALL_BYTES, "{}", record.len());
    let mut file = Vec::new();
    Header { number: 1, previous: 0, is_relaxed: false }.encode(&mut file);
    encode_frame(1, file.len() as u64, &record, &mut file);
    let mut rig = Rig::new().await;
    rig.disk.put(1, file);
    rig.crash().await;
    assert_eq!(rig.store().publish().await.unwrap().calls, 1);
    rig.crash().await;
    assert_eq!((rig.calls().await, rig.running()), (vec![1], vec![2]));
    assert_eq!((rig.store().stats().corrupt_records, rig.store().stats().running_dropped), (0, 0));
}

#[tokio::test]
async fn what_is_much_is_published_in_parts() {
    let rig = Rig::with(|settings| {
        settings.journal_file_bytes = 1;
        settings.publish_bytes = 20_000;
    })
    .await;
    for sequence in 1..=20 {
        rig.append(1, sequence, &[sequence]).await;
    }
    let published = rig.store().publish().await.unwrap();
    assert_eq!(published.calls, 20);
    assert!((4..=10).contains(&published.segments), "{published:?}");
    assert_eq!(rig.calls().await, (1..=20).collect::<Vec<_>>());
}

#[tokio::test]
async fn calls_of_more_windows_than_may_wait_wait_for_a_publication() {
    const WINDOWS: i64 = 256;
    let rig = Rig::new().await;
    let old = |sequence: u64| {
        let started_at_ns = |window: i64| NOW_NS - (sequence as i64 * WINDOWS + window) * WINDOW_NS;
        let id = |window: i64| sequence * 1_000 + window as u64;
        let calls = (0..WINDOWS).map(|window| CallRow { started_at_ns: started_at_ns(window), ..call(id(window)) });
        batch_of(sequence, &calls.collect::<Vec<_>>())
    };
    let most = MAX_LIVE_WINDOWS as u64 / WINDOWS as u64;
    for sequence in 1..=most {
        rig.store().append(&source(1), old(sequence)).await.unwrap();
    }
    let error = rig.store().append(&source(1), old(most + 1)).await.unwrap_err();
    assert!(matches!(error, StoreError::Busy { .. }), "{error}");
    // Others' calls lie in windows that are there already.
    let known = CallRow { started_at_ns: NOW_NS - WINDOWS * WINDOW_NS, ..call(1) };
    rig.store().append(&source(2), batch_of(1, &[known])).await.unwrap();
    let published = rig.store().publish().await.unwrap();
    assert_eq!(published.segments, MAX_LIVE_WINDOWS as u64);
    rig.store().append(&source(1), old(most + 1)).await.unwrap();
    assert_eq!(rig.calls().await.len() as i64, MAX_LIVE_WINDOWS as i64 + 1 + WINDOWS);
}

#[tokio::test]
async fn the_background_publishes_on_time_and_when_much_is_live() {
    for (after, bytes) in [(Duration::from_millis(10), usize::MAX), (Duration::from_secs(3_600), 1)] {
        let rig = Rig::with(|settings| {
            settings.publish_after = after;
            settings.publish_bytes = bytes;
        })
        .await;
        rig.objects.puts.set([Fate::Fails]);
        let stop = CancellationToken::new();
        let background = tokio::spawn({
            let (store, stop) = (rig.store().clone(), stop.clone());
            async move { store.run(stop).await }
        });
        rig.append(1, 1, &[1]).await;
        let published = async {
            while rig.store().snapshot().segments.is_empty() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), published).await.unwrap();
        stop.cancel();
        background.await.unwrap();
        assert_eq!(rig.store().stats().publish_failures, 1);
    }
}

#[tokio::test]
async fn old_windows_go_out_of_sight_and_later_from_the_store() {
    let mut rig = Rig::with(|settings| settings.retention = Some(Duration::from_secs(3_600))).await;
    let late = CallRow { started_at_ns: NOW_NS - 2 * 3_600 * SECOND_NS, ..call(9) };
    rig.store().append(&source(1), batch_of(1, &[call(1), running(2)])).await.unwrap();
    rig.store().publish().await.unwrap();
    assert_eq!(rig.store().expire().await.unwrap(), 0);
    rig.store().append(&source(2), batch_of(1, &[late])).await.unwrap();
    rig.store().publish().await.unwrap();
    assert_eq!(rig.store().expire().await.unwrap(), 1, "a call that came late goes with its window");
    assert_eq!((rig.calls().await, rig.running()), (vec![1], vec![2]));
    rig.clock.advance(3_600 * SECOND_NS + WINDOW_NS);
    assert_eq!(rig.objects.paths().await.len(), 2);
    let before = rig.store().snapshot();
    assert_eq!(rig.store().expire().await.unwrap(), 1);
    assert_eq!((rig.calls().await, rig.running()), (vec![], vec![]));
    assert_eq!(super::rig::calls_in(&before, &*rig.objects).await, [1], "an older snapshot can still be read");
    rig.clock.advance(SNAPSHOT_GRACE.as_nanos() as i64);
    rig.store().expire().await.unwrap();
    assert_eq!(rig.objects.paths().await, Vec::<String>::new());
    assert_eq!(rig.store().stats().expired_segments, 2);
    rig.crash().await;
    assert_eq!((rig.calls().await, rig.running()), (vec![], vec![]));
}

#[tokio::test]
async fn retention_waits_for_a_publication_whose_fate_is_unknown() {
    let rig = Rig::with(|settings| settings.retention = Some(Duration::from_secs(3_600))).await;
    let late = CallRow { started_at_ns: NOW_NS - 2 * 3_600 * SECOND_NS, ..call(9) };
    rig.store().append(&source(1), batch_of(1, &[late])).await.unwrap();
    rig.catalog.publications.set([Fate::LosesItsAnswer]);
    rig.store().publish().await.unwrap_err();
    assert_eq!(rig.store().expire().await.unwrap(), 0);
    assert_eq!(rig.calls().await, [9]);
    rig.store().publish().await.unwrap();
    assert_eq!(rig.store().expire().await.unwrap(), 1);
    assert!(rig.calls().await.is_empty());
}

#[tokio::test]
async fn old_windows_go_though_nothing_can_be_published() {
    let rig = Rig::with(|settings| settings.retention = Some(Duration::from_secs(3_600))).await;
    rig.append(1, 1, &[1]).await;
    rig.store().publish().await.unwrap();
    rig.clock.advance(3_600 * SECOND_NS + WINDOW_NS);
    let new = CallRow { started_at_ns: NOW_NS + 3_600 * SECOND_NS, ..call(2) };
    rig.store().append(&source(1), batch_of(2, &[new])).await.unwrap();
    rig.objects.puts.set([Fate::Fails]);
    rig.store().publish().await.unwrap_err();
    assert_eq!(rig.store().expire().await.unwrap(), 1, "what is full must get room");
    assert_eq!(rig.calls().await, [2]);
    rig.store().publish().await.unwrap();
    assert_eq!(rig.calls().await, [2]);
}

#[tokio::test]
async fn a_clock_that_jumps_ahead_deletes_nothing_for_a_day() {
    const HOUR_NS: i64 = 3_600 * SECOND_NS;
    let rig = Rig::with(|settings| settings.retention = Some(Duration::from_secs(48 * 3_600))).await;
    rig.append(1, 1, &[1]).await;
    rig.store().publish().await.unwrap();
    rig.store().expire().await.unwrap();
    rig.clock.jump(1_000 * HOUR_NS);
    assert_eq!(rig.store().expire().await.unwrap(), 0);
    assert!(rig.store().stats().clock_doubted);
    // Set right in time, it has done nothing.
    rig.clock.jump(-1_000 * HOUR_NS);
    assert_eq!(rig.store().expire().await.unwrap(), 0);
    assert!(!rig.store().stats().clock_doubted);
    rig.clock.jump(1_000 * HOUR_NS);
    for _ in 0..24 {
        assert_eq!(rig.store().expire().await.unwrap(), 0);
        rig.clock.advance(HOUR_NS);
    }
    assert_eq!(rig.store().expire().await.unwrap(), 1, "at last it is believed");
    assert!(!rig.store().stats().clock_doubted);
}

#[tokio::test]
async fn while_the_clock_is_doubted_what_is_too_old_by_the_time_that_passed_goes() {
    const HOUR_NS: i64 = 3_600 * SECOND_NS;
    let rig = Rig::with(|settings| settings.retention = Some(Duration::from_secs(4 * 3_600))).await;
    rig.append(1, 1, &[1]).await;
    rig.store().publish().await.unwrap();
    rig.store().expire().await.unwrap();
    rig.clock.jump(1_000 * HOUR_NS);
    for _ in 0..4 {
        assert_eq!(rig.store().expire().await.unwrap(), 0);
        rig.clock.advance(HOUR_NS);
    }
    rig.clock.advance(WINDOW_NS);
    assert_eq!(rig.store().expire().await.unwrap(), 1);
    assert!(rig.store().stats().clock_doubted);
}

#[tokio::test]
async fn a_hub_that_was_off_for_long_deletes_nothing_for_a_day() {
    const HOUR_NS: i64 = 3_600 * SECOND_NS;
    let mut rig = Rig::with(|settings| settings.retention = Some(Duration::from_secs(48 * 3_600))).await;
    rig.append(1, 1, &[1]).await;
    rig.store().publish().await.unwrap();
    rig.store().expire().await.unwrap();
    let unknown = format!("calls/20261121T014000Z/hub-{:020}.parquet", 99);
    rig.objects.put(&Path::from(unknown), "x".into()).await.unwrap();
    rig.clock.advance(1_000 * HOUR_NS);
    rig.crash().await;
    assert!(rig.store().stats().clock_doubted);
    assert_eq!(rig.objects.paths().await.len(), 2, "not even what the catalog does not know");
    assert_eq!(rig.store().expire().await.unwrap(), 0);
    rig.clock.advance(24 * HOUR_NS);
    assert_eq!(rig.store().expire().await.unwrap(), 1);
}

#[tokio::test]
async fn what_was_not_heard_of_for_a_month_is_forgotten_also_where_calls_are_kept_for_ever() {
    const DAY_NS: i64 = 24 * 3_600 * SECOND_NS;
    let mut rig = Rig::new().await;
    rig.append(1, 5, &[1]).await;
    rig.store().publish().await.unwrap();
    rig.store().expire().await.unwrap();
    for _ in 0..31 {
        rig.clock.advance(DAY_NS);
        rig.append(2, rig.store().durable_sequence(source(2).instance) + 1, &[2]).await;
        rig.store().publish().await.unwrap();
        rig.store().expire().await.unwrap();
    }
    let sequences = |rig: &Rig| [1, 2].map(|instance| rig.store().durable_sequence(source(instance).instance));
    assert_eq!(sequences(&rig), [0, 31]);
    assert_eq!(rig.store().stats().instances, 1);
    rig.crash().await;
    assert_eq!(sequences(&rig), [0, 31]);
    assert_eq!(rig.calls().await.len(), 32);
}

#[tokio::test]
async fn sequences_are_forgotten_with_what_they_guarded() {
    let mut rig = Rig::with(|settings| settings.retention = Some(Duration::from_secs(3_600))).await;
    rig.append(1, 5, &[1]).await;
    rig.store().publish().await.unwrap();
    // Calls of a batch may begin an hour after it came, and their window ends ten minutes later.
    rig.clock.advance(2 * 3_600 * SECOND_NS + WINDOW_NS + SECOND_NS);
    rig.append(2, 6, &[2]).await;
    rig.store().publish().await.unwrap();
    rig.store().expire().await.unwrap();
    let sequences = |rig: &Rig| [1, 2].map(|instance| rig.store().durable_sequence(source(instance).instance));
    assert_eq!(sequences(&rig), [0, 6]);
    assert_eq!(rig.store().stats().instances, 1);
    rig.crash().await;
    assert_eq!(sequences(&rig), [0, 6]);
}

#[tokio::test]
async fn a_batch_that_comes_again_is_known_as_long_as_its_calls_are_kept() {
    const HOUR_NS: i64 = 3_600 * SECOND_NS;
    let mut rig = Rig::with(|settings| settings.retention = Some(Duration::from_secs(3_600))).await;
    let ahead = CallRow { started_at_ns: NOW_NS + HOUR_NS, ..call(1) };
    let again = || batch_of(1, &[ahead]);
    rig.store().append(&source(1), again()).await.unwrap();
    rig.store().publish().await.unwrap();
    rig.clock.advance(2 * HOUR_NS);
    for crashes in [false, true] {
        rig.store().expire().await.unwrap();
        if crashes {
            rig.crash().await;
        }
        assert_eq!(rig.store().append(&source(1), again()).await.unwrap(), Appended::Repeated);
        assert_eq!(rig.calls().await, [1]);
    }
}

#[tokio::test]
async fn what_is_not_published_is_known_when_it_comes_again_however_old_it_is() {
    let rig = Rig::with(|settings| settings.retention = Some(Duration::from_secs(3_600))).await;
    rig.append(1, 1, &[1]).await;
    rig.clock.advance(24 * 3_600 * SECOND_NS);
    rig.store().expire().await.unwrap();
    assert_eq!(rig.store().append(&source(1), batch_of(1, &[call(1)])).await.unwrap(), Appended::Repeated);
}

#[tokio::test]
async fn a_crash_at_any_step_of_retention_leaves_what_is_kept_and_in_the_end_nothing_else() {
    let fates = [Fate::Succeeds, Fate::Fails, Fate::LosesItsAnswer];
    for (step, fate, crashes) in (0..3)
        .flat_map(|step| fates.map(|fate| (step, fate)))
        .flat_map(|(step, fate)| [false, true].map(|crashes| (step, fate, crashes)))
    {
        let mut rig = Rig::with(|settings| settings.retention = Some(Duration::from_secs(3_600))).await;
        rig.append(1, 1, &[1]).await;
        rig.store().publish().await.unwrap();
        rig.clock.advance(3_600 * SECOND_NS);
        let kept = CallRow { started_at_ns: NOW_NS + 3_600 * SECOND_NS, ..call(2) };
        rig.store().append(&source(1), batch_of(2, &[kept])).await.unwrap();
        rig.store().publish().await.unwrap();
        rig.clock.advance(WINDOW_NS);
        [&rig.catalog.expiries, &rig.catalog.forgettings, &rig.objects.deletes][step].set([fate]);
        let expired = rig.store().expire().await;
        assert_eq!(expired.is_err(), step == 0 && fate != Fate::Succeeds, "{expired:?}");
        if crashes {
            rig.crash().await;
        }
        rig.store().expire().await.unwrap();
        assert_eq!(rig.calls().await, [2], "step {step} {fate:?}");
        rig.clock.advance(SNAPSHOT_GRACE.as_nanos() as i64);
        rig.store().expire().await.unwrap();
        if step == 2 && !crashes {
            rig.store().expire().await.unwrap();
        }
        assert_eq!(rig.objects.paths().await.len(), 1, "step {step} {fate:?}");
        rig.crash().await;
        assert_eq!(rig.calls().await, [2]);
    }
}

#[tokio::test]
async fn others_objects_are_not_taken_for_orphans() {
    let mut rig = Rig::new().await;
    rig.append(1, 1, &[1]).await;
    let number = "00000000000000000001";
    let others = [
        format!("calls/20261121T014000Z/hub-{number}.txt"),
        format!("calls/20261121T014000Z/hub-2-{number}.parquet"),
        format!("calls/20261121T014000Z/other-{number}.parquet"),
        "mine.txt".into(),
    ];
    for name in others.iter().chain([&format!("calls/20261121T014000Z/hub-{number}.parquet")]) {
        rig.objects.put(&Path::from(name.as_str()), "x".into()).await.unwrap();
    }
    rig.crash().await;
    assert_eq!(rig.objects.paths().await, others);
    assert_eq!(rig.store().stats().orphans_deleted, 1);
}

#[tokio::test]
async fn segments_that_a_restored_catalog_does_not_know_are_kept_and_not_overwritten() {
    let mut rig = Rig::new().await;
    for sequence in 1..=3 {
        rig.append(1, sequence, &[sequence]).await;
        rig.store().publish().await.unwrap();
    }
    rig.kill();
    rig.restore_empty_catalog().await;
    rig.open().await.unwrap();
    let stats = rig.store().stats();
    assert_eq!((stats.unknown_segments, stats.orphans_deleted, rig.objects.paths().await.len()), (3, 0, 3));
    rig.append(2, 1, &[4]).await;
    rig.crash().await;
    rig.append(2, 2, &[5]).await;
    rig.store().publish().await.unwrap();
    rig.crash().await;
    assert_eq!((rig.calls().await, rig.objects.paths().await.len()), (vec![4, 5], 4));
    assert_eq!(rig.store().stats().corrupt_records, 0);
}

#[tokio::test]
async fn a_segment_whose_deletion_a_crash_prevented_is_deleted_once_it_is_too_old() {
    let mut rig = Rig::with(|settings| settings.retention = Some(Duration::from_secs(3_600))).await;
    rig.append(1, 1, &[1]).await;
    rig.store().publish().await.unwrap();
    rig.clock.advance(3_600 * SECOND_NS + WINDOW_NS);
    assert_eq!(rig.store().expire().await.unwrap(), 1);
    assert_eq!(rig.objects.paths().await.len(), 1);
    rig.crash().await;
    assert_eq!(rig.objects.paths().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_folder_keeps_objects() {
    let folder = tempfile::tempdir().unwrap();
    let objects = FolderObjects::new(folder.path()).unwrap();
    let path = Path::from("calls/window/one.parquet");
    objects.put(&path, "rows".into()).await.unwrap();
    let again = FolderObjects::new(folder.path()).unwrap();
    assert_eq!(again.get(&path).await.unwrap().bytes().await.unwrap(), "rows");
    let listed: Vec<_> = futures::TryStreamExt::try_collect::<Vec<_>>(again.list(None)).await.unwrap();
    assert_eq!(listed.len(), 1);
    again.delete(&path).await.unwrap();
    assert!(again.get(&path).await.is_err());
    assert!(FolderObjects::new(&folder.path().join("missing")).is_err());
}

#[tokio::test]
async fn a_hub_whose_name_is_no_name_for_files_is_refused() {
    let mut rig = Rig::new().await;
    rig.append(1, 1, &[1]).await;
    for name in ["", "../x", "a b", &"x".repeat(65)] {
        rig.settings.hub = name.into();
        assert!(rig.open().await.is_err());
    }
}
