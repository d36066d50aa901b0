//! How numbers and times are written for people.

use jiff::Timestamp;

/// A time as RFC 3339 text in UTC, with nanoseconds.
pub(crate) fn rfc3339(ns: i64) -> String {
    format!("{:.9}", Timestamp::from_nanosecond(ns.into()).unwrap_or(Timestamp::UNIX_EPOCH))
}

/// `1 instance`, `2 instances`.
pub(crate) fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
