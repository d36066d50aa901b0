//! Values on their way: from user types into a compact, size-limited binary form on the calling thread, and from there
//! into JSON on the sender's.
//!
//! The binary form is a sequence of tags with what belongs to them. It needs no lengths up front, so a value that had
//! to be cut at any tag is still readable: the reader closes what is open and marks it as truncated.

mod buffer;
mod debug;
mod encoder;
mod json;
mod limits;
mod lookup;
mod recorder;
pub(crate) mod redaction;
mod written;

pub(crate) use buffer::{Buffer, SLACK};
pub(crate) use json::{Met, marker, write_json};
pub(crate) use limits::Limits;
pub(crate) use lookup::{Found, Hidden, Step, look_up};
pub(crate) use recorder::{MAX_RECORD_BYTES, Wish, panic_message};
pub use recorder::{Recorder, Word};
pub(crate) use written::{Json, Key};

/// `Some`s and newtypes around one value. What is inside more is replaced by a marker: it is a cycle.
pub(crate) const MAX_TRANSPARENT: usize = 64;

/// Items of one list passed over before its code is told that this is the end: code that goes on all the same, or makes a
/// failure of it, then concerns long lists only.
pub(crate) const MAX_PASSED_OVER: usize = 256;

/// Items passed over in one value before its own code is stopped: a list of millions must not cost milliseconds.
pub(crate) const MAX_SKIPPED_ITEMS: usize = 10_000;

/// Calls user code may make into a serializer or a formatter that has already refused more, before it is stopped by
/// unwinding: it ignores errors and might go on for ever.
pub(crate) const MAX_IGNORED_REFUSALS: usize = 100_000;

/// Sources of one error.
pub(crate) const MAX_CAUSES: usize = 16;

/// First bytes of the binary form's items.
pub(crate) mod tag {
    pub(crate) const NULL: u8 = 0;
    pub(crate) const FALSE: u8 = 1;
    pub(crate) const TRUE: u8 = 2;
    /// Followed by 8 bytes, little-endian.
    pub(crate) const UNSIGNED: u8 = 3;
    pub(crate) const SIGNED: u8 = 4;
    /// Followed by 16 bytes, little-endian.
    pub(crate) const UNSIGNED_128: u8 = 5;
    pub(crate) const SIGNED_128: u8 = 6;
    /// Followed by 4 and 8 bytes, little-endian.
    pub(crate) const FLOAT_32: u8 = 7;
    pub(crate) const FLOAT_64: u8 = 8;
    /// Followed by a length of two bytes, little-endian, and UTF-8.
    pub(crate) const TEXT: u8 = 9;
    /// A text that was cut.
    pub(crate) const TEXT_CUT: u8 = 10;
    /// Followed by a length of two bytes and the bytes.
    pub(crate) const BYTES: u8 = 11;
    pub(crate) const BYTES_CUT: u8 = 12;
    /// Followed by items, up to an end.
    pub(crate) const LIST: u8 = 13;
    /// Followed by pairs of items, up to an end.
    pub(crate) const MAP: u8 = 14;
    pub(crate) const END: u8 = 15;
    /// An end that says there was more.
    pub(crate) const END_CUT: u8 = 16;
    /// Markers.
    pub(crate) const TRUNCATED: u8 = 17;
    pub(crate) const REDACTED: u8 = 18;
    pub(crate) const SKIPPED: u8 = 19;
    /// Followed by a text: why.
    pub(crate) const FAILED: u8 = 20;
    /// Followed by a text: the type's name.
    pub(crate) const OPAQUE: u8 = 21;
    /// A text that `Debug` made: redaction by name sees no fields in it.
    pub(crate) const PRINTED: u8 = 22;
    pub(crate) const PRINTED_CUT: u8 = 23;
    /// Followed by 4 bytes, little-endian.
    pub(crate) const UNSIGNED_32: u8 = 24;
    pub(crate) const SIGNED_32: u8 = 25;
}

/// The longest beginning of `text` that has at most `limit` bytes.
pub(crate) fn cut(text: &str, limit: usize) -> &str {
    &text[..text.floor_char_boundary(limit)]
}

#[cfg(test)]
mod tests;
