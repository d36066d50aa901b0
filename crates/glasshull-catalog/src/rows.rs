//! What the catalog keeps, as plain data. All times are nanoseconds since 1970-01-01 UTC.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// 16 random bytes that name one process.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct InstanceId(pub [u8; 16]);

impl fmt::Display for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

/// A process that is or was connected.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct InstanceRow {
    pub id: InstanceId,
    pub service: String,
    /// What people call it.
    pub instance: String,
    pub class: String,
    pub release: String,
    pub host: String,
    pub pid: u32,
    pub sdk: String,
    pub tags: BTreeMap<String, String>,
    pub started_at_ns: i64,
    /// When it last connected.
    pub connected_at_ns: i64,
    /// When it left; `None` while it is connected, and after a hub that died without noticing.
    pub left_at_ns: Option<i64>,
}

/// A traceable function of a service.
#[derive(Clone, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct FunctionRow {
    pub service: String,
    pub path: String,
    pub file: String,
    pub line: u32,
    pub arguments: Vec<String>,
    pub is_async: bool,
}

/// An order to capture. How it goes is computed from the instances' reports; only its end is a fact.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ProbeRow {
    /// Empty in a probe that is about to be added.
    pub id: String,
    /// The statement that made it: everything else about it is read from there again.
    pub statement: String,
    pub owner: String,
    pub created_at_ns: i64,
    pub expires_at_ns: i64,
    pub end: Option<ProbeEnd>,
    pub counts: ProbeCounts,
}

/// What a probe captured, left out and cost so far, over all instances and hub restarts.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct ProbeCounts {
    /// Calls.
    pub captured: u64,
    /// Requests, by reason; by condition it is calls.
    pub skipped_by_sample: u64,
    pub skipped_by_rate: u64,
    pub skipped_by_condition: u64,
    pub skipped_by_governor: u64,
    /// Nanoseconds of CPU time.
    pub cpu_ns: u64,
    /// Bytes of the values of captured calls, as instances hold them.
    pub captured_bytes: u64,
    /// Captured calls with a value that was cut, that could not be captured, that is the text of its `Debug`.
    pub truncated_calls: u64,
    pub failed_values: u64,
    pub printed_values: u64,
    /// Calls among those skipped by condition.
    pub undecided: u64,
    /// Nanoseconds, of the CPU time, that the condition took.
    pub condition_ns: u64,
}

impl ProbeCounts {
    /// Each count together with the same one of another.
    #[must_use]
    pub fn with(self, other: Self, together: impl Fn(u64, u64) -> u64) -> Self {
        Self {
            captured: together(self.captured, other.captured),
            skipped_by_sample: together(self.skipped_by_sample, other.skipped_by_sample),
            skipped_by_rate: together(self.skipped_by_rate, other.skipped_by_rate),
            skipped_by_condition: together(self.skipped_by_condition, other.skipped_by_condition),
            skipped_by_governor: together(self.skipped_by_governor, other.skipped_by_governor),
            cpu_ns: together(self.cpu_ns, other.cpu_ns),
            captured_bytes: together(self.captured_bytes, other.captured_bytes),
            truncated_calls: together(self.truncated_calls, other.truncated_calls),
            failed_values: together(self.failed_values, other.failed_values),
            printed_values: together(self.printed_values, other.printed_values),
            undecided: together(self.undecided, other.undecided),
            condition_ns: together(self.condition_ns, other.condition_ns),
        }
    }
}

/// How and when a probe ended.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ProbeEnd {
    pub at_ns: i64,
    /// `expired`, `limited` or `stopped`.
    pub state: String,
    /// A sentence for people.
    pub reason: String,
}

/// An immutable Parquet file of calls of one time window.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct SegmentRow {
    /// Its path in the object store.
    pub path: String,
    /// The window its calls began in.
    pub window_start_ns: i64,
    pub window_end_ns: i64,
    /// First and last start of its calls.
    pub min_started_at_ns: i64,
    pub max_started_at_ns: i64,
    pub calls: u64,
    pub bytes: u64,
    /// Where its index lies and the summary of its functions, in the words of its footer; `None` where only that says.
    pub index: Option<Arc<str>>,
    pub summary: Option<Arc<str>>,
}

/// Segments of one window that become one, which holds the same calls.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Merge {
    /// Who merges, and deletes what was merged.
    pub hub: String,
    pub at_ns: i64,
    /// Paths of the segments that go.
    pub inputs: Vec<String>,
    /// The segment that comes.
    pub output: SegmentRow,
}

/// An object in the store that no segment names and that is to be deleted.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct DoomedObject {
    pub path: String,
    /// Who deletes it.
    pub hub: String,
    /// Since when no segment names it.
    pub at_ns: i64,
    /// Whether it never was a segment: it was about to become one.
    pub unfinished: bool,
}

/// One running call in the store's encoding, in bytes: three values of the size the wire lets through, and names. A
/// publication with a longer one is refused.
pub const MAX_RUNNING_CALL_BYTES: usize = 512 * 1_024;

/// A call that had not ended when its part of the journal was published. It is no part of any segment, as a later
/// row replaces it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RunningCall {
    pub instance: InstanceId,
    pub call_id: u64,
    pub started_at_ns: i64,
    /// The call, in the store's own encoding.
    pub call: Vec<u8>,
}

/// One step of the journal's checkpoint.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Publication {
    /// Whose journal.
    pub hub: String,
    /// The first journal file that is not published now.
    pub checkpoint: u64,
    /// When, or where the last window of its calls ends, if that is later: a sequence is forgotten when this is longer ago
    /// than calls are kept.
    pub published_at_ns: i64,
    pub segments: Vec<SegmentRow>,
    /// The highest sequence of each instance that has calls in what is published by this step.
    pub sequences: Vec<(InstanceId, u64)>,
    /// All calls that run as far as the published part knows: replaces the list of the publication before.
    pub running: Vec<RunningCall>,
}

/// Where a hub's journal stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Published {
    /// The first journal file that is not published; 0 for a hub that never published.
    pub checkpoint: u64,
    pub sequences: Vec<(InstanceId, u64)>,
    pub running: Vec<RunningCall>,
}
