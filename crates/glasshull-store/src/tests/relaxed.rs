//! What is promised where calls are acknowledged before they are synced: a killed hub loses nothing, a power cut the end of
//! what was written since the last sync, and nothing else.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::rig::{Fate, Rig, SECOND_NS, batch, source};
use crate::journal::format::Header;
use crate::{Appended, Durability, RELAXED_SYNC_EVERY};

async fn relaxed() -> Rig {
    Rig::with(|settings| settings.durability = Durability::Relaxed).await
}

#[tokio::test]
async fn calls_are_acknowledged_before_they_are_synced() {
    let mut rig = relaxed().await;
    rig.append(1, 1, &[1]).await;
    rig.append(1, 2, &[2]).await;
    assert_eq!(rig.calls().await, [1, 2]);
    let stats = rig.store().stats();
    assert_eq!((stats.fsyncs.count, stats.is_relaxed), (0, true));
    rig.kill();
    rig.open().await.unwrap();
    assert_eq!(rig.calls().await, [1, 2], "what was written outlives the process");
    rig.append(1, 3, &[3]).await;
    rig.crash().await;
    assert_eq!(rig.calls().await, [1, 2], "the rest is what a power cut takes");
    assert_eq!(rig.store().durable_sequence(source(1).instance), 2);
    assert_eq!(rig.store().stats().corrupt_records, 0);
    rig.append(1, 4, &[4]).await;
    assert_eq!(rig.store().append(&source(1), batch(2, &[2])).await.unwrap(), Appended::Repeated);
    assert_eq!(rig.calls().await, [1, 2, 4]);
}

#[tokio::test]
async fn a_second_later_and_before_anything_else_is_begun_it_is_synced() {
    let mut rig = relaxed().await;
    rig.append(1, 1, &[1]).await;
    assert_eq!(rig.store().stats().fsyncs.count, 0);
    rig.clock.advance(RELAXED_SYNC_EVERY.as_nanos() as i64);
    rig.append(1, 2, &[2]).await;
    // It was answered before that sync; this one is after it.
    rig.append(1, 3, &[9]).await;
    rig.crash().await;
    assert_eq!(rig.calls().await, [1, 2]);
    rig.append(1, 3, &[3]).await;
    rig.objects.puts.set([Fate::Fails]);
    rig.store().publish().await.unwrap_err();
    rig.append(1, 4, &[4]).await;
    rig.crash().await;
    assert_eq!(rig.calls().await, [1, 2, 3]);
}

#[tokio::test]
async fn a_sync_that_fails_is_told_and_what_is_in_memory_can_still_be_published() {
    let mut rig = relaxed().await;
    rig.append(1, 1, &[1]).await;
    rig.clock.advance(SECOND_NS);
    rig.disk.fail_syncs(1);
    rig.append(1, 2, &[2]).await;
    // The writer has answered before it synced: what is asked of it next comes after that.
    rig.append(1, 3, &[3]).await;
    assert_eq!(rig.store().stats().journal_lost_files, 1);
    assert_eq!(
        rig.store().stats().fsyncs.count,
        1,
        "the next write is waited for until the disk has shown that it can"
    );
    rig.store().publish().await.unwrap();
    rig.crash().await;
    assert_eq!(rig.calls().await, [1, 2, 3]);
}

#[tokio::test]
async fn nothing_behind_the_first_damage_of_what_was_not_synced_comes_back() {
    let mut rig = relaxed().await;
    for id in 1..=3 {
        rig.append(1, id, &[id]).await;
    }
    rig.kill();
    // Pages come to the disk in any order.
    rig.disk.spoil(1, |file| {
        assert!(Header::decode(file).unwrap().is_relaxed);
        let middle = file.len() / 2;
        file[middle..middle + 8].fill(0);
    });
    rig.open().await.unwrap();
    assert_eq!(rig.calls().await, [1]);
    assert_eq!((rig.store().stats().corrupt_records, rig.store().stats().torn_bytes > 0), (0, true));
}

#[derive(Clone, Debug)]
enum Step {
    Append(u8),
    Wait(i64),
    Publish(Fate),
    Kill,
    CutPower { keeps_percent: usize, spoils: bool },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (1..=3u8).prop_map(Step::Append),
        2 => (0..1_500i64).prop_map(Step::Wait),
        1 => prop_oneof![Just(Fate::Succeeds), Just(Fate::Fails), Just(Fate::LosesItsAnswer)].prop_map(Step::Publish),
        1 => Just(Step::Kill),
        2 => (0..=100usize, any::<bool>()).prop_map(|(keeps_percent, spoils)| Step::CutPower { keeps_percent, spoils }),
    ]
}

/// What was acknowledged: instance, sequence; the place in the list is the call's id.
#[derive(Debug, Default)]
struct Acknowledged {
    batches: Vec<Option<(u8, u64)>>,
    /// So many of them no power cut takes.
    safe: usize,
    /// So many will be when the writer has answered once more: it syncs after it has answered.
    soon_safe: usize,
    /// When the first that no sync is under way for was written.
    unsynced_ms: Option<i64>,
    now_ms: i64,
    sequences: BTreeMap<u8, u64>,
}

impl Acknowledged {
    fn all_are_safe(&mut self) {
        (self.safe, self.soon_safe, self.unsynced_ms) = (self.batches.len(), self.batches.len(), None);
    }

    async fn append(&mut self, rig: &Rig, instance: u8) {
        let sequence = self.sequences.entry(instance).or_default();
        *sequence += 1;
        rig.append(instance, *sequence, &[self.batches.len() as u64]).await;
        self.safe = self.soon_safe;
        self.batches.push(Some((instance, *sequence)));
        let since = *self.unsynced_ms.get_or_insert(self.now_ms);
        if self.now_ms - since >= 1_000 {
            (self.soon_safe, self.unsynced_ms) = (self.batches.len(), None);
        }
    }

    /// What is there is all that is safe, and of the rest the beginning.
    async fn check(&mut self, rig: &Rig) {
        let found = rig.calls().await;
        let expected = |upto: usize| -> Vec<u64> {
            (0..upto).filter(|&id| self.batches[id].is_some()).map(|id| id as u64).collect()
        };
        let upto = (self.safe..=self.batches.len()).find(|&upto| expected(upto) == found);
        let upto = upto.unwrap_or_else(|| panic!("{found:?} is no beginning of {self:?}"));
        self.batches[upto..].fill(None);
        self.all_are_safe();
        for instance in 1..=3 {
            let stored = self.batches.iter().flatten().filter(|(of, _)| *of == instance).map(|(_, sequence)| *sequence);
            let durable = rig.store().durable_sequence(source(instance).instance);
            assert_eq!(durable, stored.max().unwrap_or(0));
        }
        assert_eq!(rig.store().stats().corrupt_records, 0);
    }
}

async fn run(steps: Vec<Step>) {
    let (mut rig, mut acknowledged) = (relaxed().await, Acknowledged::default());
    for step in steps {
        match step {
            Step::Append(instance) => acknowledged.append(&rig, instance).await,
            Step::Wait(milliseconds) => {
                acknowledged.now_ms += milliseconds;
                rig.clock.advance(milliseconds * 1_000_000);
            }
            Step::Publish(fate) => {
                rig.objects.puts.set([fate]);
                let _ = rig.store().publish().await;
                rig.objects.puts.set([]);
                acknowledged.all_are_safe();
            }
            Step::Kill => {
                rig.kill();
                rig.open().await.unwrap();
                acknowledged.all_are_safe();
                acknowledged.check(&rig).await;
            }
            Step::CutPower { keeps_percent, spoils } => {
                rig.crash_keeping(|unsynced| unsynced * keeps_percent / 100, spoils).await;
                acknowledged.check(&rig).await;
            }
        }
    }
    rig.crash().await;
    acknowledged.check(&rig).await;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_power_cut_takes_the_end_of_what_was_not_synced_and_nothing_else(
        steps in prop::collection::vec(step(), 1..40)
    ) {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(run(steps));
    }
}
