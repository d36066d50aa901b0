//! Where the code made by `#[glasshull::trace]` puts values: the record of one call's entry or exit.

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use serde_core::Serialize;

use super::buffer::Buffer;
use super::debug::LimitedText;
use super::encoder::{Encoder, Runaway, SIZED_HEAD_BYTES, Stop, number_words, sized_head};
use super::redaction::Redaction;
use super::{MAX_CAUSES, MAX_TEXT_BYTES, MAX_VALUE_BYTES, cut, tag};
use crate::panics;

/// One record, in bytes: a quarter of a ring, so that a few calls always fit.
pub(crate) const MAX_RECORD_BYTES: usize = 16 * 1024;

/// Why something is not shown.
const NOT_PRINTED: &str = "its text would be made by Debug, which strict mode refuses";

/// Bytes that precede each value: its length.
const LENGTH_BYTES: usize = 2;

/// Collects the values of one call, straight into the place they travel in. Code made by `#[glasshull::trace]` is handed
/// one; user code of the values cannot do harm through it: panics are caught, sizes are bounded.
pub struct Recorder {
    pub(crate) bytes: Buffer<'static>,
    redaction: Arc<Redaction>,
    /// A bit for each argument whose name is one of secrets, as long as there are bits.
    secrets: u64,
    /// Arguments so far.
    arguments: u32,
}

impl Recorder {
    /// Writes nothing before it is given memory.
    pub(crate) fn new(redaction: Arc<Redaction>) -> Self {
        Self { bytes: Buffer::empty(), redaction, secrets: 0, arguments: 0 }
    }

    /// Lends one that writes into memory of its own, where arguments have these names.
    pub(crate) fn apart<T>(redaction: &Arc<Redaction>, arguments: &[&str], work: impl FnOnce(&mut Self) -> T) -> T {
        let mut memory = vec![0; MAX_RECORD_BYTES];
        let mut recorder = Self::new(Arc::clone(redaction));
        // SAFETY: the memory outlives the recorder, which nobody can keep, and is not used but by it.
        recorder.begin(unsafe { Buffer::over(memory.as_mut_ptr(), memory.len()) }, redaction.names_among(arguments));
        work(&mut recorder)
    }

    /// Writes into memory that is never given back.
    #[cfg(test)]
    pub(crate) fn for_test() -> Self {
        Self::for_test_with(Arc::default(), &[])
    }

    #[cfg(test)]
    pub(crate) fn for_test_with(redaction: Arc<Redaction>, arguments: &[&str]) -> Self {
        let secrets = redaction.names_among(arguments);
        let mut recorder = Self::new(redaction);
        recorder.begin(Buffer::of(Box::leak(vec![0; 4 * MAX_RECORD_BYTES].into_boxed_slice())), secrets);
        recorder
    }

    /// Begins to write somewhere.
    #[inline]
    pub(crate) fn begin(&mut self, bytes: Buffer<'static>, secrets: u64) {
        (self.bytes, self.secrets, self.arguments) = (bytes, secrets, 0);
    }

    /// Whether the value of this argument is wanted; otherwise a marker stands in its place. Each argument is asked for
    /// once, in the order in which the function's site names them.
    #[inline(always)]
    pub fn argument(&mut self, name: &'static str) -> bool {
        let place = self.arguments;
        let is_secret = match 1_u64.checked_shl(place) {
            Some(bit) => self.secrets & bit != 0,
            None => self.redaction.names_static(name),
        };
        if is_secret {
            self.redacted(name);
            return false;
        }
        self.arguments = place + 1;
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
    #[cold]
    pub fn redacted(&mut self, _name: &'static str) {
        self.arguments += 1;
        self.marker(tag::REDACTED);
    }

    /// Stands for an argument named in `skip(..)`.
    pub fn skipped(&mut self, _name: &'static str) {
        self.arguments += 1;
        self.marker(tag::SKIPPED);
    }

    /// Stands for an argument that has no value.
    pub(crate) fn absent(&mut self) {
        self.arguments += 1;
        self.marker(tag::NULL);
    }

    fn marker(&mut self, tag: u8) {
        if self.bytes.len() + LENGTH_BYTES < MAX_RECORD_BYTES {
            self.value(|bytes, _| bytes.push(tag));
        }
    }

    /// Writes a value with its length in front.
    #[inline]
    fn value(&mut self, write: impl FnOnce(&mut Buffer<'static>, &Redaction)) {
        let start = self.bytes.len();
        self.bytes.extend(&[0; LENGTH_BYTES]);
        write(&mut self.bytes, &self.redaction);
        let length = (self.bytes.len() - start).saturating_sub(LENGTH_BYTES) as u16;
        self.bytes.replace(start, length.to_le_bytes());
    }

    /// Writes a number that no user code stands behind.
    #[inline(always)]
    pub(crate) fn number(&mut self, tag: u8, number: u64) {
        let ([low, high], length) = number_words(tag, number);
        self.bytes.extend_words([low << 16 | length as u64, high << 16 | low >> 48], LENGTH_BYTES + length);
    }

    /// Writes what its tag says all of.
    #[inline]
    pub(crate) fn plain(&mut self, tag: u8) {
        self.bytes.extend_words([u64::from(tag) << 16 | 1], LENGTH_BYTES + 1);
    }

    /// Writes a text that no user code stands behind.
    #[inline]
    pub(crate) fn text(&mut self, text: &str) {
        if text.len() > MAX_TEXT_BYTES {
            return self.serialize(text);
        }
        let length = SIZED_HEAD_BYTES + text.len();
        let head = sized_head(tag::TEXT, text.len()) << 16 | length as u64;
        self.bytes.extend_words([head], LENGTH_BYTES + SIZED_HEAD_BYTES);
        self.bytes.extend(text.as_bytes());
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
        self.value(|bytes, _| bytes.extend(value));
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

fn prose(bytes: &mut Buffer<'static>, value: fmt::Arguments<'_>, redaction: &Redaction) {
    match redaction.is_strict() {
        true => text(bytes, NOT_PRINTED),
        false => print(bytes, value, "Display", redaction),
    }
}

fn causes(bytes: &mut Buffer<'static>, source: Option<&(dyn Error + 'static)>, redaction: &Redaction) {
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

fn print(bytes: &mut Buffer<'static>, value: fmt::Arguments<'_>, how: &str, redaction: &Redaction) {
    let start = bytes.len();
    let mut printed = LimitedText::default();
    match catch_unwind(AssertUnwindSafe(|| printed.print(value))) {
        Ok(Err(_)) if !printed.is_cut() => failed(bytes, start, &format!("{how} gave up"), redaction),
        Err(panic) if !panic.is::<Runaway>() => panicked(bytes, start, how, panic, redaction),
        _ => redacted_text(bytes, printed.as_str(), printed.is_cut(), how == "Debug", redaction),
    }
}

/// A text that user code made.
fn redacted_text(bytes: &mut Buffer<'static>, printed: &str, is_cut: bool, colons: bool, redaction: &Redaction) {
    let redacted = redaction.redact_text(printed, colons);
    let whole = redacted.as_deref().unwrap_or(printed);
    let fitting = cut(whole, MAX_TEXT_BYTES);
    let is_cut = is_cut || fitting.len() < whole.len();
    let tag = match (colons, is_cut) {
        (false, false) => tag::TEXT,
        (false, true) => tag::TEXT_CUT,
        (true, false) => tag::PRINTED,
        (true, true) => tag::PRINTED_CUT,
    };
    sized(bytes, tag, fitting);
}

/// A text of ours, or a type's name.
fn text(bytes: &mut Buffer<'static>, text: &str) {
    sized(bytes, tag::TEXT, cut(text, MAX_TEXT_BYTES));
}

fn sized(bytes: &mut Buffer<'static>, tag: u8, text: &str) {
    bytes.extend_words([sized_head(tag, text.len())], SIZED_HEAD_BYTES);
    bytes.extend(text.as_bytes());
}

fn failed(bytes: &mut Buffer<'static>, start: usize, why: &str, redaction: &Redaction) {
    bytes.truncate(start);
    bytes.push(tag::FAILED);
    redacted_text(bytes, why, false, false, redaction);
}

fn panicked(bytes: &mut Buffer<'static>, start: usize, how: &str, panic: Box<dyn Any + Send>, redaction: &Redaction) {
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
