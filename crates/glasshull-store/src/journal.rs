//! The write-ahead journal: numbered files that are only appended to, and deleted whole once they are published.

pub(crate) mod disk;
pub(crate) mod format;
pub(crate) mod objects;
pub(crate) mod replay;
pub(crate) mod writer;
