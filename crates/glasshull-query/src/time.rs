//! Times as the API writes them: RFC 3339 in UTC, with nanoseconds.

use jiff::Timestamp;

/// Nanoseconds since 1970-01-01 UTC as text; those beyond what a calendar holds as a number.
pub(crate) fn text(ns: i128) -> String {
    match Timestamp::from_nanosecond(ns) {
        Ok(timestamp) => format!("{timestamp:.9}"),
        Err(_) => ns.to_string(),
    }
}

/// Text as nanoseconds since 1970-01-01 UTC.
pub(crate) fn ns(text: &str) -> Option<i64> {
    let timestamp: Timestamp = text.parse().ok()?;
    i64::try_from(timestamp.as_nanosecond()).ok()
}
