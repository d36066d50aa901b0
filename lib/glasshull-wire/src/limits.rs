//! The bounds both sides hold each other to. Each is checked before memory is reserved for what it bounds.

/// One WebSocket message, in bytes. A batch is closed long before it reaches this.
pub const MAX_MESSAGE_BYTES: usize = 4 * 1024 * 1024;

/// Calls in one batch: keeps what one acknowledgement covers, and what a repeated batch costs, small.
pub const MAX_BATCH_CALLS: usize = 16_384;

/// A batch's columns before compression, in bytes: what a hub must be ready to unpack for each session.
pub const MAX_COLUMNS_BYTES: usize = 16 * 1024 * 1024;

/// Functions in one `Functions` message.
pub const MAX_FUNCTIONS_PER_MESSAGE: usize = 2_048;

/// Traceable functions of one instance; more are not announced.
pub const MAX_FUNCTIONS: usize = 200_000;

/// A function's path, a file's name, a thread's name, in bytes.
pub const MAX_NAME_BYTES: usize = 1_024;

/// Arguments a function is described with; more are cut off.
pub const MAX_ARGUMENTS: usize = 64;

/// Service, instance, class, release, host, SDK, a tag's key or value, in bytes.
pub const MAX_LABEL_BYTES: usize = 256;

/// Tags of one instance.
pub const MAX_TAGS: usize = 32;

/// One JSON text (arguments, returned value or error of one call), in bytes.
pub const MAX_VALUE_BYTES: usize = 64 * 1024;

/// Batches of an instance of which it is told again, when it comes back, that they were refused for good.
pub const MAX_REFUSED_TOLD: usize = 64;

/// Probes one instance is given at a time.
pub const MAX_PROBES: usize = 256;

/// Patterns of one probe.
pub const MAX_PATTERNS: usize = 64;

/// How deep a condition may be nested.
pub const MAX_CONDITION_DEPTH: usize = 32;

/// Comparisons in one condition.
pub const MAX_COMPARISONS: usize = 128;

/// Literals in one condition: a list of ids somebody pastes, not a table.
pub const MAX_LITERALS: usize = 4_096;

/// One condition as protobuf, in bytes: its paths, literals and patterns.
pub const MAX_CONDITION_BYTES: usize = 64 * 1024;

/// Steps of one path in a condition: deeper than any value is captured.
pub const MAX_PATH_STEPS: usize = 2 * MAX_CAPTURED_DEPTH;

/// A pattern behind `LIKE`, in bytes.
pub const MAX_LIKE_BYTES: usize = 1_024;

/// One captured value, in bytes, where the probe does not say: enough for an order with its lines.
pub const DEFAULT_CAPTURED_BYTES: usize = 4 * 1024;

/// The most a probe may ask for: what the record of a call has room for in its thread's ring, all arguments together.
pub const MAX_CAPTURED_BYTES: usize = 16 * 1024;

/// Containers inside each other, where the probe does not say.
pub const DEFAULT_CAPTURED_DEPTH: usize = 8;

/// The most a probe may ask for: each level is a call deeper on the captured thread's stack.
pub const MAX_CAPTURED_DEPTH: usize = 32;

/// Items of one list, entries of one map, fields of one struct, where the probe does not say.
pub const DEFAULT_CAPTURED_ITEMS: usize = 64;

/// The most a probe may ask for.
pub const MAX_CAPTURED_ITEMS: usize = 1_024;

/// One text, in bytes, where the probe does not say.
pub const DEFAULT_CAPTURED_TEXT_BYTES: usize = 1_024;

/// The most a probe may ask for.
pub const MAX_CAPTURED_TEXT_BYTES: usize = 16 * 1024;

/// How far ahead of the hub's clock a call may start, in nanoseconds (one hour); such batches are refused, as their
/// calls would sit in a window that retention never reaches.
pub const MAX_AHEAD_NS: i64 = 3_600 * 1_000_000_000;
