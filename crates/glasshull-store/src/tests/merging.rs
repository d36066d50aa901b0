//! Many segments of a window become one.

use std::time::Duration;

use arrow::array::AsArray;
use arrow::compute::concat_batches;
use arrow::datatypes::TimestampNanosecondType;
use arrow::record_batch::RecordBatch;
use glasshull_catalog::{Catalog, Merge, Publication, SegmentRow};
use glasshull_wire::CallRow;
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::rig::{Fate, MemoryDisk, NOW_NS, Rig, SECOND_NS, batch_of, call, calls_in, ids, segment_rows, source};
use crate::index::{self, Index, Key, Lookup};
use crate::{FolderObjects, MergedSegments, SNAPSHOT_GRACE, StoreError, StoreSettings, schema};

const WINDOW_NS: i64 = 600 * SECOND_NS;
const GRACE_NS: i64 = SNAPSHOT_GRACE.as_nanos() as i64;

/// How long anything that has to happen may take.
const WITHIN: Duration = Duration::from_secs(30);

/// A call of the window before [`NOW_NS`].
fn at(id: u64, ms_before: i64) -> CallRow<'static> {
    CallRow { started_at_ns: NOW_NS - ms_before * 1_000_000, ..call(id) }
}

async fn publish(rig: &Rig, calls: &[CallRow<'_>]) {
    let sequence = rig.store().durable_sequence(source(1).instance) + 1;
    rig.store().append(&source(1), batch_of(sequence, calls)).await.unwrap();
    rig.store().publish().await.unwrap();
}

/// So many segments of one window, whose calls overlap, with ids from 1 on; then the window is over.
async fn with_segments(segments: u64, set: impl FnOnce(&mut StoreSettings)) -> Rig {
    let rig = Rig::with(set).await;
    for segment in 0..segments {
        let calls: Vec<_> = (0..3).map(|i| at(3 * segment + i + 1, 50_000 - (10 * i + segment) as i64)).collect();
        publish(&rig, &calls).await;
    }
    rig.clock.advance(WINDOW_NS);
    rig
}

fn all(segments: u64) -> Vec<u64> {
    (1..=3 * segments).collect()
}

fn paths_in_sight(rig: &Rig) -> Vec<String> {
    rig.store().snapshot().segments.iter().map(|segment| segment.path.clone()).collect()
}

/// What was merged is deleted, and nothing else is left.
async fn nothing_is_left_behind(rig: &Rig) {
    rig.clock.advance(GRACE_NS);
    rig.store().expire().await.unwrap();
    assert_eq!(rig.objects.paths().await, paths_in_sight(rig));
    assert_eq!(rig.catalog.doomed("hub").await.unwrap(), []);
    let known: Vec<_> = rig.catalog.segments().await.unwrap().into_iter().map(|segment| segment.path).collect();
    assert_eq!(known, paths_in_sight(rig));
}

async fn rows_of(rig: &Rig, segments: &[SegmentRow]) -> RecordBatch {
    let mut rows = Vec::new();
    for segment in segments {
        rows.extend(segment_rows(&*rig.objects, segment).await);
    }
    concat_batches(&schema::calls(), &rows).unwrap()
}

/// A merge that has read its segments, and goes on to write when it is told.
async fn under_way(rig: &Rig) -> (JoinHandle<Result<MergedSegments, StoreError>>, oneshot::Sender<()>) {
    let (came, go_on) = rig.objects.hold_next_put();
    let store = rig.store().clone();
    let merging = tokio::spawn(async move { store.merge().await });
    timeout(WITHIN, came).await.unwrap().unwrap();
    (merging, go_on)
}

#[tokio::test]
async fn the_segments_of_a_window_that_is_over_become_one_with_the_same_rows_by_start() {
    let rig = with_segments(5, |_| {}).await;
    publish(&rig, &[CallRow { started_at_ns: NOW_NS + 1, ..call(99) }]).await;
    let before = rig.store().snapshot();
    let merged = rig.store().merge().await.unwrap();
    assert_eq!(merged, MergedSegments { segments: 5, calls: 15 });
    assert_eq!(rig.store().merge().await.unwrap(), MergedSegments::default());
    let segments = rig.store().snapshot().segments;
    assert_eq!(segments.len(), 2, "the other window has its own");
    let rows = rows_of(&rig, &segments[..1]).await;
    let started = rows.column(schema::STARTED_AT).as_primitive::<TimestampNanosecondType>().values().to_vec();
    assert!(started.is_sorted());
    let SegmentRow { min_started_at_ns, max_started_at_ns, calls, .. } = segments[0];
    assert_eq!((Some(&min_started_at_ns), Some(&max_started_at_ns)), (started.first(), started.last()));
    assert_eq!((calls, segments[0].window_end_ns), (15, NOW_NS));
    let mut unmerged = rows_of(&rig, &before.segments[..5]).await;
    let order = arrow::compute::sort_to_indices(unmerged.column(schema::STARTED_AT), None, None).unwrap();
    unmerged = arrow::compute::take_record_batch(&unmerged, &order).unwrap();
    assert_eq!(rows, unmerged);
    let stats = rig.store().stats();
    assert_eq!((stats.merges.count, stats.merged_segments, stats.merge_failures), (1, 5, 0));
    let read: u64 = before.segments[..5].iter().map(|segment| segment.bytes).sum();
    assert_eq!((stats.merge_read_bytes, stats.merge_written_bytes), (read, segments[0].bytes));
    nothing_is_left_behind(&rig).await;
    assert_eq!(rig.calls().await, [all(5), vec![99]].concat());
}

#[tokio::test]
async fn calls_that_start_together_stay_in_the_order_of_their_segments() {
    let rig = Rig::new().await;
    for segment in 0..3 {
        publish(&rig, &[at(10 * segment + 1, 9), at(10 * segment + 2, 9), at(10 * segment + 3, 8)]).await;
    }
    rig.clock.advance(WINDOW_NS);
    rig.store().merge().await.unwrap();
    let rows = rows_of(&rig, &rig.store().snapshot().segments).await;
    assert_eq!(ids(&rows), [1, 2, 11, 12, 21, 22, 3, 13, 23]);
}

#[tokio::test]
async fn large_segments_are_read_and_sent_in_parts() {
    let rig = Rig::new().await;
    let values: Vec<String> =
        (0..30_000u64).map(|i| format!(r#"{{"sku":"{:x}"}}"#, i.wrapping_mul(0x9E37_79B9_7F4A_7C15))).collect();
    for segment in 0..3 {
        // The first two overlap, the third follows.
        let calls: Vec<_> = (0..10_000u64)
            .map(|i| {
                let id = segment * 10_000 + i;
                let ms_before = if segment == 2 { 10_000 - i as i64 } else { 50_000 - (2 * i + segment) as i64 };
                CallRow { args: Some(&values[id as usize]), ..at(id + 1, ms_before) }
            })
            .collect();
        publish(&rig, &calls).await;
    }
    rig.clock.advance(WINDOW_NS);
    let before = rows_of(&rig, &rig.store().snapshot().segments).await;
    rig.store().merger.lock().await.set_part_bytes(50_000);
    assert_eq!(rig.store().merge().await.unwrap(), MergedSegments { segments: 3, calls: 30_000 });
    assert_eq!(rig.objects.in_parts.load(std::sync::atomic::Ordering::Relaxed), 1);
    let after = rows_of(&rig, &rig.store().snapshot().segments).await;
    let order = arrow::compute::sort_to_indices(before.column(schema::STARTED_AT), None, None).unwrap();
    assert_eq!(after, arrow::compute::take_record_batch(&before, &order).unwrap());
    has_an_index(&rig, &values[29_999]).await;
    nothing_is_left_behind(&rig).await;
}

/// The index of the segment in sight, of 30,000 calls, says that the last of these has this value's word, the first not.
async fn has_an_index(rig: &Rig, value: &str) {
    let path = Path::from(paths_in_sight(rig)[0].as_str());
    let file = rig.objects.get(&path).await.unwrap().bytes().await.unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file.clone()).unwrap();
    let marks = reader.metadata().file_metadata().key_value_metadata().unwrap();
    let mark = marks.iter().find(|mark| mark.key == index::METADATA_KEY).unwrap();
    let index = Index::parse(mark.value.as_ref().unwrap(), 30_000).unwrap();
    let key = Key::word(value.split('"').nth(3).unwrap().as_bytes());
    let place = index.place(key);
    let mut lookup = Lookup::default();
    assert!(lookup.add(key, &file[place.start as usize..place.end as usize]));
    assert_eq!((index.granules(), lookup.may_have(0, key), lookup.may_have(1, key)), (2, false, true));
}

#[tokio::test]
async fn a_window_that_is_being_written_is_merged_when_it_has_many_segments() {
    let rig = Rig::new().await;
    for id in 1..=7 {
        publish(&rig, &[at(id, 10)]).await;
    }
    assert_eq!(rig.store().merge().await.unwrap().segments, 0);
    publish(&rig, &[at(8, 10)]).await;
    assert_eq!(rig.store().merge().await.unwrap().segments, 8);
    publish(&rig, &[at(9, 10)]).await;
    assert_eq!(rig.store().merge().await.unwrap().segments, 0);
    assert_eq!(rig.calls().await, (1..=9).collect::<Vec<_>>());
}

#[tokio::test]
async fn late_calls_of_a_merged_window_are_merged_too() {
    let mut rig = with_segments(3, |_| {}).await;
    rig.store().merge().await.unwrap();
    publish(&rig, &[at(10, 70_000), at(11, 1)]).await;
    assert_eq!(paths_in_sight(&rig).len(), 2);
    assert_eq!(rig.store().merge().await.unwrap().segments, 2);
    nothing_is_left_behind(&rig).await;
    rig.crash().await;
    assert_eq!(rig.calls().await, [all(3), vec![10, 11]].concat());
    assert_eq!((paths_in_sight(&rig).len(), rig.store().stats().unknown_segments), (1, 0));
}

#[tokio::test]
async fn snapshots_stay_readable_as_long_as_a_query_may_run() {
    let rig = with_segments(4, |_| {}).await;
    let before = rig.store().snapshot();
    rig.store().merge().await.unwrap();
    for _ in 0..2 {
        rig.store().expire().await.unwrap();
        assert_eq!(calls_in(&before, &*rig.objects).await, all(4));
        rig.clock.advance(GRACE_NS - 1);
    }
    rig.clock.advance(1);
    rig.objects.deletes.set([Fate::Fails]);
    rig.store().expire().await.unwrap();
    assert_eq!(rig.objects.paths().await.len(), 2, "one could not be deleted");
    nothing_is_left_behind(&rig).await;
}

#[tokio::test]
async fn what_was_merged_is_deleted_after_a_restart_and_not_before_it_may_be() {
    let mut rig = with_segments(4, |_| {}).await;
    rig.store().merge().await.unwrap();
    rig.clock.advance(GRACE_NS / 2);
    rig.crash().await;
    rig.store().expire().await.unwrap();
    assert_eq!((rig.objects.paths().await.len(), rig.store().stats().unknown_segments), (5, 0));
    rig.clock.advance(GRACE_NS / 2);
    rig.store().expire().await.unwrap();
    assert_eq!(rig.objects.paths().await.len(), 1);
    nothing_is_left_behind(&rig).await;
    assert_eq!(rig.calls().await, all(4));
}

#[tokio::test]
async fn a_clock_that_is_set_deletes_nothing_that_may_be_read() {
    let rig = with_segments(4, |_| {}).await;
    let before = rig.store().snapshot();
    rig.store().merge().await.unwrap();
    rig.clock.jump(10 * GRACE_NS);
    rig.store().expire().await.unwrap();
    assert_eq!(calls_in(&before, &*rig.objects).await, all(4));
}

#[tokio::test]
async fn a_crash_at_any_step_of_a_merge_leaves_each_call_once() {
    let fates = [Fate::Succeeds, Fate::Fails, Fate::LosesItsAnswer];
    for (step, fate) in (0..4).flat_map(|step| fates.map(|fate| (step, fate))) {
        for (again, in_parts) in [(false, false), (true, false), (false, true), (true, true)] {
            let mut rig = with_segments(4, |_| {}).await;
            rig.store().merger.lock().await.set_part_bytes(if in_parts { 100 } else { usize::MAX });
            let steps = [&rig.catalog.dooms, &rig.objects.puts, &rig.catalog.merges, &rig.objects.deletes];
            steps[step].set([fate]);
            let merged = rig.store().merge().await;
            assert_eq!(merged.is_err(), step < 3 && fate != Fate::Succeeds, "{merged:?}");
            assert_eq!(rig.calls().await, all(4));
            if again {
                rig.store().merge().await.unwrap();
                assert_eq!((rig.calls().await, paths_in_sight(&rig).len()), (all(4), 1));
            }
            rig.crash().await;
            assert_eq!(rig.calls().await, all(4), "step {step} {fate:?}");
            publish(&rig, &[at(13, 5)]).await;
            rig.store().merge().await.unwrap();
            assert_eq!(rig.calls().await, [all(4), vec![13]].concat());
            assert_eq!(paths_in_sight(&rig).len(), 1);
            nothing_is_left_behind(&rig).await;
            assert_eq!(rig.store().stats().unknown_segments, 0);
        }
    }
}

#[tokio::test]
async fn a_merge_whose_answer_was_lost_is_known_before_anything_else_happens() {
    let keep = |settings: &mut StoreSettings| settings.retention = Some(Duration::from_secs(3_600));
    let rig = with_segments(4, keep).await;
    rig.catalog.merges.set([Fate::LosesItsAnswer]);
    rig.store().merge().await.unwrap_err();
    rig.clock.advance(7_200 * SECOND_NS);
    assert_eq!(rig.store().expire().await.unwrap(), 0, "nobody knows what is in that window");
    assert_eq!(rig.calls().await, all(4));
    let before = rig.store().snapshot();
    assert_eq!(rig.store().merge().await.unwrap().segments, 4);
    assert_eq!(rig.store().expire().await.unwrap(), 1);
    assert_eq!(calls_in(&before, &*rig.objects).await, all(4), "what is read is there from now on for a while");
    nothing_is_left_behind(&rig).await;
    assert_eq!(rig.objects.paths().await, Vec::<String>::new());
}

#[tokio::test]
async fn segments_that_retention_takes_while_they_are_merged_are_gone() {
    let keep = |settings: &mut StoreSettings| settings.retention = Some(Duration::from_secs(3_600));
    let rig = with_segments(4, keep).await;
    let (merging, go_on) = under_way(&rig).await;
    rig.clock.advance(3_600 * SECOND_NS);
    assert_eq!(rig.store().expire().await.unwrap(), 4);
    go_on.send(()).unwrap();
    assert_eq!(merging.await.unwrap().unwrap(), MergedSegments::default());
    assert_eq!((rig.calls().await, rig.store().stats().merge_failures), (vec![], 0));
    nothing_is_left_behind(&rig).await;
    assert_eq!(rig.objects.paths().await, Vec::<String>::new());
}

#[tokio::test]
async fn calls_that_come_while_their_window_is_merged_are_there() {
    let rig = with_segments(4, |_| {}).await;
    let (merging, go_on) = under_way(&rig).await;
    publish(&rig, &[at(13, 5)]).await;
    assert_eq!(rig.calls().await, [all(4), vec![13]].concat());
    go_on.send(()).unwrap();
    assert_eq!(merging.await.unwrap().unwrap().segments, 4);
    assert_eq!(rig.calls().await, [all(4), vec![13]].concat());
    assert_eq!(paths_in_sight(&rig).len(), 2);
}

#[tokio::test]
async fn of_two_who_merge_the_same_segments_one_does_it_and_both_see_it() {
    let rig = with_segments(4, |_| {}).await;
    let other = rig.open_beside(MemoryDisk::default()).await.unwrap();
    let (merging, go_on) = under_way(&rig).await;
    assert_eq!(other.merge().await.unwrap().segments, 4);
    go_on.send(()).unwrap();
    assert_eq!(merging.await.unwrap().unwrap().segments, 4, "the very same one");
    assert_eq!(calls_in(&other.snapshot(), &*rig.objects).await, all(4));
    assert_eq!(rig.calls().await, all(4));
    nothing_is_left_behind(&rig).await;
}

#[tokio::test]
async fn who_comes_too_late_to_merge_sees_what_the_other_one_made() {
    let rig = with_segments(2, |_| {}).await;
    let other = rig.open_beside(MemoryDisk::default()).await.unwrap();
    publish(&rig, &[at(7, 5)]).await;
    // What is live here and in the catalog at once, as the answer was lost, is not to be seen twice.
    rig.append(1, 4, &[8]).await;
    rig.catalog.publications.set([Fate::LosesItsAnswer]);
    rig.store().publish().await.unwrap_err();
    let (merging, go_on) = under_way(&rig).await;
    assert_eq!(other.merge().await.unwrap().segments, 2);
    go_on.send(()).unwrap();
    assert_eq!(merging.await.unwrap().unwrap(), MergedSegments::default());
    assert_eq!((rig.calls().await, paths_in_sight(&rig).len()), ((1..=8).collect::<Vec<_>>(), 2));
    rig.store().publish().await.unwrap();
    assert_eq!(rig.store().merge().await.unwrap().segments, 3);
    assert_eq!(rig.calls().await, (1..=8).collect::<Vec<_>>());
    rig.clock.advance(GRACE_NS);
    other.expire().await.unwrap();
    nothing_is_left_behind(&rig).await;
}

#[tokio::test]
async fn the_window_of_a_damaged_segment_is_left_alone() {
    let spoilers: [fn(&mut Vec<u8>); 4] = [
        |file| file.truncate(file.len() / 2),
        |file| file.fill(0),
        |file| {
            let end = file.len();
            file[end - 5] ^= 0x55;
        },
        // The pages of the first columns.
        |file| file[4..400].fill(0xAA),
    ];
    for spoil in spoilers {
        let rig = with_segments(4, |_| {}).await;
        publish(&rig, &[CallRow { started_at_ns: NOW_NS - WINDOW_NS - 1, ..call(98) }]).await;
        publish(&rig, &[CallRow { started_at_ns: NOW_NS - WINDOW_NS - 2, ..call(99) }]).await;
        let damaged = paths_in_sight(&rig)[4].clone();
        rig.objects.spoil(&damaged, spoil).await;
        let merged = rig.store().merge().await.unwrap();
        assert_eq!(merged, MergedSegments::default());
        assert_eq!(rig.store().merge().await.unwrap().segments, 2, "the other window is merged");
        for _ in 0..3 {
            assert_eq!(rig.store().merge().await.unwrap(), MergedSegments::default());
        }
        let stats = rig.store().stats();
        assert_eq!((stats.merge_failures, stats.unmergeable_segments, stats.segments), (1, 1, 5));
        nothing_is_left_behind(&rig).await;
    }
}

#[tokio::test]
async fn a_segment_that_is_missing_is_not_looked_for_again_and_again() {
    let mut rig = with_segments(4, |_| {}).await;
    let missing = Path::from(paths_in_sight(&rig)[1].as_str());
    let file = rig.objects.get(&missing).await.unwrap().bytes().await.unwrap();
    rig.objects.delete(&missing).await.unwrap();
    for _ in 0..3 {
        assert_eq!(rig.store().merge().await.unwrap(), MergedSegments::default());
    }
    assert_eq!(rig.store().stats().merge_failures, 1);
    // Somebody has found it, and starts the hub again.
    rig.objects.put(&missing, PutPayload::from(file)).await.unwrap();
    rig.crash().await;
    assert_eq!(rig.store().merge().await.unwrap().segments, 4);
    assert_eq!(rig.calls().await, all(4));
}

#[tokio::test]
async fn an_object_store_that_fails_for_a_while_is_no_damage() {
    for reads in 0..14 {
        let rig = with_segments(4, |_| {}).await;
        rig.objects.gets.set(std::iter::repeat_n(Fate::Succeeds, reads).chain([Fate::Fails]));
        let first = rig.store().merge().await;
        let failures = u64::from(first.is_err());
        assert!(failures == 1 || reads > 11, "{first:?}");
        rig.objects.gets.set([]);
        rig.store().merge().await.unwrap();
        let stats = rig.store().stats();
        assert_eq!((stats.merge_failures, stats.unmergeable_segments, stats.segments), (failures, 0, 1));
        assert_eq!(rig.calls().await, all(4));
        nothing_is_left_behind(&rig).await;
    }
}

#[tokio::test]
async fn what_was_merged_is_not_deleted_where_a_restored_catalog_knows_only_what_it_was_made_of() {
    let mut rig = with_segments(4, |_| {}).await;
    let inputs = paths_in_sight(&rig);
    rig.catalog.merges.set([Fate::Fails]);
    rig.store().merge().await.unwrap_err();
    // The catalog that is restored is of this moment; the merge went on, and its segments were deleted.
    rig.kill();
    for path in &inputs {
        rig.objects.delete(&Path::from(path.as_str())).await.unwrap();
    }
    for _ in 0..2 {
        rig.crash().await;
        assert_eq!((rig.objects.paths().await.len(), rig.store().stats().orphans_deleted), (1, 0));
        assert_eq!(rig.store().stats().unknown_segments, 1, "people are told");
        assert_eq!(rig.store().merge().await.unwrap(), MergedSegments::default());
    }
}

#[tokio::test]
async fn segments_of_other_hubs_are_left_to_them() {
    let mut rig = with_segments(4, |_| {}).await;
    rig.kill();
    rig.settings.hub = "another".into();
    rig.disk = MemoryDisk::default();
    rig.open().await.unwrap();
    assert_eq!(rig.store().merge().await.unwrap(), MergedSegments::default());
    assert_eq!(rig.calls().await, all(4));
}

#[tokio::test]
async fn a_merge_the_catalog_refuses_is_not_tried_for_ever() {
    let rig = with_segments(4, |_| {}).await;
    let (merging, go_on) = under_way(&rig).await;
    // Meanwhile somebody makes others of the same names.
    let was = rig.catalog.segments().await.unwrap();
    let made_of = |inputs: &[&str], output| {
        let inputs = inputs.iter().map(|&path| path.into()).collect();
        Merge { hub: "another".into(), at_ns: 0, inputs, output }
    };
    let two = SegmentRow { path: "calls/x/y".into(), calls: 6, ..was[0].clone() };
    assert!(rig.catalog.merge(&made_of(&[&was[0].path, &was[1].path], two.clone())).await.unwrap());
    let first = SegmentRow { path: was[0].path.clone(), ..two };
    assert!(rig.catalog.merge(&made_of(&["calls/x/y"], first)).await.unwrap());
    let second = SegmentRow { calls: 1, ..was[1].clone() };
    let published =
        Publication { hub: "another".into(), checkpoint: 1, segments: vec![second], ..Publication::default() };
    rig.catalog.publish(&published).await.unwrap();
    go_on.send(()).unwrap();
    assert!(matches!(merging.await.unwrap(), Err(StoreError::Catalog(_))));
    for _ in 0..3 {
        assert_eq!(rig.store().merge().await.unwrap(), MergedSegments::default());
    }
    let stats = rig.store().stats();
    assert_eq!((stats.merge_failures, stats.unmergeable_segments, stats.segments), (2, 1, 4));
}

#[tokio::test]
async fn the_background_merges() {
    let rig = with_segments(4, |settings| settings.merge_every = Duration::from_millis(5)).await;
    rig.catalog.dooms.set([Fate::Fails]);
    let stop = CancellationToken::new();
    let background = tokio::spawn({
        let (store, stop) = (rig.store().clone(), stop.clone());
        async move { store.run(stop).await }
    });
    let merged = async {
        while paths_in_sight(&rig).len() > 1 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(WITHIN, merged).await.unwrap();
    stop.cancel();
    background.await.unwrap();
    assert_eq!((rig.calls().await, rig.store().stats().merge_failures), (all(4), 1));
}

#[tokio::test]
async fn a_store_that_stops_leaves_a_merge_where_it_is() {
    let mut rig = with_segments(4, |settings| settings.merge_every = Duration::from_millis(1)).await;
    let (came, go_on) = rig.objects.hold_next_put();
    let stop = CancellationToken::new();
    let background = tokio::spawn({
        let (store, stop) = (rig.store().clone(), stop.clone());
        async move { store.run(stop).await }
    });
    timeout(WITHIN, came).await.unwrap().unwrap();
    stop.cancel();
    timeout(WITHIN, background).await.unwrap().unwrap();
    timeout(WITHIN, rig.store().close()).await.unwrap();
    go_on.send(()).unwrap();
    rig.crash().await;
    assert_eq!(rig.calls().await, all(4));
    rig.store().merge().await.unwrap();
    nothing_is_left_behind(&rig).await;
}

#[tokio::test]
async fn a_folder_keeps_objects_that_come_in_parts() {
    let folder = tempfile::tempdir().unwrap();
    let objects = FolderObjects::new(folder.path()).unwrap();
    let path = Path::from("calls/window/one.parquet");
    let mut parts = objects.put_multipart(&path).await.unwrap();
    for part in ["some ", "rows"] {
        parts.put_part(part.into()).await.unwrap();
    }
    assert!(objects.get(&path).await.is_err(), "it is not there before it is whole");
    parts.complete().await.unwrap();
    assert_eq!(objects.get(&path).await.unwrap().bytes().await.unwrap(), "some rows");
    let mut parts = objects.put_multipart(&Path::from("calls/window/two.parquet")).await.unwrap();
    parts.put_part("never".into()).await.unwrap();
    parts.abort().await.unwrap();
    let files = || std::fs::read_dir(folder.path().join("calls/window")).unwrap().count();
    assert_eq!(files(), 1);
    let mut parts = objects.put_multipart(&Path::from("calls/window/two.parquet")).await.unwrap();
    parts.put_part("half".into()).await.unwrap();
    // A crash forgets the upload.
    std::mem::forget(parts);
    assert_eq!(files(), 2);
    let again = FolderObjects::new(folder.path()).unwrap();
    assert_eq!(files(), 1);
    assert_eq!(again.get(&path).await.unwrap().bytes().await.unwrap(), "some rows");
}
