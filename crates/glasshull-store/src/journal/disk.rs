//! What the journal asks of a disk, so that tests can give it one that fails and forgets.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;

use crate::{StoreError, durable};

/// A folder of numbered files.
pub(crate) trait Disk: Send + Sync + 'static {
    /// Makes a file that is empty and whose name is on disk.
    fn create(&self, number: u64) -> io::Result<Box<dyn DiskFile>>;
    /// The numbers of all files, in order.
    fn numbers(&self) -> io::Result<Vec<u64>>;
    /// The whole of a file.
    fn read(&self, number: u64) -> io::Result<Vec<u8>>;
    /// What a file holds, as far as it can be read, is on disk when this returns.
    fn sync(&self, number: u64) -> io::Result<()>;
    fn remove(&self, number: u64) -> io::Result<()>;
    /// What people are told where it cannot be read.
    fn failed(&self, error: &io::Error) -> StoreError;
}

/// A file that is being appended to. After an error it is not used again.
pub(crate) trait DiskFile: Send {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// What was appended is on disk when this returns.
    fn sync(&mut self) -> io::Result<()>;
}

/// The real one.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
}

impl Folder {
    /// The folder, which is made where there is none.
    pub(crate) fn open(path: PathBuf) -> io::Result<Self> {
        durable::create_dir_all(&path)?;
        Ok(Self { path })
    }

    fn file(&self, number: u64) -> PathBuf {
        self.path.join(format!("{number:020}.journal"))
    }
}

impl Disk for Folder {
    fn create(&self, number: u64) -> io::Result<Box<dyn DiskFile>> {
        let file = OpenOptions::new().create(true).truncate(true).write(true).open(self.file(number))?;
        // A synced file whose name is not on disk is lost all the same.
        durable::sync(&self.path)?;
        Ok(Box::new(file))
    }

    fn numbers(&self) -> io::Result<Vec<u64>> {
        let mut numbers = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let name = entry?.file_name();
            let number: Option<u64> = name.to_str().and_then(|name| name.strip_suffix(".journal")?.parse().ok());
            numbers.extend(number);
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    fn read(&self, number: u64) -> io::Result<Vec<u8>> {
        fs::read(self.file(number))
    }

    fn sync(&self, number: u64) -> io::Result<()> {
        durable::sync(&self.file(number))
    }

    fn remove(&self, number: u64) -> io::Result<()> {
        fs::remove_file(self.file(number))
    }

    fn failed(&self, error: &io::Error) -> StoreError {
        StoreError::folder(&self.path, error)
    }
}

impl DiskFile for File {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        // The length is synced too, as reading needs it; only times are left out.
        durable::sync_data(self)
    }
}
