//! The data folder: who may use it, and where things lie in it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::{StoreError, durable};

/// The format this version writes. Every later version reads it.
const FORMAT: u32 = 1;

/// Bytes that must be free on the folder's disk: the catalog with its log and a first group of the journal take less.
/// A hub that started with less would acknowledge nothing.
pub const MIN_FREE_BYTES: usize = 1 << 20;

/// A data folder that this process alone uses, as long as this value lives.
///
/// ```text
/// data/lock              held by the hub that runs
/// data/version           the number of the folder's format
/// data/hub-id            the hub's name, part of its segments' names
/// data/catalog.sqlite    the catalog
/// data/catalog.copy      of it, on its way to the object store
/// data/catalog-is-copied it is the one in the object store
/// data/journal/          what is not yet in a segment
/// data/objects/          segments, where no other object store is set
/// data/objects-at        the other object store's URL
/// ```
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
    pub(crate) lock: File,
}

impl Drop for DataFolder {
    fn drop(&mut self) {
        // Closing the file would do it, but for a program that is being started at this moment: until it runs, it has
        // this process's files open, and with them the lock.
        let _ = self.lock.unlock();
    }
}

impl DataFolder {
    /// Takes the folder, making it where there is none.
    ///
    /// # Errors
    /// [`StoreError::Newer`], [`StoreError::Locked`] or [`StoreError::Folder`]; then nothing in it was touched.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        check_format(path)?;
        let new: Vec<&Path> = path.ancestors().take_while(|folder| !folder.exists()).collect();
        let taken =
            durable::create_dir_all(path).map_err(|e| StoreError::folder(path, &e)).and_then(|()| Self::take(path));
        if taken.is_err() {
            // Only what is empty goes: whoever came meanwhile keeps what he put there.
            new.iter().for_each(|folder| drop(fs::remove_dir(folder)));
        }
        taken
    }

    fn take(path: &Path) -> Result<Self, StoreError> {
        // A hub that runs here must not find its disk full because of one that is about to be refused.
        let known = if path.join("lock").exists() { Some(lock(path)?) } else { None };
        check_room(path)?;
        let lock = known.map_or_else(|| lock(path), Ok)?;
        // Once more: between the first look and the lock another version may have made the folder.
        check_format(path)?;
        let folder = Self { path: path.to_owned(), lock };
        for inside in [folder.journal(), folder.objects()] {
            durable::create_dir_all(&inside).map_err(|e| StoreError::folder(&inside, &e))?;
        }
        let version = path.join("version");
        if !version.exists() {
            write_durably(&version, &format!("{FORMAT}\n")).map_err(|e| StoreError::folder(&version, &e))?;
        }
        Ok(folder)
    }

    /// The hub's name: what was written at the first start, where it is `fresh()`.
    ///
    /// # Errors
    /// [`StoreError::Folder`] where it can be neither read nor written.
    pub fn hub_id(&self, fresh: impl FnOnce() -> String) -> Result<String, StoreError> {
        let path = self.path.join("hub-id");
        match fs::read_to_string(&path) {
            Ok(id) if !id.trim().is_empty() => Ok(id.trim().to_owned()),
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(StoreError::folder(&path, &e)),
            _ => {
                let id = fresh();
                write_durably(&path, &id).map_err(|e| StoreError::folder(&path, &e))?;
                Ok(id)
            }
        }
    }

    /// This is the hub's name from now on: its calls came from another folder.
    ///
    /// # Errors
    /// [`StoreError::Folder`].
    pub fn set_hub_id(&self, id: &str) -> Result<(), StoreError> {
        let path = self.path.join("hub-id");
        write_durably(&path, id).map_err(|e| StoreError::folder(&path, &e))
    }

    /// Whether it has a catalog that is not the one in the object store: see [`Self::set_catalog_is_copied`].
    pub fn has_catalog_of_its_own(&self) -> bool {
        self.catalog().exists() && !self.catalog_is_copied()
    }

    /// Whether its catalog is the one in the object store, as far as it lies here.
    pub fn catalog_is_copied(&self) -> bool {
        self.path.join("catalog-is-copied").exists()
    }

    /// Notes whether its catalog is the one in the object store, which the next start there replaces by its newest copy.
    ///
    /// # Errors
    /// [`StoreError::Folder`].
    pub fn set_catalog_is_copied(&self, is_copied: bool) -> Result<(), StoreError> {
        let path = self.path.join("catalog-is-copied");
        let noted = match is_copied {
            true if path.exists() => Ok(()),
            true => write_durably(&path, "its copies lie in the object store\n"),
            false => match fs::remove_file(&path) {
                Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
                removed => removed.and_then(|()| durable::sync(&self.path)),
            },
        };
        noted.map_err(|e| StoreError::folder(&path, &e))
    }

    /// Whether its journal holds anything.
    ///
    /// # Errors
    /// [`StoreError::Folder`].
    pub fn has_journal(&self) -> Result<bool, StoreError> {
        let journal = self.journal();
        fs::read_dir(&journal).map(|mut files| files.next().is_some()).map_err(|e| StoreError::folder(&journal, &e))
    }

    /// Where the calls lie that its catalog names, as [`Self::set_objects_at`] was told; empty: in [`Self::objects`].
    ///
    /// # Errors
    /// [`StoreError::Folder`].
    pub fn objects_at(&self) -> Result<String, StoreError> {
        let path = self.path.join("objects-at");
        match fs::read_to_string(&path) {
            Ok(place) => Ok(place.trim().to_owned()),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(String::new()),
            Err(e) => Err(StoreError::folder(&path, &e)),
        }
    }

    /// Notes where the calls lie.
    ///
    /// # Errors
    /// [`StoreError::Folder`].
    pub fn set_objects_at(&self, place: &str) -> Result<(), StoreError> {
        let path = self.path.join("objects-at");
        write_durably(&path, place).map_err(|e| StoreError::folder(&path, &e))
    }

    /// The folder itself: [`crate::StoreSettings::data`].
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The journal's folder.
    pub fn journal(&self) -> PathBuf {
        self.path.join("journal")
    }

    /// The catalog's file.
    pub fn catalog(&self) -> PathBuf {
        self.path.join("catalog.sqlite")
    }

    /// The folder for segments.
    pub fn objects(&self) -> PathBuf {
        self.path.join("objects")
    }
}

fn check_format(path: &Path) -> Result<(), StoreError> {
    let format = match fs::read_to_string(path.join("version")) {
        Ok(format) => format.trim().to_owned(),
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(StoreError::folder(path, &e)),
    };
    match format.parse::<u32>() {
        Ok(known) if known <= FORMAT => Ok(()),
        _ => Err(StoreError::Newer { path: path.to_owned(), format }),
    }
}

/// Whether the disk has [`MIN_FREE_BYTES`]: tried, as what a disk says of itself is not what it lets one have.
fn check_room(path: &Path) -> Result<(), StoreError> {
    let file = path.join("room.new");
    let written = File::create(&file).and_then(|mut file| {
        file.write_all(&vec![0; MIN_FREE_BYTES])?;
        file.sync_all()
    });
    let removed = fs::remove_file(&file);
    written.and(removed).map_err(|e| match e.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            let why = format!("its disk has less than {} KiB free ({e})", MIN_FREE_BYTES >> 10);
            StoreError::Folder { path: path.to_owned(), why }
        }
        _ => StoreError::folder(path, &e),
    })
}

fn lock(path: &Path) -> Result<File, StoreError> {
    let file = path.join("lock");
    let lock = OpenOptions::new().create(true).truncate(false).write(true).open(&file);
    let lock = lock.map_err(|e| StoreError::folder(&file, &e))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(StoreError::Locked(path.to_owned())),
        Err(TryLockError::Error(e)) => Err(StoreError::folder(&file, &e)),
    }
}

/// Writes a small file so that it is there whole or not at all, even after a power cut.
fn write_durably(path: &Path, text: &str) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut file = File::create(&new)?;
    file.write_all(text.as_bytes())?;
    drop(file);
    durable::sync(&new)?;
    fs::rename(&new, path)?;
    path.parent().map_or(Ok(()), durable::sync)
}
