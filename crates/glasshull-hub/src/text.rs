//! How numbers and times are written for people.

use jiff::Timestamp;

/// A time as RFC 3339 text in UTC, with nanoseconds.
pub(crate) fn rfc3339(ns: i64) -> String {
    format!("{:.9}", Timestamp::from_nanosecond(ns.into()).unwrap_or(Timestamp::UNIX_EPOCH))
}

/// Parts per million as a share of all there is: 10,000 are 0.01, and more than all is all.
pub(crate) fn share(parts_per_million: u32) -> f64 {
    f64::from(parts_per_million.min(1_000_000)) / 1e6
}

/// `1 instance`, `2 instances`.
pub(crate) fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
