//! Faults of single parts, on real files where it matters. The whole list, with where each is tried: docs/faults.md.

use std::fs;
use std::path::Path as FilePath;
use std::sync::Arc;
use std::time::Duration;

use glasshull_catalog::sqlite::SqliteCatalog;
use glasshull_wire::CallRow;
use object_store::ObjectStoreExt;
use object_store::path::Path;
use tokio::time::timeout;

use super::rig::{Chance, Fate, Rig, SECOND_NS, batch, batch_of, call, calls_in, source};
use crate::durable::noted::left_in;
use crate::{
    Appended, Components, DataFolder, FolderObjects, SNAPSHOT_GRACE, Store, StoreError, StoreSettings, SystemClock,
};

const HOUR_NS: i64 = 3_600 * SECOND_NS;
const WINDOW_NS: i64 = 600 * SECOND_NS;

/// How long anything that has to happen may take.
const WITHIN: Duration = Duration::from_secs(30);

async fn open(data: &FilePath) -> Result<Arc<Store>, StoreError> {
    let folder = DataFolder::open(data)?;
    let components = Components {
        object_store: Arc::new(FolderObjects::new(&folder.objects())?),
        catalog: Arc::new(SqliteCatalog::open(&folder.catalog()).await?),
        clock: Arc::new(SystemClock),
        tenure: None,
    };
    Store::open(StoreSettings::new(folder.path(), folder.hub_id(|| "h1".into())?), components).await
}

/// What a power cut leaves of a folder, in another one. The catalog's files are left as they are: SQLite syncs its own.
fn after_a_power_cut(home: &FilePath) -> tempfile::TempDir {
    let left = tempfile::tempdir().unwrap();
    let put = |path: &FilePath, content: Vec<u8>| {
        let to = left.path().join(path.strip_prefix(home).unwrap());
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::write(to, content).unwrap();
    };
    let files = left_in(home);
    assert!(!files.is_empty(), "nothing is left");
    files.into_iter().for_each(|(path, content)| put(&path, content));
    for entry in fs::read_dir(home.join("new/data")).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_string_lossy().starts_with("catalog.sqlite") {
            put(&path, fs::read(&path).unwrap());
        }
    }
    left
}

async fn calls_after_a_power_cut(home: &FilePath) -> Vec<u64> {
    let left = after_a_power_cut(home);
    let data = left.path().join("new/data");
    let store = open(&data).await.unwrap();
    let calls = calls_in(&store.snapshot(), &FolderObjects::new(&data.join("objects")).unwrap()).await;
    store.close().await;
    calls
}

#[tokio::test]
async fn every_name_and_byte_that_an_acknowledged_call_needs_is_synced_on_a_real_disk() {
    let home = tempfile::tempdir().unwrap();
    let store = open(&home.path().join("new/data")).await.unwrap();
    store.append(&source(1), batch(1, &[1, 2])).await.unwrap();
    assert_eq!(calls_after_a_power_cut(home.path()).await, [1, 2]);
    store.publish().await.unwrap();
    assert_eq!(calls_after_a_power_cut(home.path()).await, [1, 2]);
    store.append(&source(1), batch(2, &[3])).await.unwrap();
    store.publish().await.unwrap();
    store.append(&source(1), batch(3, &[4])).await.unwrap();
    assert_eq!(calls_after_a_power_cut(home.path()).await, [1, 2, 3, 4]);
    assert_eq!(fs::read_to_string(after_a_power_cut(home.path()).path().join("new/data/hub-id")).unwrap(), "h1");
}

#[test]
fn a_file_that_was_not_synced_or_whose_folder_was_not_is_not_left() {
    let home = tempfile::tempdir().unwrap();
    let file = |name: &str| home.path().join(name);
    fs::write(file("synced"), "synced").unwrap();
    crate::durable::sync(&file("synced")).unwrap();
    fs::write(file("empty"), "not synced").unwrap();
    crate::durable::sync(home.path()).unwrap();
    fs::write(file("nameless"), "synced").unwrap();
    crate::durable::sync(&file("nameless")).unwrap();
    let left: Vec<_> = left_in(home.path()).into_iter().collect();
    assert_eq!(left, [(file("empty"), Vec::new()), (file("synced"), b"synced".to_vec())]);
}

#[tokio::test]
async fn an_object_that_came_in_parts_is_synced_with_its_folders() {
    let home = tempfile::tempdir().unwrap();
    let objects = FolderObjects::new(home.path()).unwrap();
    let mut parts = objects.put_multipart(&Path::from("calls/window/one.parquet")).await.unwrap();
    parts.put_part("rows".into()).await.unwrap();
    parts.complete().await.unwrap();
    let left = left_in(&home.path().canonicalize().unwrap());
    assert_eq!(left.into_values().collect::<Vec<_>>(), [b"rows".to_vec()]);
}

/// A closed data folder with calls 1 to 6: 1 to 4 in segments of two windows, 5 and 6 in the journal.
async fn closed_folder(data: &FilePath) {
    let store = open(data).await.unwrap();
    let old = CallRow { started_at_ns: call(3).started_at_ns - WINDOW_NS, ..call(3) };
    store.append(&source(1), batch_of(1, &[call(1), call(2), old, call(4)])).await.unwrap();
    store.publish().await.unwrap();
    store.append(&source(2), batch(1, &[5, 6])).await.unwrap();
    drop(store);
    // What a write-ahead log holds would hide what the file holds.
    SqliteCatalog::open(&data.join("catalog.sqlite")).await.unwrap().close().await;
}

/// A copy of a data folder, with this catalog.
fn copied(data: &FilePath, catalog: &[u8]) -> tempfile::TempDir {
    let copy = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    for (path, content) in super::folders::content(data) {
        let to = copy.path().join(FilePath::new(&path).strip_prefix(data).unwrap());
        if FilePath::new(&path).is_dir() { fs::create_dir_all(to).unwrap() } else { fs::write(to, content).unwrap() }
    }
    fs::write(copy.path().join("catalog.sqlite"), catalog).unwrap();
    copy
}

#[derive(Debug, Eq, PartialEq)]
enum Found {
    AllCalls,
    /// Not all calls, or some of them not to be read.
    Less,
    Refused,
}

/// What is found in a data folder whose catalog may be damaged.
async fn found_in(data: &FilePath) -> Found {
    let store = match open(data).await {
        Ok(store) => store,
        Err(StoreError::Catalog(_)) => return Found::Refused,
        Err(other) => panic!("{other}"),
    };
    let snapshot = store.snapshot();
    let objects = FolderObjects::new(&data.join("objects")).unwrap();
    for segment in snapshot.segments.iter() {
        let is_there = objects.head(&Path::from(segment.path.as_str())).await.is_ok_and(|o| o.size == segment.bytes);
        if !is_there {
            return Found::Less;
        }
    }
    if calls_in(&snapshot, &objects).await == [1, 2, 3, 4, 5, 6] { Found::AllCalls } else { Found::Less }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_the_catalog_that_is_zeroed_or_torn_is_noticed_or_does_not_matter() {
    const PAGE: usize = 4_096;
    let data = tempfile::tempdir().unwrap();
    closed_folder(data.path()).await;
    let sound = fs::read(data.path().join("catalog.sqlite")).unwrap();
    let mut refused = 0;
    for page in 0..sound.len() / PAGE {
        for bytes in [PAGE, PAGE / 2] {
            let mut spoilt = sound.clone();
            spoilt[page * PAGE..page * PAGE + bytes].fill(0);
            let found = found_in(copied(data.path(), &spoilt).path()).await;
            assert_ne!(found, Found::Less, "{bytes} bytes of page {page} are zeros");
            refused += u32::from(found == Found::Refused);
        }
    }
    assert!(refused > 0);
}

/// SQLite has no checksums: a flipped bit may pass. What is not in the catalog any more is still there when the right one
/// has been restored.
#[tokio::test(flavor = "multi_thread")]
async fn flipped_bits_in_the_catalog_make_the_store_delete_nothing() {
    let data = tempfile::tempdir().unwrap();
    closed_folder(data.path()).await;
    let sound = fs::read(data.path().join("catalog.sqlite")).unwrap();
    let used: Vec<usize> = (0..sound.len()).filter(|&at| sound[at] != 0).collect();
    let mut chance = Chance::of(7);
    for _ in 0..300 {
        let mut spoilt = sound.clone();
        let at = used[chance.below(used.len() as u64) as usize];
        spoilt[at] ^= 1 << chance.below(8);
        let copy = copied(data.path(), &spoilt);
        let found = found_in(copy.path()).await;
        fs::write(copy.path().join("catalog.sqlite"), &sound).unwrap();
        for log in ["catalog.sqlite-wal", "catalog.sqlite-shm"] {
            let _ = fs::remove_file(copy.path().join(log));
        }
        assert_eq!(found_in(copy.path()).await, Found::AllCalls, "byte {at} was spoilt, and found was {found:?}");
    }
}

#[tokio::test]
async fn a_slow_object_store_holds_up_neither_acknowledgements_nor_questions() {
    let rig = Rig::new().await;
    rig.append(1, 1, &[1]).await;
    let (came, go_on) = rig.objects.hold_next_put();
    let publishing = tokio::spawn({
        let store = rig.store().clone();
        async move { store.publish().await }
    });
    timeout(WITHIN, came).await.unwrap().unwrap();
    for sequence in 2..=20 {
        rig.append(1, sequence, &[sequence]).await;
    }
    assert_eq!(rig.calls().await, (1..=20).collect::<Vec<_>>());
    go_on.send(()).unwrap();
    timeout(WITHIN, publishing).await.unwrap().unwrap().unwrap();
    assert_eq!(rig.calls().await, (1..=20).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_listing_that_is_out_of_date_deletes_nothing_that_is_needed() {
    let mut rig = Rig::new().await;
    let mut listings = vec![rig.objects.listing().await];
    for sequence in 1..=4 {
        rig.append(1, sequence, &[sequence]).await;
        rig.store().publish().await.unwrap();
        listings.push(rig.objects.listing().await);
    }
    rig.clock.advance(WINDOW_NS);
    rig.store().merge().await.unwrap();
    listings.push(rig.objects.listing().await);
    rig.clock.advance(SNAPSHOT_GRACE.as_nanos() as i64);
    rig.store().expire().await.unwrap();
    assert_eq!(rig.objects.paths().await.len(), 1);
    // A publication that a crash will cut: its object is made again.
    rig.append(1, 5, &[5]).await;
    rig.catalog.publications.set([Fate::Fails]);
    rig.store().publish().await.unwrap_err();
    for listing in listings {
        rig.objects.list_as_of(Some(listing));
        rig.crash().await;
        assert_eq!(rig.calls().await, [1, 2, 3, 4, 5]);
    }
    rig.objects.list_as_of(None);
    rig.crash().await;
    rig.store().publish().await.unwrap();
    assert_eq!(rig.calls().await, [1, 2, 3, 4, 5]);
    assert_eq!(rig.objects.paths().await.len(), rig.store().snapshot().segments.len());
}

#[tokio::test]
async fn a_clock_that_is_set_back_loses_nothing_and_stores_nothing_twice() {
    let mut rig = Rig::with(|settings| settings.retention = Some(Duration::from_secs(7_200))).await;
    rig.append(1, 1, &[1]).await;
    rig.store().publish().await.unwrap();
    rig.store().expire().await.unwrap();
    rig.clock.jump(-1_000 * HOUR_NS);
    let error = rig.store().append(&source(1), batch(2, &[2])).await.unwrap_err();
    assert!(matches!(error, StoreError::Ahead { .. }), "{error}");
    let old = CallRow { started_at_ns: call(3).started_at_ns - 1_000 * HOUR_NS, ..call(3) };
    rig.store().append(&source(1), batch_of(3, &[old])).await.unwrap();
    rig.store().publish().await.unwrap();
    assert_eq!(rig.store().expire().await.unwrap(), 0);
    rig.crash().await;
    rig.clock.jump(1_000 * HOUR_NS);
    rig.store().expire().await.unwrap();
    assert_eq!(rig.calls().await, [1, 3], "a clock that is set right is doubted for a day, too");
    assert_eq!(rig.store().append(&source(1), batch(1, &[1])).await.unwrap(), Appended::Repeated);
    rig.append(1, 4, &[4]).await;
    rig.crash().await;
    assert_eq!(rig.calls().await, [1, 3, 4]);
}

#[tokio::test]
async fn a_journal_that_cannot_be_read_stops_the_start_and_nothing_is_deleted() {
    let mut rig = Rig::new().await;
    rig.append(1, 1, &[1]).await;
    rig.kill();
    rig.disk.fail_reads(1);
    let error = rig.open().await.unwrap_err();
    assert!(matches!(error, StoreError::Folder { .. }), "{error}");
    rig.open().await.unwrap();
    assert_eq!(rig.calls().await, [1]);
}

#[tokio::test]
async fn a_catalog_that_cannot_be_read_stops_the_start_and_nothing_is_deleted() {
    for step in 0..4 {
        let mut rig = Rig::new().await;
        rig.append(1, 1, &[1]).await;
        rig.store().publish().await.unwrap();
        rig.append(1, 2, &[2]).await;
        rig.kill();
        rig.catalog.reads.set(std::iter::repeat_n(Fate::Succeeds, step).chain([Fate::Fails]));
        let error = rig.open().await.unwrap_err();
        assert!(matches!(error, StoreError::Catalog(_)), "{error}");
        rig.open().await.unwrap();
        assert_eq!(rig.calls().await, [1, 2]);
    }
}
