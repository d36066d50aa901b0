use std::io;
use std::path::{Path, PathBuf};

use glasshull_catalog::CatalogError;
use glasshull_wire::BatchError;

/// Why the store could not do what it was asked. Nothing of a refused batch is kept.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The batch contradicts itself or exceeds a limit; it must not be sent again.
    #[error("the batch is refused: {0}")]
    Batch(#[from] BatchError),
    /// A call starts further ahead of the hub's clock than `limits::MAX_AHEAD_NS`; the batch must not be sent again.
    #[error(
        "the batch is refused: a call starts {ahead_ns} ns ahead of the hub's clock; set the clock of the machine that sent it"
    )]
    Ahead {
        /// How far ahead, in nanoseconds.
        ahead_ns: i64,
    },
    /// A label of the source is longer than `limits::MAX_LABEL_BYTES`.
    #[error("the batch is refused: the instance's {0} is longer than allowed")]
    Source(&'static str),
    /// The journal's disk or object store refuses; nothing was acknowledged. The next batch tries again, with a new file.
    #[error("the journal cannot be written: {0}; the hub goes on by itself as soon as it can")]
    JournalUnwritable(String),
    /// The live table or the queue before it stayed full; the same batch may be sent again.
    #[error("the hub is busy: no room for the batch; send it again in {retry_after_ms} ms")]
    Busy {
        /// When to try again, in milliseconds.
        retry_after_ms: u32,
    },
    /// The store is closed.
    #[error("the store is closed")]
    Closed,
    /// The catalog says no.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// Segments cannot be read or written.
    #[error("the object store cannot be used: {0}")]
    ObjectStore(String),
    /// Rows cannot be turned into a segment: a failure of Glasshull itself.
    #[error("a segment cannot be made: {0}")]
    Segment(String),
    /// The data folder cannot be used.
    #[error("the data folder {} cannot be used: {why}", .path.display())]
    Folder {
        /// The folder, or what in it cannot be used.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Another hub uses the data folder.
    #[error("the data folder {} is used by another hub; stop that one or give this one another folder", .0.display())]
    Locked(PathBuf),
    /// The data folder was written by a newer version.
    #[error("the data folder {} was written by a newer version of Glasshull (format {format}); start that version or a later one", .path.display())]
    Newer {
        /// The folder.
        path: PathBuf,
        /// The format's number it says it has.
        format: String,
    },
}

impl StoreError {
    pub(crate) fn folder(path: &Path, error: &io::Error) -> Self {
        Self::Folder { path: path.to_owned(), why: error.to_string() }
    }
}

impl From<object_store::Error> for StoreError {
    fn from(error: object_store::Error) -> Self {
        Self::ObjectStore(error.to_string())
    }
}
