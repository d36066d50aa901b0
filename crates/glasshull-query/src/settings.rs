use std::path::PathBuf;
use std::time::Duration;

/// What questions may cost: plain data, all of it with defaults but where they may write.
#[derive(Clone, Debug)]
pub struct QuerySettings {
    /// A folder for what exceeds a question's memory; emptied when the engine is made and when it is dropped.
    pub spill_folder: PathBuf,
    /// Bytes all questions together may write there.
    pub spill_bytes: u64,
    /// Memory of one question, in bytes. Sorts, joins and groups beyond it go to the spill folder; what cannot fails.
    pub memory_bytes: usize,
    /// Memory of all questions together, in bytes; beyond it the same befalls whichever wants more.
    pub all_memory_bytes: usize,
    /// Footers of segments that are kept in memory with the places of their pages, in bytes: a few hundred bytes for each
    /// column of each row group.
    pub footer_cache_bytes: usize,
    /// Summaries of segments that are kept in memory, in bytes: as a rule a hundred kilobytes a segment.
    pub summary_cache_bytes: usize,
    /// How long one question may take, without its time in the waiting line.
    pub timeout: Duration,
    /// Rows of one answer; further ones are left out, and the answer says so.
    pub max_rows: usize,
    /// Rows of one answer in columns, which take a tenth of what they take as JSON; further ones are left out, and the
    /// answer says so.
    pub max_columnar_rows: usize,
    /// An answer's values, in bytes before they are written out; further rows are left out, and the answer says so.
    pub max_answer_bytes: usize,
    /// Calls of one tree; further ones are left out, and the tree says so.
    pub max_tree_calls: usize,
    /// Questions that are worked on at a time; where there are several, one asker has all but one of these places at most.
    pub max_concurrent: usize,
    /// Questions that wait for one of those to end; beyond it the asker with the most of them has one refused.
    pub max_waiting: usize,
    /// Parts of one question that are worked on at a time.
    pub parallelism: usize,
}

impl QuerySettings {
    /// The defaults, for a folder to spill to.
    pub fn new(spill_folder: impl Into<PathBuf>) -> Self {
        Self {
            spill_folder: spill_folder.into(),
            spill_bytes: 4 << 30,
            memory_bytes: 512 << 20,
            all_memory_bytes: 1 << 30,
            footer_cache_bytes: 64 << 20,
            summary_cache_bytes: 32 << 20,
            timeout: Duration::from_secs(30),
            max_rows: 10_000,
            max_columnar_rows: 1_000_000,
            max_answer_bytes: 64 << 20,
            max_tree_calls: 100_000,
            max_concurrent: 4,
            max_waiting: 64,
            parallelism: std::thread::available_parallelism().map_or(2, usize::from),
        }
    }
}
