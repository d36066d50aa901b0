//! Whoever looks sees each acknowledged call once, at any time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::rig::{FailingObjects, Fate, Rig, SECOND_NS, batch_of, call, calls_in, ids, running, source};
use crate::Store;

const INSTANCES: u8 = 4;
/// At least.
const BATCHES: u64 = 60;

/// Sends batches of three calls, and one that runs before it ends with the next batch, until enough was published and merged
/// meanwhile; notes what is acknowledged. How many batches that were.
async fn send(store: Arc<Store>, acknowledged: Arc<Mutex<Vec<u64>>>, instance: u8) -> u64 {
    let mut sequence = 0;
    while sequence < BATCHES || store.stats().publishes.count <= 3 || store.stats().merges.count == 0 {
        sequence += 1;
        assert!(sequence < 100 * BATCHES, "{:?}", store.stats());
        let id = u64::from(instance) << 32 | sequence << 8;
        let mut calls: Vec<_> = (id..id + 3).map(call).collect();
        calls.push(running(id + 9));
        if sequence > 1 {
            calls.push(call(id - 0x100 + 9));
        }
        store.append(&source(instance), batch_of(sequence, &calls)).await.unwrap();
        acknowledged.lock().unwrap().extend(calls.iter().map(|call| call.call_id));
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    sequence
}

/// What is acknowledged before a snapshot is in it once; nothing at all is in it twice.
async fn look(store: &Store, objects: &FailingObjects, acknowledged: &Mutex<Vec<u64>>) {
    let before = acknowledged.lock().unwrap().clone();
    let snapshot = store.snapshot();
    let mut times: BTreeMap<u64, u32> = BTreeMap::new();
    for id in calls_in(&snapshot, objects).await.into_iter().chain(ids(&snapshot.running)) {
        *times.entry(id).or_default() += 1;
    }
    assert!(times.values().all(|&times| times == 1), "a call is seen twice");
    for id in before {
        assert!(times.contains_key(&id), "call {id:x} was acknowledged and is not seen");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_call_is_seen_once_while_it_is_published_and_merged() {
    let rig = Rig::with(|settings| settings.journal_file_bytes = 4_000).await;
    // All windows are over: two segments are enough to be merged.
    rig.clock.advance(3_600 * SECOND_NS);
    let acknowledged = Arc::new(Mutex::new(Vec::new()));
    let senders: Vec<_> = (1..=INSTANCES)
        .map(|instance| tokio::spawn(send(rig.store().clone(), acknowledged.clone(), instance)))
        .collect();
    let publishing = tokio::spawn({
        let (store, objects, catalog) = (rig.store().clone(), rig.objects.clone(), rig.catalog.clone());
        async move {
            for round in 0.. {
                let fate = [Fate::Succeeds, Fate::Fails, Fate::LosesItsAnswer][round % 3];
                objects.puts.set([fate]);
                catalog.publications.set([Fate::Succeeds, Fate::Succeeds, fate]);
                let _ = store.publish().await;
                objects.puts.set([fate]);
                catalog.merges.set([fate]);
                let _ = store.merge().await;
                tokio::time::sleep(Duration::from_millis(3)).await;
            }
        }
    });
    while !senders.iter().all(|sender| sender.is_finished()) {
        look(rig.store(), &rig.objects, &acknowledged).await;
    }
    publishing.abort();
    let _ = publishing.await;
    rig.objects.puts.set([]);
    rig.catalog.publications.set([]);
    rig.catalog.merges.set([]);
    rig.store().merge().await.unwrap();
    rig.store().publish().await.unwrap();
    look(rig.store(), &rig.objects, &acknowledged).await;
    let mut ended = 0;
    for sender in senders {
        ended += 4 * sender.await.unwrap() - 1;
    }
    assert_eq!(rig.calls().await.len() as u64, ended);
    assert_eq!(rig.running().len() as u64, u64::from(INSTANCES));
}
