//! Inside, each crate says what happened; here it becomes what people are told, with a stable code.

use glasshull_api::{Code, Failure};
use glasshull_catalog::CatalogError;
use glasshull_store::StoreError;

/// A catalog's failure, for people.
pub(crate) fn of_catalog(error: &CatalogError) -> Failure {
    match error {
        CatalogError::Newer(_) => Failure::new(Code::DataFolderNewer, sentence(error)),
        CatalogError::Unavailable(_) => Failure::new(Code::CatalogUnavailable, sentence(error))
            .hint("Look at the disk that holds the data folder; the hub tries again with the next request."),
        CatalogError::TooLong { .. } => Failure::new(Code::InstanceRefused, sentence(error)),
        CatalogError::Damaged(_) => Failure::new(Code::CatalogUnavailable, sentence(error))
            .hint("Restore `catalog.sqlite` in the data folder from a copy, or start with an empty data folder."),
    }
}

/// A store's failure, for people and for instances.
pub(crate) fn of_store(error: &StoreError) -> Failure {
    match error {
        StoreError::Catalog(inner) => of_catalog(inner),
        StoreError::Batch(_) | StoreError::Ahead { .. } | StoreError::Source(_) => {
            Failure::new(Code::BatchRefused, sentence(error))
        }
        StoreError::JournalUnwritable(_) => Failure::new(Code::JournalUnwritable, sentence(error)),
        StoreError::Busy { .. } => Failure::new(Code::JournalUnwritable, sentence(error)),
        StoreError::Closed => Failure::new(Code::Stopping, "The hub is stopping."),
        StoreError::ObjectStore(_) => Failure::new(Code::ObjectStoreUnavailable, sentence(error)),
        StoreError::Segment(_) => internal(error),
        StoreError::Folder { .. } => Failure::new(Code::DataFolderUnusable, sentence(error))
            .hint("Make the folder writable or free space on its disk, or choose another with --data."),
        StoreError::Locked(_) => Failure::new(Code::DataFolderLocked, sentence(error)),
        StoreError::Newer { .. } => Failure::new(Code::DataFolderNewer, sentence(error)),
    }
}

/// A fault of Glasshull's own: told in full to the log, in short to the client.
pub(crate) fn internal(error: &dyn std::fmt::Display) -> Failure {
    tracing::error!(%error, "a fault of the hub's own");
    Failure::new(Code::Internal, "The hub failed to do this by a fault of its own.")
        .hint("The hub's log tells more; please report it.")
}

/// An error's text as a sentence.
pub(crate) fn sentence(error: &dyn std::fmt::Display) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    let Some(first) = letters.next() else { return text };
    let capital: String = first.to_uppercase().chain(letters).collect();
    if capital.ends_with(['.', '!', '?']) { capital } else { capital + "." }
}
