use std::fmt;

/// Why a batch was not believed. The sender must not send it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BatchError {
    /// More calls or bytes than [`crate::limits`] allows, told with the limit.
    TooLarge {
        /// What is too large, such as `calls`.
        what: &'static str,
        /// What the batch says it holds.
        is: u64,
        /// What is allowed.
        limit: u64,
    },
    /// The columns are no zstd frame, or unpack to another size than announced.
    Unpack(String),
    /// The unpacked bytes are no `CallColumns`.
    Decode(String),
    /// The columns contradict each other or their dictionaries.
    Inconsistent(&'static str),
}

impl fmt::Display for BatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { what, is, limit } => write!(f, "{what}: {is}, at most {limit} are allowed"),
            Self::Unpack(why) => write!(f, "the columns cannot be unpacked: {why}"),
            Self::Decode(why) => write!(f, "the columns are not a CallColumns message: {why}"),
            Self::Inconsistent(what) => write!(f, "the columns contradict each other: {what}"),
        }
    }
}

impl std::error::Error for BatchError {}
