//! The store against a model that is two sets: what was acknowledged must be there once, what was not may be there
//! once, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::rig::{Fate, Rig, SECOND_NS, batch, source};
use crate::{Appended, SNAPSHOT_GRACE};

const WINDOW_NS: i64 = 600 * SECOND_NS;

#[derive(Clone, Debug)]
enum Step {
    /// The instance sends its next batch of so many calls.
    Send {
        instance: u8,
        calls: u8,
    },
    /// The instance sends its last batch again, acknowledged or not.
    SendAgain {
        instance: u8,
    },
    /// The instance drops what was not acknowledged and goes on in a new session.
    GiveUp {
        instance: u8,
    },
    Publish {
        objects: Vec<Fate>,
        catalog: Vec<Fate>,
        removes: u32,
    },
    /// The window is over, and small segments are merged.
    Merge {
        dooms: Vec<Fate>,
        objects: Vec<Fate>,
        catalog: Vec<Fate>,
        in_parts: bool,
    },
    /// So much time passes that nobody reads what was merged; its objects go, or do not.
    Expire {
        deletes: Vec<Fate>,
    },
    FailDisk {
        creates: u32,
        syncs: u32,
        room: Option<usize>,
    },
    RepairDisk,
    Crash {
        keeps: u8,
        spoils: bool,
    },
    Close,
}

fn fates() -> impl Strategy<Value = Vec<Fate>> {
    prop::collection::vec(prop::sample::select(vec![Fate::Succeeds, Fate::Fails, Fate::LosesItsAnswer]), 0..3)
}

fn step() -> impl Strategy<Value = Step> {
    let instance = 1..4u8;
    prop_oneof![
        8 => (instance.clone(), 0..4u8).prop_map(|(instance, calls)| Step::Send { instance, calls }),
        3 => instance.clone().prop_map(|instance| Step::SendAgain { instance }),
        1 => instance.prop_map(|instance| Step::GiveUp { instance }),
        3 => (fates(), fates(), 0..2u32)
            .prop_map(|(objects, catalog, removes)| Step::Publish { objects, catalog, removes }),
        3 => (fates(), fates(), fates(), any::<bool>())
            .prop_map(|(dooms, objects, catalog, in_parts)| Step::Merge { dooms, objects, catalog, in_parts }),
        1 => fates().prop_map(|deletes| Step::Expire { deletes }),
        1 => (0..2u32, 0..3u32, prop::option::of(0..600usize))
            .prop_map(|(creates, syncs, room)| Step::FailDisk { creates, syncs, room }),
        1 => Just(Step::RepairDisk),
        2 => (any::<u8>(), any::<bool>()).prop_map(|(keeps, spoils)| Step::Crash { keeps, spoils }),
        1 => Just(Step::Close),
    ]
}

#[derive(Default)]
struct Model {
    acknowledged: BTreeSet<u64>,
    possible: BTreeSet<u64>,
    /// The last batch of each instance: its sequence and its calls.
    last: BTreeMap<u8, (u64, Vec<u64>)>,
    next_id: u64,
}

impl Model {
    fn next_batch(&mut self, instance: u8, calls: u8) {
        let sequence = self.last.get(&instance).map_or(0, |(sequence, _)| *sequence) + 1;
        let ids = (self.next_id..self.next_id + u64::from(calls)).collect();
        self.next_id += u64::from(calls);
        self.last.insert(instance, (sequence, ids));
    }

    fn is_acknowledged(&self, instance: u8) -> bool {
        self.last.get(&instance).is_none_or(|(_, ids)| ids.iter().all(|id| self.acknowledged.contains(id)))
    }

    async fn send(&mut self, rig: &Rig, instance: u8) {
        let Some((sequence, ids)) = self.last.get(&instance) else { return };
        match rig.store().append(&source(instance), batch(*sequence, ids)).await {
            Ok(Appended::Stored { .. } | Appended::Repeated) => self.acknowledged.extend(ids),
            Err(_) => self.possible.extend(ids),
        }
    }

    async fn check(&self, rig: &Rig) {
        let found = rig.calls().await;
        let once: BTreeSet<u64> = found.iter().copied().collect();
        assert_eq!(once.len(), found.len(), "a call is there twice: {found:?}");
        assert!(once.is_superset(&self.acknowledged), "lost: {:?}", self.acknowledged.difference(&once));
        let strange: Vec<_> =
            once.iter().filter(|id| !self.acknowledged.contains(id) && !self.possible.contains(id)).collect();
        assert!(strange.is_empty(), "nobody sent {strange:?}");
    }
}

async fn take(step: Step, rig: &mut Rig, model: &mut Model) {
    match step {
        Step::Send { instance, calls } => {
            // An instance sends in order: it repeats what was not acknowledged before it goes on.
            if model.is_acknowledged(instance) {
                model.next_batch(instance, calls);
            }
            model.send(rig, instance).await;
        }
        Step::SendAgain { instance } => model.send(rig, instance).await,
        Step::GiveUp { instance } => {
            rig.store().durable_sequence(source(instance).instance);
            model.next_batch(instance, 1);
            model.send(rig, instance).await;
        }
        Step::Publish { objects, catalog, removes } => {
            rig.objects.puts.set(objects);
            rig.catalog.publications.set(catalog);
            rig.disk.fail_removes(removes);
            let _ = rig.store().publish().await;
        }
        Step::Merge { dooms, objects, catalog, in_parts } => {
            rig.clock.advance(WINDOW_NS);
            rig.catalog.dooms.set(dooms);
            rig.objects.puts.set(objects);
            rig.catalog.merges.set(catalog);
            rig.store().merger.lock().await.set_part_bytes(if in_parts { 1_000 } else { usize::MAX });
            let _ = rig.store().merge().await;
        }
        Step::Expire { deletes } => {
            rig.clock.advance(SNAPSHOT_GRACE.as_nanos() as i64);
            rig.objects.deletes.set(deletes);
            rig.store().expire().await.unwrap();
        }
        Step::FailDisk { creates, syncs, room } => {
            rig.disk.fail_creates(creates);
            rig.disk.fail_syncs(syncs);
            rig.disk.set_room(room);
        }
        Step::RepairDisk => {
            rig.disk.fail_creates(0);
            rig.disk.fail_syncs(0);
            rig.disk.set_room(None);
        }
        Step::Crash { keeps, spoils } => {
            rig.crash_keeping(|unsynced| unsynced * usize::from(keeps) / 200, spoils).await;
            assert_eq!(rig.store().stats().corrupt_records, 0, "what a crash leaves is no damage");
        }
        Step::Close => {
            rig.store().close().await;
            rig.crash().await;
        }
    }
    model.check(rig).await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_each_acknowledged_call_is_there_once(steps in prop::collection::vec(step(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(async {
            let mut rig = Rig::with(|settings| {
                // Several files, published in several parts.
                settings.journal_file_bytes = 700;
                settings.publish_bytes = 10_000;
            })
            .await;
            let mut model = Model::default();
            for step in steps {
                take(step, &mut rig, &mut model).await;
            }
            rig.crash().await;
            model.check(&rig).await;
            rig.store().publish().await.unwrap();
            model.check(&rig).await;
            assert!(rig.store().snapshot().live.is_empty());
            rig.clock.advance(WINDOW_NS);
            while rig.store().merge().await.unwrap().segments > 0 {}
            model.check(&rig).await;
            rig.clock.advance(SNAPSHOT_GRACE.as_nanos() as i64);
            rig.store().expire().await.unwrap();
            model.check(&rig).await;
            let segments = rig.store().snapshot().segments.len();
            assert!(segments <= 1, "all calls lie in one window: {segments}");
            assert_eq!(rig.objects.paths().await.len(), segments, "nothing is left behind");
        });
    }
}
