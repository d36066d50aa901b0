//! Where the code made by `#[glasshull::trace]` puts values: the record of one call's entry or exit.

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use serde_core::Serialize;

use super::debug::LimitedText;
use super::encoder::{Encoder, Runaway, Stop};
use super::redaction::Redaction;
use super::{MAX_CAUSES, MAX_TEXT_BYTES, MAX_VALUE_BYTES, cut, tag, write_varint};
use crate::panics;

/// One record, in bytes: a quarter of a ring, so that a few calls always fit.
pub(crate) const MAX_RECORD_BYTES: usize = 16 * 1024;

/// Why something is not shown.
const NOT_PRINTED: &str = "its text would be made by Debug, which strict mode refuses";

/// Bytes that precede each value: its length.
const LENGTH_BYTES: usize = 2;

/// Collects the values of one call. Code made by `#[glasshull::trace]` is handed one; user code of the values cannot
/// do harm through it: panics are caught, sizes are bounded.
pub struct Recorder {
    pub(crate) bytes: Vec<u8>,
    pub(crate) redaction: Arc<Redaction>,
}

impl Recorder {
    pub(crate) fn new(redaction: Arc<Redaction>) -> Self {
        Self { bytes: Vec::new(), redaction }
    }

    /// Whether the value of this argument is wanted; otherwise a marker stands in its place.
    pub fn argument(&mut self, name: &'static str) -> bool {
        if self.redaction.names_static(name) {
            self.redacted(name);
            return false;
        }
        if self.bytes.len() + LENGTH_BYTES + MAX_VALUE_BYTES > MAX_RECORD_BYTES {
            self.marker(tag::TRUNCATED);
            return false;
        }
        true
    }

    /// The same for what a pattern takes out of fields that have other names.
    pub fn argument_from(&mut self, fields: &[&'static str], name: &'static str) -> bool {
        if fields.iter().any(|field| self.redaction.names_static(field)) {
            self.redacted(name);
            return false;
        }
        self.argument(name)
    }

    /// Stands for an argument named in `redact(..)`.
    pub fn redacted(&mut self, _name: &'static str) {
        self.marker(tag::REDACTED);
    }

    /// Stands for an argument named in `skip(..)`.
    pub fn skipped(&mut self, _name: &'static str) {
        self.marker(tag::SKIPPED);
    }

    fn marker(&mut self, tag: u8) {
        if self.bytes.len() + LENGTH_BYTES < MAX_RECORD_BYTES {
            self.value(|bytes, _| bytes.push(tag));
        }
    }

    /// Writes a value with its length in front.
    fn value(&mut self, write: impl FnOnce(&mut Vec<u8>, &Redaction)) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; LENGTH_BYTES]);
        write(&mut self.bytes, &self.redaction);
        let length = (self.bytes.len() - start - LENGTH_BYTES) as u16;
        self.bytes[start..start + LENGTH_BYTES].copy_from_slice(&length.to_le_bytes());
    }

    pub(crate) fn serialize<T: Serialize + ?Sized>(&mut self, value: &T) {
        self.value(|bytes, redaction| {
            let start = bytes.len();
            let done = catch_unwind(AssertUnwindSafe(|| {
                value.serialize(&mut Encoder::new(bytes, MAX_VALUE_BYTES, redaction))
            }));
            match done {
                Ok(Ok(()) | Err(Stop::Limit)) => {}
                Ok(Err(Stop::Failed(why))) => failed(bytes, start, &format!("Serialize: {why}"), redaction),
                Err(panic) => panicked(bytes, start, "Serialize", panic, redaction),
            }
        });
    }

    pub(crate) fn debug<T: fmt::Debug + ?Sized>(&mut self, value: &T) {
        if self.redaction.is_strict() {
            return self.opaque(&format!("{}: {NOT_PRINTED}", std::any::type_name::<T>()));
        }
        self.value(|bytes, redaction| print(bytes, format_args!("{value:?}"), "Debug", redaction));
    }

    pub(crate) fn opaque(&mut self, type_name: &str) {
        self.value(|bytes, redaction| {
            bytes.push(tag::OPAQUE);
            let _ = Encoder::new(bytes, MAX_VALUE_BYTES, redaction).text(type_name);
        });
    }

    /// Writes the error object: message, type and sources. `how` the message is printed: `Debug` or `Display`.
    pub(crate) fn failure<'a>(
        &mut self,
        message: fmt::Arguments<'_>,
        how: &str,
        type_name: &str,
        source: impl FnOnce() -> Option<&'a (dyn Error + 'static)>,
    ) {
        self.value(|bytes, redaction| {
            bytes.push(tag::MAP);
            text(bytes, "message");
            match how == "Debug" && redaction.is_strict() {
                true => text(bytes, NOT_PRINTED),
                false => print(bytes, message, how, redaction),
            }
            text(bytes, "type");
            text(bytes, type_name);
            let start = bytes.len();
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| causes(bytes, source(), redaction))) {
                bytes.truncate(start);
                discard(panic);
            }
            bytes.push(tag::END);
        });
    }

    /// Writes the error object of an error of which only its message is known.
    pub(crate) fn message(&mut self, message: fmt::Arguments<'_>) {
        self.value(|bytes, redaction| {
            bytes.push(tag::MAP);
            text(bytes, "message");
            prose(bytes, message, redaction);
            bytes.push(tag::END);
        });
    }

    /// Writes a text for people, of which nobody knows how it was made.
    pub(crate) fn prose(&mut self, value: fmt::Arguments<'_>) {
        self.value(|bytes, redaction| prose(bytes, value, redaction));
    }

    /// Writes a value that is in binary form already.
    pub(crate) fn encoded(&mut self, value: &[u8]) {
        self.value(|bytes, _| bytes.extend_from_slice(value));
    }

    /// Writes the error object of a panic.
    pub(crate) fn panic(&mut self, message: &str, place: Option<&str>) {
        // What `unwrap` and `assert_eq` say is made by `Debug`, too.
        let refused = self.redaction.is_strict() && panics::was_last_formatted();
        let message = if refused { NOT_PRINTED } else { message };
        self.value(|bytes, redaction| {
            bytes.push(tag::MAP);
            text(bytes, "message");
            redacted_text(bytes, message, message.len() > MAX_TEXT_BYTES, false, redaction);
            if let Some(place) = place {
                text(bytes, "place");
                text(bytes, place);
            }
            bytes.push(tag::END);
        });
    }
}

fn prose(bytes: &mut Vec<u8>, value: fmt::Arguments<'_>, redaction: &Redaction) {
    match redaction.is_strict() {
        true => text(bytes, NOT_PRINTED),
        false => print(bytes, value, "Display", redaction),
    }
}

fn causes(bytes: &mut Vec<u8>, source: Option<&(dyn Error + 'static)>, redaction: &Redaction) {
    if source.is_none() {
        return;
    }
    text(bytes, "causes");
    bytes.push(tag::LIST);
    let start = bytes.len();
    let mut next = source;
    for _ in 0..MAX_CAUSES {
        let Some(cause) = next else { break };
        print(bytes, format_args!("{cause}"), "Display", redaction);
        next = cause.source();
        if bytes.len() - start > MAX_VALUE_BYTES {
            break;
        }
    }
    bytes.push(if next.is_some() { tag::END_CUT } else { tag::END });
}

fn print(bytes: &mut Vec<u8>, value: fmt::Arguments<'_>, how: &str, redaction: &Redaction) {
    let start = bytes.len();
    let mut printed = LimitedText::default();
    match catch_unwind(AssertUnwindSafe(|| printed.print(value))) {
        Ok(Err(_)) if !printed.is_cut() => failed(bytes, start, &format!("{how} gave up"), redaction),
        Err(panic) if !panic.is::<Runaway>() => panicked(bytes, start, how, panic, redaction),
        _ => redacted_text(bytes, printed.as_str(), printed.is_cut(), how == "Debug", redaction),
    }
}

/// A text that user code made.
fn redacted_text(bytes: &mut Vec<u8>, printed: &str, is_cut: bool, colons: bool, redaction: &Redaction) {
    let redacted = redaction.redact_text(printed, colons);
    let whole = redacted.as_deref().unwrap_or(printed);
    let fitting = cut(whole, MAX_TEXT_BYTES);
    let is_cut = is_cut || fitting.len() < whole.len();
    bytes.push(match (colons, is_cut) {
        (false, false) => tag::TEXT,
        (false, true) => tag::TEXT_CUT,
        (true, false) => tag::PRINTED,
        (true, true) => tag::PRINTED_CUT,
    });
    write_varint(bytes, fitting.len() as u64);
    bytes.extend_from_slice(fitting.as_bytes());
}

/// A text of ours, or a type's name.
fn text(bytes: &mut Vec<u8>, text: &str) {
    let fitting = cut(text, MAX_TEXT_BYTES);
    bytes.push(tag::TEXT);
    write_varint(bytes, fitting.len() as u64);
    bytes.extend_from_slice(fitting.as_bytes());
}

fn failed(bytes: &mut Vec<u8>, start: usize, why: &str, redaction: &Redaction) {
    bytes.truncate(start);
    bytes.push(tag::FAILED);
    redacted_text(bytes, why, false, false, redaction);
}

fn panicked(bytes: &mut Vec<u8>, start: usize, how: &str, panic: Box<dyn Any + Send>, redaction: &Redaction) {
    let why = match panic.is::<Runaway>() {
        true => format!("{how} does not end"),
        false => format!("{how} panicked: {}", panic_message(&*panic)),
    };
    discard(panic);
    failed(bytes, start, &why, redaction);
}

/// Drops what a panic carried: a user's value, which may panic in turn. What comes of that is leaked.
fn discard(panic: Box<dyn Any + Send>) {
    if let Err(another) = catch_unwind(AssertUnwindSafe(|| drop(panic))) {
        std::mem::forget(another);
    }
}

/// What a panic says.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> &str {
    match (panic.downcast_ref::<&'static str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (_, Some(text)) => text,
        _ => "a value that is no text",
    }
}
