//! Whatever reads bytes or texts that others made, as functions of bytes: for fuzzers (`fuzz/`), and for the property tests
//! below, which run everywhere. They panic where a promise is broken. Not part of a program.

use std::time::Instant;

use glasshull_wire::Message as _;
use glasshull_wire::limits::MAX_CONDITION_BYTES;
use glasshull_wire::v1;

use crate::record;
use crate::sender::{Facts, Work};
use crate::traceparent::{self, TraceParent};
use crate::value::redaction::{Redaction, Sensitive, Wishes};
use crate::value::{Json, Met, Step, look_up, write_json};

/// A redaction that withholds all it can.
fn strictest() -> Redaction {
    let values = Sensitive::parse_list("all").unwrap_or_default();
    Redaction::of(&Wishes { values, names: vec!["name".into()], ..Wishes::default() })
}

/// A record as it stands in a ring: each of its values is written as JSON, which is returned.
pub fn record(bytes: &[u8]) -> Vec<String> {
    let Some((_, values)) = record::read(bytes, &mut [0; 16]) else { return Vec::new() };
    record::values(values).map(value).collect()
}

/// A value in binary form, as JSON. Redaction changes what is shown, never whether it is JSON.
pub fn value(bytes: &[u8]) -> String {
    let (mut plain, mut redacted) = (Json::default(), Json::default());
    let (met, met_redacted) =
        (write_json(&mut plain, bytes, &Redaction::default()), write_json(&mut redacted, bytes, &strictest()));
    let kinds = |met: Met| (met.failed, met.printed);
    assert_eq!(kinds(met), kinds(met_redacted), "redaction changes what is met");
    assert!(plain.len() < 64 * (bytes.len() + 64), "{} bytes made {}", bytes.len(), plain.len());
    redacted.as_str().to_owned()
}

/// A path below a value: the first bytes are the path's steps.
pub fn lookup(bytes: &[u8]) {
    let (path, value) = bytes.split_at(bytes.len().min(4));
    let path: Vec<Step> = path.iter().map(|step| Step::new(&(step % 8).to_string())).collect();
    let mut read = 0;
    let _ = look_up(value, &path, &strictest(), &mut read);
    assert!(read <= value.len());
}

/// A condition as protobuf, behind two bytes that say how long it is; the rest are the values it is evaluated on.
pub fn condition(bytes: &[u8]) {
    let Some((length, rest)) = bytes.split_first_chunk::<2>() else { return };
    let (condition, values) = rest.split_at(rest.len().min(u16::from_le_bytes(*length).into()));
    let Ok(condition) = v1::Condition::decode(condition) else { return };
    assert!(condition.encoded_len() <= 16 * MAX_CONDITION_BYTES);
    let work = Work::of(&v1::Probe { condition: Some(condition), ..v1::Probe::default() });
    let redaction = strictest();
    let facts = Facts {
        arguments: &["0", "1", "2"],
        values,
        returned: record::values(values).next(),
        error: record::values(values).nth(1),
        outcome: "returned",
        duration_ns: 7,
        redaction: &redaction,
    };
    let _ = (work.wants(&facts, Instant::now(), true), work.complaint(Instant::now()));
}

/// A text that user code made. What is withheld once stays withheld.
pub fn text(text: &str) {
    let redaction = strictest();
    for colons in [false, true] {
        if let Some(redacted) = redaction.redact_text(text, colons) {
            assert!(redacted.contains("[redacted]"));
        }
    }
    let _ = (redaction.shown(text, false), redaction.shown(text, true), redaction.names(text));
}

/// The headers of a request.
pub fn headers(text: &str) {
    if let Some(parent) = TraceParent::parse(text) {
        assert!(TraceParent::parse(&parent.format()).is_some());
    }
    let _ = traceparent::parse_depth(text);
}

#[cfg(test)]
mod tests;
