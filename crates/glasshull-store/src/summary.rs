//! The summary inside a segment: of each function how many calls, how long they took, which rows were the slowest.
//!
//! It lies, packed with zstd, behind the index ([`crate::index`]) in front of the Parquet file's footer, whose metadata
//! under [`METADATA_KEY`] says where; other readers of Parquet do not see it. What is missing, damaged or of a later format
//! says nothing: the answer takes longer and is the same.
//!
//! Unpacked it is a row of numbers as protobuf writes them (varints), texts with their length before them:
//!
//! 1. how many functions there are, and whether there were more (1) or not (0);
//! 2. of each its service, its path, its calls, its errors, the sum of their durations, the shortest, the longest, how many
//!    slowest rows are listed, and the bytes it takes in each of the two parts that follow;
//! 3. of each its slowest rows by number, each as the distance from the one before, then for each the [`bucket`] of its
//!    duration, less that of the shortest duration among them;
//! 4. of each, unless all its rows are listed, its [`Durations`].

mod durations;
mod read;
#[cfg(test)]
mod tests;
mod write;

pub use durations::{BUCKETS, Durations, RELATIVE_ERROR, bounds, bucket};
pub use read::{FunctionSummary, Place, Slow, Summary};
pub(crate) use write::SummaryBuilder;

/// Under this key of the footer's metadata stands where the summary is.
pub const METADATA_KEY: &str = "glasshull.functions";

/// The layout described above. The first word of the metadata; what has another is not read. Its last word is the CRC32C of
/// what stands before it.
const FORMAT: &str = "1";

/// Rows that are listed of each function: as many as people ask for at once.
pub const SLOWEST: usize = 100;

/// Functions in a summary, by service and path. Those that are met first count: of more, each is rare.
const MAX_FUNCTIONS: usize = 2_048;

/// A summary, unpacked, in bytes: as a rule it has 100 kB.
const MAX_BYTES: usize = 16 << 20;
