//! The data folder: who may use it, and where things lie in it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::StoreError;

/// The format this version writes. Every later version reads it.
const FORMAT: u32 = 1;

/// A data folder that this process alone uses, as long as this value lives.
///
/// ```text
/// data/lock              held by the hub that runs
/// data/version           the number of the folder's format
/// data/hub-id            the hub's name, part of its segments' names
/// data/catalog.sqlite    the catalog
/// data/journal/          what is not yet in a segment
/// data/objects/          segments, where no other object store is set
/// ```
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
    _lock: File,
}

impl DataFolder {
    /// Takes the folder, making it where there is none.
    ///
    /// # Errors
    /// [`StoreError::Newer`], [`StoreError::Locked`] or [`StoreError::Folder`]; then nothing in it was touched.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        check_format(path)?;
        fs::create_dir_all(path).map_err(|e| StoreError::folder(path, &e))?;
        let lock = lock(path)?;
        // Once more: between the first look and the lock another version may have made the folder.
        check_format(path)?;
        let folder = Self { path: path.to_owned(), _lock: lock };
        for inside in [folder.journal(), folder.objects()] {
            fs::create_dir_all(&inside).map_err(|e| StoreError::folder(&inside, &e))?;
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
    file.sync_all()?;
    fs::rename(&new, path)?;
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}
