//! What is promised where the journal and copies of the catalog are in the object store: nothing that was acknowledged is
//! lost with the machine, and of two hubs that believe it is theirs only the later one acknowledges, publishes and deletes.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use glasshull_catalog::{Catalog, ProbeEnd, ProbeRow};

use super::rig::{Fate, LISTING, Rig, SECOND_NS, batch, calls_in, source};
use crate::{Appended, CatalogCopies, CopiedCatalog, DataFolder, SNAPSHOT_GRACE, Store, StoreError, Tenure};

async fn diskless() -> Rig {
    Rig::diskless(|_| {}).await
}

/// The hub's machine is lost; another one takes over, while the old one goes on where nobody sees it.
async fn another_takes_over(rig: &mut Rig) -> Arc<Store> {
    let old = rig.lose_store();
    rig.open().await.unwrap();
    old
}

async fn objects_in(rig: &Rig, folder: &str) -> Vec<String> {
    let mut paths = rig.objects.paths().await;
    paths.retain(|path| path.starts_with(folder));
    paths.sort();
    paths
}

#[tokio::test]
async fn what_was_acknowledged_outlives_the_machine() {
    let mut rig = diskless().await;
    rig.append(1, 1, &[1, 2]).await;
    rig.append(2, 1, &[3]).await;
    rig.store().publish().await.unwrap();
    rig.append(1, 2, &[4]).await;
    rig.drop_store();
    rig.open().await.unwrap();
    assert_eq!(rig.calls().await, [1, 2, 3, 4]);
    assert_eq!(rig.store().append(&source(1), batch(2, &[4])).await.unwrap(), Appended::Repeated);
    rig.append(1, 3, &[5]).await;
    rig.store().publish().await.unwrap();
    rig.drop_store();
    rig.open().await.unwrap();
    assert_eq!(rig.calls().await, [1, 2, 3, 4, 5]);
    assert_eq!(rig.store().stats().corrupt_records, 0);
}

#[tokio::test]
async fn whoever_was_taken_over_from_acknowledges_publishes_and_deletes_nothing() {
    let mut rig = diskless().await;
    rig.append(1, 1, &[1]).await;
    rig.store().publish().await.unwrap();
    rig.append(1, 2, &[2]).await;
    let old = another_takes_over(&mut rig).await;
    let error = old.append(&source(1), batch(3, &[3])).await.unwrap_err();
    assert!(matches!(&error, StoreError::JournalUnwritable(why) if why.contains("another hub")), "{error}");
    let before = rig.objects.paths().await;
    old.publish().await.unwrap_err();
    old.close().await;
    // What it was about to publish belongs to nobody; the journal, the segments and the copies are as they were.
    let after = rig.objects.paths().await;
    assert!(before.iter().all(|path| after.contains(path)), "{before:?} {after:?}");
    assert_eq!(rig.calls().await, [1, 2]);
    rig.append(1, 3, &[3]).await;
    rig.store().publish().await.unwrap();
    rig.open().await.unwrap();
    assert_eq!(rig.calls().await, [1, 2, 3]);
}

#[tokio::test]
async fn what_the_old_one_acknowledges_while_the_new_one_starts_is_seen_by_it() {
    let mut rig = diskless().await;
    rig.append(1, 1, &[1]).await;
    let old = rig.lose_store();
    let (came, go_on) = rig.objects.hold_put_to("tenures");
    let starts = async { rig.open().await.unwrap() };
    let meanwhile = async {
        came.await.unwrap();
        old.append(&source(1), batch(2, &[2])).await.unwrap();
        go_on.send(()).unwrap();
    };
    tokio::join!(starts, meanwhile);
    assert_eq!(rig.calls().await, [1, 2]);
    old.append(&source(1), batch(3, &[3])).await.unwrap_err();
}

#[tokio::test]
async fn a_merge_of_one_that_was_taken_over_from_deletes_nothing_that_is_in_sight() {
    let mut rig = diskless().await;
    for sequence in 1..=3 {
        rig.append(1, sequence, &[sequence]).await;
        rig.store().publish().await.unwrap();
    }
    rig.clock.advance(30 * 60 * SECOND_NS);
    let old = another_takes_over(&mut rig).await;
    let merged = old.merge().await;
    assert!(merged.is_err(), "{merged:?}");
    rig.clock.advance(2 * SNAPSHOT_GRACE.as_nanos() as i64);
    let _ = old.expire().await;
    assert_eq!(rig.calls().await, [1, 2, 3]);
    assert_eq!(rig.store().merge().await.unwrap().segments, 3);
    rig.clock.advance(2 * SNAPSHOT_GRACE.as_nanos() as i64);
    rig.store().expire().await.unwrap();
    assert_eq!(rig.calls().await, [1, 2, 3]);
    drop(old);
    rig.open().await.unwrap();
    assert_eq!(rig.calls().await, [1, 2, 3]);
}

#[tokio::test]
async fn a_put_whose_answer_was_lost_is_no_other_hub() {
    let mut rig = diskless().await;
    rig.append(1, 1, &[1]).await;
    for fate in [Fate::LosesItsAnswer, Fate::Fails] {
        rig.objects.puts.set([fate]);
        let error = rig.store().append(&source(1), batch(2, &[2])).await.unwrap_err();
        assert!(matches!(error, StoreError::JournalUnwritable(_)), "{error}");
    }
    rig.append(1, 2, &[2]).await;
    rig.append(1, 3, &[3]).await;
    assert_eq!(rig.calls().await, [1, 2, 3]);
    rig.drop_store();
    rig.open().await.unwrap();
    assert_eq!(rig.calls().await, [1, 2, 3]);
    assert_eq!(rig.store().stats().corrupt_records, 0);
}

#[tokio::test]
async fn a_publication_counts_when_the_copy_that_tells_of_it_is_there() {
    let mut rig = diskless().await;
    rig.append(1, 1, &[1]).await;
    // The segment, then the copy of the catalog.
    rig.objects.puts.set([Fate::Succeeds, Fate::Fails]);
    rig.store().publish().await.unwrap_err();
    assert_eq!(rig.catalog.segments().await.unwrap().len(), 1, "the file itself has it");
    rig.drop_store();
    rig.open().await.unwrap();
    assert_eq!(rig.calls().await, [1]);
    assert!(rig.store().snapshot().segments.is_empty(), "the journal brings it back");
    rig.objects.puts.set([Fate::Succeeds, Fate::Fails]);
    rig.store().publish().await.unwrap_err();
    rig.store().publish().await.unwrap();
    assert_eq!(rig.calls().await, [1]);
    rig.drop_store();
    rig.open().await.unwrap();
    assert_eq!(rig.calls().await, [1]);
    assert_eq!(objects_in(&rig, "calls").await.len(), 1, "what was published half is deleted");
}

#[tokio::test]
async fn the_journal_and_the_copies_do_not_grow() {
    let rig = diskless().await;
    for sequence in 1..=40 {
        rig.append(1, sequence, &[sequence]).await;
        if sequence % 4 == 0 {
            rig.store().publish().await.unwrap();
        }
    }
    let journal = objects_in(&rig, "journal").await;
    assert_eq!(journal.len(), 1, "where this hub took over: {journal:?}");
    let copies = objects_in(&rig, "catalog").await;
    assert!(copies.len() <= 6, "{copies:?}");
}

#[tokio::test]
async fn a_damaged_copy_is_passed_over_and_damaged_copies_are_told() {
    let mut rig = diskless().await;
    for sequence in 1..=3 {
        rig.append(1, sequence, &[sequence]).await;
        rig.store().publish().await.unwrap();
    }
    rig.drop_store();
    // The first was made when it started, the next one tells of the first publication.
    for copy in &objects_in(&rig, "catalog").await[2..] {
        rig.objects.spoil(copy, |bytes| *bytes.last_mut().unwrap() ^= 1).await;
    }
    rig.open().await.unwrap();
    assert_eq!(rig.calls().await, [1]);
    assert_eq!(rig.store().stats().unknown_segments, 2, "which is told, and nothing is deleted");
    rig.append(1, 4, &[4]).await;
    rig.store().publish().await.unwrap();
    for _ in 0..2 {
        rig.drop_store();
        rig.open().await.unwrap();
        assert_eq!(objects_in(&rig, "calls").await.len(), 4, "nor by those who come after");
    }
    rig.drop_store();
    for copy in objects_in(&rig, "catalog").await {
        rig.objects.spoil(&copy, |bytes| bytes.extend_from_slice(b"!")).await;
    }
    let error = rig.open().await.unwrap_err();
    assert!(matches!(&error, StoreError::ObjectStore(why) if why.contains("restore its folder `catalog`")), "{error}");
}

#[tokio::test]
async fn a_part_of_the_journal_that_is_missing_or_damaged_is_told_and_the_rest_is_there() {
    let mut rig = diskless().await;
    for sequence in 1..=4 {
        rig.append(1, sequence, &[sequence]).await;
    }
    rig.drop_store();
    let parts = objects_in(&rig, "journal").await;
    // The first one says where this hub took over.
    rig.objects.delete(&parts[2]).await;
    rig.objects.spoil(&parts[3], |bytes| *bytes.last_mut().unwrap() ^= 1).await;
    rig.open().await.unwrap();
    assert_eq!(rig.calls().await, [1, 4]);
    assert!(rig.store().stats().corrupt_records > 0);
}

#[tokio::test]
async fn a_window_that_is_too_old_goes_for_whoever_takes_over_too() {
    let mut rig = Rig::diskless(|settings| settings.retention = Some(settings.window)).await;
    rig.append(1, 1, &[1]).await;
    rig.store().publish().await.unwrap();
    rig.store().expire().await.unwrap();
    rig.clock.advance(50 * 60 * SECOND_NS);
    assert_eq!(rig.store().expire().await.unwrap(), 1);
    rig.drop_store();
    rig.open().await.unwrap();
    assert!(rig.calls().await.is_empty());
}

#[tokio::test]
async fn a_catalog_that_was_never_copied_is_not_replaced_by_a_copy() {
    let rig = diskless().await;
    rig.append(1, 1, &[1]).await;
    rig.store().publish().await.unwrap();
    let temporary = tempfile::tempdir().unwrap();
    let folder = DataFolder::open(temporary.path()).unwrap();
    std::fs::write(folder.catalog(), "a catalog of its own").unwrap();
    let take = async || {
        let tenure = Tenure::take(rig.objects.clone()).await.unwrap();
        CatalogCopies::open(tenure, &folder, || "fresh".into()).await
    };
    let error = take().await.unwrap_err();
    assert!(matches!(&error, StoreError::Folder { why, .. } if why.contains("catalog of its own")), "{error}");
    assert_eq!(std::fs::read(folder.catalog()).unwrap(), b"a catalog of its own");
    std::fs::remove_file(folder.catalog()).unwrap();
    assert!(take().await.unwrap().is_restored());
    assert_eq!(folder.hub_id(|| "fresh".into()).unwrap(), "hub");
}

#[tokio::test]
async fn one_that_is_slow_to_start_deletes_nothing_of_one_that_took_over_meanwhile() {
    let mut rig = diskless().await;
    rig.append(1, 1, &[1]).await;
    rig.drop_store();
    let (came, go_on) = rig.objects.hold_put_to(LISTING);
    let rig = &rig;
    let meanwhile = async {
        came.await.unwrap();
        let later = rig.another_machine().await.unwrap();
        later.store.publish().await.unwrap();
        go_on.send(()).unwrap();
        later
    };
    let (slow, later) = tokio::join!(rig.another_machine(), meanwhile);
    assert_eq!(calls_in(&later.store.snapshot(), &*rig.objects).await, [1]);
    assert_eq!(slow.unwrap().store.stats().unknown_segments, 0);
}

#[tokio::test]
async fn a_number_that_is_said_to_be_taken_and_is_not_is_asked_for_again() {
    let mut rig = diskless().await;
    rig.append(1, 1, &[1]).await;
    rig.objects.conflicts.store(2, Relaxed);
    let old = another_takes_over(&mut rig).await;
    assert_eq!(objects_in(&rig, "tenures").await.len(), 2);
    assert!(objects_in(&rig, "tenures").await[1].ends_with("02"), "no number is left out");
    old.append(&source(1), batch(2, &[2])).await.unwrap_err();
    assert_eq!(rig.calls().await, [1]);
}

#[tokio::test]
async fn numbers_that_somebody_has_deleted_do_not_begin_anew() {
    let mut rig = diskless().await;
    rig.append(1, 1, &[1]).await;
    rig.open().await.unwrap();
    rig.append(1, 2, &[2]).await;
    for tenure in objects_in(&rig, "tenures").await {
        rig.objects.delete(&tenure).await;
    }
    let old = another_takes_over(&mut rig).await;
    old.append(&source(1), batch(3, &[3])).await.unwrap_err();
    rig.append(1, 3, &[3]).await;
    for _ in 0..2 {
        rig.open().await.unwrap();
        assert_eq!(rig.calls().await, [1, 2, 3]);
    }
}

#[tokio::test]
async fn an_order_to_trace_is_there_on_another_machine_or_was_refused() {
    let rig = diskless().await;
    let machine = rig.another_machine().await.unwrap();
    let probe = || ProbeRow { statement: "TRACE a".into(), created_at_ns: 1, expires_at_ns: 2, ..ProbeRow::default() };
    let running = async |copied: &CopiedCatalog| copied.probes(false, 9).await.unwrap().len();
    rig.objects.puts.set([Fate::Fails]);
    machine.copied.add_probe(&probe()).await.unwrap_err();
    assert_eq!(running(&machine.copied).await, 0);
    let id = machine.copied.add_probe(&probe()).await.unwrap();
    let other = rig.another_machine().await.unwrap();
    assert_eq!(running(&other.copied).await, 1);
    let end = ProbeEnd { at_ns: 2, state: "stopped".into(), reason: "It was stopped.".into() };
    machine.copied.end_probe(&id, &end).await.unwrap_err();
    assert_eq!(running(&other.copied).await, 1, "who was taken over from ends nothing, and says so");
}

#[tokio::test]
async fn puts_that_fail_do_not_push_out_copies() {
    let rig = diskless().await;
    let machine = rig.another_machine().await.unwrap();
    let saves = async || machine.copied.expire(i64::MIN, 1).await;
    for _ in 0..3 {
        saves().await.unwrap();
    }
    let before = objects_in(&rig, "catalog").await;
    for _ in 0..8 {
        rig.objects.puts.set([Fate::LosesItsAnswer]);
        saves().await.unwrap_err();
    }
    machine.copied.save_changes().await.unwrap();
    let after = objects_in(&rig, "catalog").await;
    assert_eq!(after.len(), 5, "what does not count is gone: {after:?}");
    assert_eq!(after[..4], before[before.len() - 4..]);
}
