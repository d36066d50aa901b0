//! What a statement may ask for. Those of conditions and patterns are the wire's, so that a probe that was accepted
//! can be sent to every instance.

use std::time::Duration;

/// One statement, in bytes.
pub const MAX_STATEMENT_BYTES: usize = 64 * 1024;

/// A probe's life where the statement is silent.
pub const DEFAULT_DURATION: Duration = Duration::from_secs(5 * 60);

/// A probe's longest life: one that was forgotten is gone the next day.
pub const MAX_DURATION: Duration = Duration::from_secs(24 * 60 * 60);

/// A probe's shortest life; a shorter one would end before instances have heard of it.
pub const MIN_DURATION: Duration = Duration::from_millis(100);

/// Calls a probe captures, over all instances, where the statement is silent.
pub const DEFAULT_CALLS: u64 = 100_000;

/// Calls one probe may capture: some gigabytes in the store.
pub const MAX_CALLS: u64 = 100_000_000;

/// Calls a second and instance where the statement is silent.
pub const DEFAULT_CALLS_PER_SECOND: u32 = 10_000;

/// Calls a second and instance a probe may ask for: what one core can capture and pack.
pub const MAX_CALLS_PER_SECOND: u32 = 1_000_000;

/// The thinnest sample.
pub const MAX_SAMPLE_ONE_IN: u32 = 1_000_000;

/// Items of one list, entries of one map or fields of one struct that a probe may have captured.
pub const MAX_CAPTURED_ITEMS: u32 = 1_024;

/// Containers inside each other that a probe may have captured: each level is a call deeper on the captured thread's
/// stack.
pub const MAX_CAPTURED_DEPTH: u32 = 32;

/// Bytes of one value that a probe may have captured: what a call's record in its thread's ring has room for.
pub const MAX_CAPTURED_BYTES: u32 = 16 * 1024;

/// Bytes of one text that a probe may have captured.
pub const MAX_CAPTURED_TEXT_BYTES: u32 = 16 * 1024;

/// Patterns of one probe.
pub const MAX_PATTERNS: usize = 64;

/// One pattern, in bytes: as long as a function's path.
pub const MAX_PATTERN_BYTES: usize = 1_024;

/// `key=value` pairs of one `ON` clause.
pub const MAX_SELECTORS: usize = 32;

/// A selector's key or value, in bytes.
pub const MAX_LABEL_BYTES: usize = 256;

/// How deep a condition may be nested.
pub const MAX_CONDITION_DEPTH: usize = 32;

/// Comparisons in one condition: each is evaluated for each call of a traced function.
pub const MAX_COMPARISONS: usize = 128;

/// Values after one `IN`.
pub const MAX_IN_VALUES: usize = 1_024;

/// Steps from a value to the part of it that is compared.
pub const MAX_PATH_STEPS: usize = 32;

/// The shortest beginning of an id that names it, in characters.
pub const MIN_ID_PREFIX: usize = 6;

/// A trace id, in characters.
pub const TRACE_ID_CHARS: usize = 32;

/// A call id, in characters.
pub const CALL_ID_CHARS: usize = 16;

/// Levels of ancestors or descendants that can be asked for by number.
pub const MAX_HOPS: u32 = 1_000_000;
