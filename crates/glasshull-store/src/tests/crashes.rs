//! What stays after a power cut, a bad disk, and a cut or spoiled journal.

use proptest::prelude::*;

use super::rig::{Fate, Rig, batch, batch_of, call, running, source};
use crate::journal::format::{Found, HEADER_BYTES, Header, Reader, encode_frame};
use crate::{Appended, StoreError};

#[tokio::test]
async fn what_was_acknowledged_is_there_once_after_a_crash() {
    let mut rig = Rig::new().await;
    rig.append(1, 1, &[1, 2]).await;
    rig.append(2, 1, &[3]).await;
    rig.crash().await;
    assert_eq!(rig.calls().await, [1, 2, 3]);
    assert_eq!(rig.store().append(&source(1), batch(1, &[1, 2])).await.unwrap(), Appended::Repeated);
    rig.append(1, 2, &[4]).await;
    rig.crash().await;
    assert_eq!(rig.calls().await, [1, 2, 3, 4]);
    assert_eq!(rig.store().stats().replayed_records, 3);
    assert_eq!(rig.store().stats().corrupt_records, 0);
}

#[tokio::test]
async fn running_calls_are_there_after_a_crash_and_end_as_ever() {
    let mut rig = Rig::new().await;
    rig.store().append(&source(1), batch_of(1, &[running(1), running(2), call(3)])).await.unwrap();
    rig.store().publish().await.unwrap();
    rig.store().append(&source(1), batch_of(2, &[running(4), call(2)])).await.unwrap();
    rig.crash().await;
    assert_eq!((rig.calls().await, rig.running()), (vec![2, 3], vec![1, 4]));
    rig.store().publish().await.unwrap();
    rig.crash().await;
    assert_eq!((rig.calls().await, rig.running()), (vec![2, 3], vec![1, 4]));
    rig.append(1, 3, &[1, 4]).await;
    assert_eq!((rig.calls().await, rig.running()), (vec![1, 2, 3, 4], vec![]));
}

#[tokio::test]
async fn a_sync_that_fails_acknowledges_nothing_and_the_next_file_takes_over() {
    let mut rig = Rig::new().await;
    rig.append(1, 1, &[1]).await;
    rig.disk.fail_syncs(1);
    let error = rig.store().append(&source(1), batch(2, &[2])).await.unwrap_err();
    assert!(matches!(error, StoreError::JournalUnwritable(_)), "{error}");
    let stats = rig.store().stats();
    assert_eq!((stats.journal_writable, stats.journal_lost_files, stats.refused_unwritable), (false, 1, 1));
    assert_eq!(rig.calls().await, [1]);
    // The bytes whose sync failed come to disk all the same: then the batch stands there twice.
    rig.append(1, 2, &[2]).await;
    assert!(rig.store().stats().journal_writable);
    rig.crash_keeping(|unsynced| unsynced, false).await;
    assert_eq!(rig.calls().await, [1, 2]);
    assert_eq!(rig.store().stats().corrupt_records, 0);
}

#[tokio::test]
async fn a_batch_behind_one_that_was_refused_is_not_stored_before_it() {
    let rig = Rig::new().await;
    rig.append(1, 1, &[1]).await;
    let append = |sequence| {
        let store = rig.store().clone();
        async move { store.append(&source(1), batch(sequence, &[sequence])).await }
    };
    rig.disk.fail_syncs(1);
    let (second, third) = tokio::join!(append(2), append(3));
    assert!(matches!(second, Err(StoreError::JournalUnwritable(_))), "{second:?}");
    assert!(matches!(third, Err(StoreError::Busy { .. })), "{third:?}");
    rig.append(2, 1, &[9]).await;
    rig.append(1, 2, &[2]).await;
    rig.append(1, 3, &[3]).await;
    rig.disk.fail_syncs(1);
    append(4).await.unwrap_err();
    append(5).await.unwrap_err();
    // The next session: the instance has dropped the fourth meanwhile.
    assert_eq!(rig.store().durable_sequence(source(1).instance), 3);
    rig.append(1, 5, &[5]).await;
    assert_eq!(rig.calls().await, [1, 2, 3, 5, 9]);
}

#[tokio::test]
async fn a_full_disk_refuses_until_there_is_room_again() {
    let mut rig = Rig::new().await;
    rig.append(1, 1, &[1]).await;
    rig.disk.set_room(Some(40));
    for _ in 0..3 {
        let error = rig.store().append(&source(1), batch(2, &[2])).await.unwrap_err();
        assert!(matches!(error, StoreError::JournalUnwritable(_)), "{error}");
    }
    rig.disk.set_room(None);
    rig.disk.fail_creates(2);
    for _ in 0..2 {
        assert!(rig.store().append(&source(1), batch(2, &[2])).await.is_err());
    }
    rig.append(1, 2, &[2]).await;
    assert_eq!(rig.calls().await, [1, 2]);
    rig.crash().await;
    assert_eq!(rig.calls().await, [1, 2]);
}

#[tokio::test]
async fn what_a_start_reads_from_the_journal_survives_a_power_cut_after_it() {
    let mut rig = Rig::new().await;
    rig.append(1, 1, &[1]).await;
    rig.disk.fail_syncs(1);
    rig.store().append(&source(1), batch(2, &[2])).await.unwrap_err();
    rig.kill();
    rig.disk.fail_syncs(1);
    let refused = rig.open().await.unwrap_err().to_string();
    assert!(refused.contains("cannot be synced to disk"), "{refused}");
    rig.open().await.unwrap();
    assert_eq!(rig.calls().await, [1, 2]);
    let durable = rig.store().durable_sequence(source(1).instance);
    rig.crash().await;
    assert_eq!((durable, rig.calls().await), (2, vec![1, 2]));
}

#[tokio::test]
async fn a_cut_tail_that_nobody_was_promised_is_left_out() {
    let mut rig = Rig::new().await;
    rig.append(1, 1, &[1]).await;
    rig.disk.fail_syncs(1);
    rig.store().append(&source(1), batch(2, &[2])).await.unwrap_err();
    rig.crash_keeping(|unsynced| unsynced / 2, true).await;
    assert_eq!(rig.calls().await, [1]);
    let stats = rig.store().stats();
    assert_eq!(stats.corrupt_records, 0);
    assert!(stats.torn_bytes > 0);
    // The tail stays what it is: not promised, not damage, when another file follows.
    rig.append(1, 2, &[2]).await;
    rig.crash().await;
    assert_eq!(rig.calls().await, [1, 2]);
    assert_eq!((rig.store().stats().corrupt_records, rig.store().stats().torn_bytes), (0, 0));
}

/// A rig with calls 1, 2 and 3 in three records of the first journal file, call 4 in the second.
async fn two_files() -> Rig {
    let mut rig = Rig::new().await;
    for id in 1..=3 {
        rig.append(1, id, &[id]).await;
    }
    rig.crash().await;
    rig.append(1, 4, &[4]).await;
    rig
}

/// After this damage to the first file these calls are left, and the damage is counted.
async fn damaged(spoil: impl FnOnce(&mut Vec<u8>), left: &[u64]) {
    let mut rig = two_files().await;
    rig.disk.spoil(1, spoil);
    rig.crash().await;
    assert_eq!(rig.calls().await, left);
    assert_eq!(rig.store().stats().corrupt_records, 1);
    assert_eq!(rig.store().stats().torn_bytes, 0);
    rig.append(1, 5, &[5]).await;
}

/// Where the second of three records of the same length begins, and where it ends.
fn second_record(file: &[u8]) -> std::ops::Range<usize> {
    let record = (file.len() - HEADER_BYTES) / 3;
    HEADER_BYTES + record..HEADER_BYTES + 2 * record
}

#[tokio::test]
async fn a_flipped_bit_costs_one_record() {
    damaged(
        |file| {
            let middle = second_record(file).start + 30;
            file[middle] ^= 4;
        },
        &[1, 3, 4],
    )
    .await;
}

#[tokio::test]
async fn a_length_that_lies_costs_one_record() {
    damaged(
        |file| {
            let length = second_record(file).start + 7;
            file[length] = 0xff;
        },
        &[1, 3, 4],
    )
    .await;
}

#[tokio::test]
async fn a_zeroed_page_costs_the_records_it_touches() {
    damaged(
        |file| {
            let zeroed = second_record(file);
            file[zeroed].fill(0);
        },
        &[1, 3, 4],
    )
    .await;
}

#[tokio::test]
async fn a_spoiled_header_costs_nothing() {
    damaged(|file| file[3] = 0, &[1, 2, 3, 4]).await;
}

#[tokio::test]
async fn a_file_that_was_cut_short_is_damage_as_its_end_was_acknowledged() {
    damaged(|file| file.truncate(second_record(file).end), &[1, 2, 4]).await;
    damaged(|file| file.truncate(file.len() - 1), &[1, 2, 4]).await;
    damaged(Vec::clear, &[4]).await;
}

#[tokio::test]
async fn a_batch_that_stands_in_two_files_is_read_once() {
    let mut rig = Rig::new().await;
    rig.append(1, 1, &[1]).await;
    rig.disk.fail_syncs(1);
    rig.store().append(&source(1), batch(2, &[2])).await.unwrap_err();
    rig.append(1, 2, &[2]).await;
    // Nobody can say any more that the first time was not acknowledged.
    rig.disk.spoil(2, |file| file[0] = 0);
    rig.crash_keeping(|unsynced| unsynced, false).await;
    assert_eq!(rig.calls().await, [1, 2]);
    assert_eq!(rig.store().stats().corrupt_records, 1);
}

#[tokio::test]
async fn a_journal_file_that_is_missing_is_noticed() {
    let mut rig = two_files().await;
    rig.crash().await;
    rig.append(1, 5, &[5]).await;
    rig.disk.forget(2);
    rig.crash().await;
    assert_eq!(rig.calls().await, [1, 2, 3, 5]);
    assert_eq!(rig.store().stats().corrupt_records, 1);
}

#[tokio::test]
async fn a_crash_at_any_step_of_a_publication_leaves_each_call_once() {
    let all = [Fate::Fails, Fate::LosesItsAnswer];
    for (objects, catalog, removes) in [
        (vec![Fate::Fails], vec![], 0),
        (vec![Fate::LosesItsAnswer], vec![], 0),
        (vec![Fate::Succeeds, Fate::Fails], vec![], 0),
        (vec![], vec![Fate::Fails], 0),
        (vec![], vec![Fate::LosesItsAnswer], 0),
        (vec![], vec![], 1),
        (all.to_vec(), all.to_vec(), 1),
    ] {
        for again in [false, true] {
            let mut rig = Rig::new().await;
            let old = glasshull_wire::CallRow { started_at_ns: super::rig::NOW_NS - 3_600 * 1_000_000_000, ..call(7) };
            rig.append(1, 1, &[1, 2]).await;
            rig.store().append(&source(1), batch_of(2, &[old, running(3)])).await.unwrap();
            rig.objects.puts.set(objects.clone());
            rig.catalog.publications.set(catalog.clone());
            rig.disk.fail_removes(removes);
            let _ = rig.store().publish().await;
            rig.append(1, 3, &[4]).await;
            if again {
                let _ = rig.store().publish().await;
            }
            assert_eq!((rig.calls().await, rig.running()), (vec![1, 2, 4, 7], vec![3]));
            rig.crash().await;
            assert_eq!((rig.calls().await, rig.running()), (vec![1, 2, 4, 7], vec![3]));
            assert_eq!(rig.store().append(&source(1), batch(3, &[4])).await.unwrap(), Appended::Repeated);
            rig.store().publish().await.unwrap();
            assert_eq!((rig.calls().await, rig.running()), (vec![1, 2, 4, 7], vec![3]));
            assert!(rig.store().snapshot().live.is_empty());
            rig.crash().await;
            let orphans = rig.objects.paths().await.len() - rig.store().snapshot().segments.len();
            assert_eq!(orphans, 0, "objects nobody knows of are deleted at start");
        }
    }
}

fn file_of(payloads: &[Vec<u8>]) -> Vec<u8> {
    let mut file = Vec::new();
    Header { number: 7, previous: 0, is_relaxed: false }.encode(&mut file);
    for payload in payloads {
        encode_frame(7, file.len() as u64, payload, &mut file);
    }
    file
}

proptest! {
    #[test]
    fn a_reader_finds_what_was_written(payloads: Vec<Vec<u8>>) {
        let file = file_of(&payloads);
        for acknowledged in [None, Some(file.len() as u64)] {
            let mut reader = Reader::new(&file, 7, acknowledged);
            let found: Vec<_> = reader.by_ref().collect();
            let expected: Vec<_> = payloads.iter().map(|payload| Found::Payload(payload)).collect();
            prop_assert_eq!(found, expected);
            prop_assert_eq!(reader.sound_bytes(), file.len() as u64);
        }
    }

    #[test]
    fn damage_is_always_noticed_and_costs_only_what_it_touches(
        payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 1..8),
        at: prop::sample::Index, bit in 0..8u8,
    ) {
        let mut file = file_of(&payloads);
        let at = HEADER_BYTES + at.index(file.len() - HEADER_BYTES);
        file[at] ^= 1 << bit;
        let reader = Reader::new(&file, 7, Some(file.len() as u64));
        let (sound, damaged): (Vec<_>, Vec<_>) = reader.partition(|found| matches!(found, Found::Payload(_)));
        prop_assert_eq!(damaged.len(), 1);
        prop_assert!(matches!(&damaged[0], Found::Damaged(bytes) if bytes.contains(&(at as u64))), "{:?}", damaged);
        prop_assert_eq!(sound.len(), payloads.len() - 1);
    }

    #[test]
    fn a_cut_file_gives_what_stands_before_the_cut(
        payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 1..8),
        cut: prop::sample::Index,
    ) {
        let whole = file_of(&payloads);
        let cut = cut.index(whole.len());
        let found: Vec<_> = Reader::new(&whole[..cut], 7, None).collect();
        let sound = found.iter().take_while(|found| matches!(found, Found::Payload(_))).count();
        prop_assert!(found[sound..].iter().all(|found| matches!(found, Found::Torn(_))), "{:?}", found);
        prop_assert!(file_of(&payloads[..sound]).len() <= cut.max(HEADER_BYTES));
    }

    #[test]
    fn random_bytes_are_no_records(file: Vec<u8>, acknowledged: Option<u16>) {
        let reader = Reader::new(&file, 7, acknowledged.map(u64::from));
        prop_assert_eq!(reader.filter(|found| matches!(found, Found::Payload(_))).count(), 0);
    }

    #[test]
    fn a_record_planted_in_a_payload_is_not_found(payload: Vec<u8>) {
        let mut planted = Vec::new();
        encode_frame(7, 0, &payload, &mut planted);
        let mut file = file_of(&[planted]);
        file[HEADER_BYTES] = 0;
        prop_assert_eq!(Reader::new(&file, 7, None).filter(|found| matches!(found, Found::Payload(_))).count(), 0);
    }
}
