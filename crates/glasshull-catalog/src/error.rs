/// Why the catalog could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// It was written by a newer version, whose tables this one does not know.
    #[error("the catalog was written by a newer version of Glasshull ({0}); start that version or a later one")]
    Newer(String),
    /// The database says no; nothing of the transaction has happened.
    #[error("the catalog cannot be used: {0}")]
    Unavailable(String),
    /// A text is longer than the catalog keeps; nothing was stored.
    #[error("{what} is longer than {limit} bytes; make it shorter")]
    TooLong {
        /// Which text.
        what: &'static str,
        /// In bytes.
        limit: usize,
    },
    /// What stands in the database is not what was written there.
    #[error("the catalog is damaged: {0}")]
    Damaged(String),
}
