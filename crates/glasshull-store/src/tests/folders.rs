//! Who may use a data folder; a whole store on a real one.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use glasshull_catalog::sqlite::SqliteCatalog;

use super::rig::{batch, calls_in, source};
use crate::{Components, DataFolder, FolderObjects, Store, StoreError, StoreSettings, SystemClock};

/// Every file below a folder with its content.
pub(super) fn content(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut content = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                content.insert(path.display().to_string(), Vec::new());
                folders.push(path);
            } else {
                content.insert(path.display().to_string(), fs::read(&path).unwrap());
            }
        }
    }
    content
}

#[test]
fn a_folder_is_made_and_keeps_the_hubs_name() {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("new/data");
    let folder = DataFolder::open(&path).unwrap();
    assert_eq!(folder.hub_id(|| "h1".into()).unwrap(), "h1");
    drop(folder);
    let folder = DataFolder::open(&path).unwrap();
    assert_eq!(folder.hub_id(|| unreachable!()).unwrap(), "h1");
    assert!(folder.journal().is_dir() && folder.objects().is_dir());
}

#[test]
fn a_folder_in_use_is_refused_and_free_again_afterwards() {
    let temporary = tempfile::tempdir().unwrap();
    let first = DataFolder::open(temporary.path()).unwrap();
    let before = content(temporary.path());
    let error = DataFolder::open(temporary.path()).unwrap_err();
    assert!(matches!(error, StoreError::Locked(_)), "{error}");
    assert!(error.to_string().contains("stop that one or give this one another folder"));
    assert_eq!(content(temporary.path()), before);
    drop(first);
    DataFolder::open(temporary.path()).unwrap();
}

#[test]
fn a_folder_is_free_at_once_though_a_program_is_being_started() {
    let temporary = tempfile::tempdir().unwrap();
    let first = DataFolder::open(temporary.path()).unwrap();
    // What a child has between its making and its program's beginning.
    let _inherited = first.lock.try_clone().unwrap();
    drop(first);
    DataFolder::open(temporary.path()).unwrap();
}

#[test]
fn a_folder_of_a_newer_version_is_refused_untouched() {
    for format in ["2\n", "4000", "next"] {
        let temporary = tempfile::tempdir().unwrap();
        fs::write(temporary.path().join("version"), format).unwrap();
        let before = content(temporary.path());
        let error = DataFolder::open(temporary.path()).unwrap_err();
        assert!(matches!(error, StoreError::Newer { .. }), "{error}");
        assert_eq!(content(temporary.path()), before);
    }
}

#[test]
fn a_folder_that_cannot_be_one_is_refused_with_the_reason() {
    let temporary = tempfile::tempdir().unwrap();
    let file = temporary.path().join("file");
    fs::write(&file, "mine").unwrap();
    // `/proc` lets nobody make folders, not even the superuser.
    for path in [file.as_path(), &file.join("below"), Path::new("/proc/glasshull")] {
        let error = DataFolder::open(path).unwrap_err();
        assert!(matches!(error, StoreError::Folder { .. }), "{error}");
        assert!(error.to_string().starts_with("the data folder /"), "{error}");
    }
    assert_eq!(fs::read(&file).unwrap(), b"mine");
}

async fn open(folder: &DataFolder) -> Arc<Store> {
    let components = Components {
        object_store: Arc::new(FolderObjects::new(&folder.objects()).unwrap()),
        catalog: Arc::new(SqliteCatalog::open(&folder.catalog()).await.unwrap()),
        clock: Arc::new(SystemClock),
        tenure: None,
    };
    let hub = folder.hub_id(|| "h1".into()).unwrap();
    Store::open(StoreSettings::new(folder.path(), hub), components).await.unwrap()
}

#[tokio::test]
async fn a_store_on_a_real_folder_keeps_everything_over_restarts() {
    let temporary = tempfile::tempdir().unwrap();
    for restart in 0..4u64 {
        let folder = DataFolder::open(temporary.path()).unwrap();
        let store = open(&folder).await;
        let objects = FolderObjects::new(&folder.objects()).unwrap();
        let before: Vec<u64> = (0..2 * restart).collect();
        assert_eq!(calls_in(&store.snapshot(), &objects).await, before);
        let next = 2 * restart;
        for id in [next, next + 1] {
            store.append(&source(1), batch(id + 1, &[id])).await.unwrap();
            if restart == 1 {
                store.publish().await.unwrap();
            }
        }
        if restart == 2 {
            store.close().await;
            assert_eq!(fs::read_dir(folder.journal()).unwrap().count(), 0, "a closed store leaves no journal");
        }
    }
}

#[test]
fn a_device_without_room_refuses_what_is_written() {
    use crate::journal::disk::DiskFile;
    let mut full: Box<dyn DiskFile> = Box::new(fs::OpenOptions::new().write(true).open("/dev/full").unwrap());
    assert_eq!(full.append(b"record").unwrap_err().kind(), std::io::ErrorKind::StorageFull);
}
