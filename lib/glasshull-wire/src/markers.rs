//! How a captured value says that it is not whole. Markers are ordinary JSON, so that every reader of the stored data
//! can see them: an object with the single key [`KEY`], whose value is one of the texts below, with details behind
//! a colon where there are any (`{"$glasshull":"failed: Debug panicked: boom"}`).

/// The key of a marker object.
pub const KEY: &str = "$glasshull";

/// The value was cut here because it reached a limit. In a list or a map it stands as the last item.
pub const TRUNCATED: &str = "truncated";

/// The value could not be captured; why is told behind a colon.
pub const FAILED: &str = "failed";

/// The value was withheld by redaction.
pub const REDACTED: &str = "redacted";

/// The value's type can neither be serialized nor printed; its name is told behind a colon.
pub const OPAQUE: &str = "opaque";

/// The argument is named in `skip(..)`.
pub const SKIPPED: &str = "skipped";

/// Stands at the end of a text that was cut.
pub const ELLIPSIS: &str = "…";
