//! Where the code made by `#[glasshull::trace]` puts values: the record of one call's entry or exit.

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use serde_core::Serialize;

use super::buffer::{Buffer, SLACK};
use super::debug::LimitedText;
use super::encoder::{Encoder, Runaway, SIZED_HEAD_BYTES, Stop, sized_head};
use super::redaction::Redaction;
use super::{Limits, MAX_CAUSES, cut, tag};
use crate::panics;

/// One record, in bytes: a quarter of a ring, so that a few calls always fit.
pub(crate) const MAX_RECORD_BYTES: usize = 16 * 1024;

/// Of these, what is kept for the ends of lists and maps inside each other.
const ROOM_FOR_ENDS: usize = 2 * Limits::CAPS.depth;

/// Why something is not shown.
const NOT_PRINTED: &str = "its text would be made by Debug, which strict mode refuses";

/// Bytes that precede each value: its length.
const LENGTH_BYTES: usize = 2;

/// A value that no user code stands behind, with its length in front, as it travels. It fits into two registers.
#[derive(Clone, Copy, Debug)]
pub struct Word {
    /// Length and tag.
    head: u32,
    number: u64,
}

impl Word {
    /// A number of 64 bits.
    #[inline(always)]
    pub(crate) const fn number(tag: u8, number: u64) -> Self {
        Self { head: (tag as u32) << 16 | (1 + size_of::<u64>() as u32), number }
    }

    /// A number of 32 bits.
    #[inline(always)]
    pub(crate) const fn number_32(tag: u8, number: u32) -> Self {
        Self { head: (tag as u32) << 16 | (1 + size_of::<u32>() as u32), number: number as u64 }
    }

    /// What its tag says all of.
    #[inline(always)]
    pub(crate) const fn plain(tag: u8) -> Self {
        Self { head: (tag as u32) << 16 | 1, number: 0 }
    }

    /// Bytes, with those of the length.
    #[inline(always)]
    const fn length(self) -> usize {
        LENGTH_BYTES + (self.head & 0xFFFF) as usize
    }

    /// Writes it behind what is there.
    #[inline(always)]
    pub(crate) fn write(self, out: &mut Buffer<'_>) {
        out.extend_head_and_number(self.head, LENGTH_BYTES + 1, self.number, self.length());
    }

    /// The same where nothing has not fitted as yet.
    ///
    /// # Safety
    /// That is so.
    #[inline(always)]
    pub(crate) unsafe fn write_fitting(self, out: &mut Buffer<'_>) {
        // SAFETY: the caller vouches for it.
        unsafe { out.extend_fitting_head_and_number(self.head, LENGTH_BYTES + 1, self.number, self.length()) };
    }
}

/// Collects the values of one call, straight into the place they travel in. Code made by `#[glasshull::trace]` is handed
/// one; user code of the values cannot do harm through it: panics are caught, sizes are bounded.
pub struct Recorder {
    pub(crate) bytes: Buffer<'static>,
    /// Before this mark there is nothing to be decided about an argument.
    easy: usize,
    wish: *const Wish,
    redaction: Arc<Redaction>,
    /// Arguments so far, where there is something to be decided about them.
    arguments: u32,
}

/// How the values of a function are to be recorded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish {
    /// While fewer bytes than these are written there is nothing to be decided about an argument.
    easy_bytes: usize,
    /// A bit for each argument whose name is one of secrets, as long as there are bits.
    secrets: u64,
    limits: Limits,
}

impl Wish {
    /// Where nothing is known of the function, as at the end of a call.
    pub(crate) const NONE: &'static Self = &Self { easy_bytes: 0, secrets: 0, limits: Limits::DEFAULT };

    pub(crate) fn new(arguments: &[&str], limits: Limits, redaction: &Redaction) -> Self {
        let secrets = redaction.names_among(arguments);
        let is_easy = secrets == 0 && arguments.len() <= u64::BITS as usize;
        Self { easy_bytes: if is_easy { last_start(limits) } else { 0 }, secrets, limits }
    }

    /// Whether a probe asked for limits of its own.
    pub(crate) fn has_limits(&self) -> bool {
        self.limits != Limits::DEFAULT
    }

    #[cfg(test)]
    pub(crate) fn secrets(&self) -> u64 {
        self.secrets
    }
}

/// Behind so many bytes no value begins: an argument might not fit. One that may be larger than by default is cut where
/// the record ends.
const fn last_start(limits: Limits) -> usize {
    let value = if limits.bytes < Limits::DEFAULT.bytes { limits.bytes } else { Limits::DEFAULT.bytes };
    MAX_RECORD_BYTES - LENGTH_BYTES - value
}

impl Recorder {
    /// Writes nothing before it is given memory.
    pub(crate) fn new(redaction: Arc<Redaction>) -> Self {
        Self { bytes: Buffer::empty(), easy: 0, wish: Wish::NONE, redaction, arguments: 0 }
    }

    /// Lends one that writes into memory of its own, where arguments have these names.
    pub(crate) fn apart<T>(redaction: &Arc<Redaction>, arguments: &[&str], work: impl FnOnce(&mut Self) -> T) -> T {
        let mut memory = vec![0; MAX_RECORD_BYTES + SLACK];
        let mut recorder = Self::new(Arc::clone(redaction));
        let wish = Wish::new(arguments, Limits::DEFAULT, redaction);
        // SAFETY: memory and wish outlive the recorder, which nobody can keep; the memory is not used but by it.
        unsafe {
            let bytes = Buffer::over(memory.as_mut_ptr(), MAX_RECORD_BYTES);
            recorder.begin(bytes, &wish);
        }
        work(&mut recorder)
    }

    /// Writes into memory that is never given back.
    #[cfg(test)]
    pub(crate) fn for_test() -> Self {
        Self::for_test_with(Arc::default(), &[])
    }

    #[cfg(test)]
    pub(crate) fn for_test_with(redaction: Arc<Redaction>, arguments: &[&str]) -> Self {
        let wish = Wish::new(arguments, Limits::DEFAULT, &redaction);
        Self::for_test_within(redaction, wish)
    }

    #[cfg(test)]
    pub(crate) fn for_test_within(redaction: Arc<Redaction>, wish: Wish) -> Self {
        let mut recorder = Self::new(redaction);
        let memory = Box::leak(vec![0; MAX_RECORD_BYTES + SLACK].into_boxed_slice());
        // SAFETY: the wish is never given back.
        unsafe { recorder.begin(Buffer::of(memory), Box::leak(Box::new(wish))) };
        recorder
    }

    /// Begins to write somewhere.
    ///
    /// # Safety
    /// The wish is there until this is called again, or nothing is recorded any more.
    #[inline(always)]
    pub(crate) unsafe fn begin(&mut self, bytes: Buffer<'static>, wish: &Wish) {
        self.easy = bytes.mark(wish.easy_bytes);
        (self.bytes, self.wish, self.arguments) = (bytes, wish, 0);
    }

    #[inline]
    fn wish(&self) -> &Wish {
        // SAFETY: who began keeps to it.
        unsafe { &*self.wish }
    }

    /// Whether the value of this argument is wanted; otherwise a marker stands in its place. Each argument is asked for
    /// once, in the order in which the function's site names them.
    #[inline(always)]
    pub fn argument(&mut self, name: &'static str) -> bool {
        self.bytes.is_before(self.easy) || self.decide(name)
    }

    #[cold]
    #[inline(never)]
    fn decide(&mut self, name: &'static str) -> bool {
        let place = self.arguments;
        let is_secret = match 1_u64.checked_shl(place) {
            Some(bit) => self.wish().secrets & bit != 0,
            None => self.redaction.names_static(name),
        };
        if is_secret {
            self.redacted(name);
            return false;
        }
        self.arguments = place.saturating_add(1);
        if self.bytes.len() > last_start(self.wish().limits) {
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
        self.arguments = self.arguments.saturating_add(1);
        self.marker(tag::REDACTED);
    }

    /// Stands for an argument named in `skip(..)`.
    pub fn skipped(&mut self, _name: &'static str) {
        self.arguments = self.arguments.saturating_add(1);
        self.marker(tag::SKIPPED);
    }

    /// Stands for an argument that has no value.
    pub(crate) fn absent(&mut self) {
        self.arguments = self.arguments.saturating_add(1);
        self.marker(tag::NULL);
    }

    fn marker(&mut self, tag: u8) {
        if self.bytes.len() + LENGTH_BYTES < MAX_RECORD_BYTES {
            self.word(Word::plain(tag));
        }
    }

    /// Writes a value with its length in front.
    #[inline]
    fn value(&mut self, write: impl FnOnce(&mut Writer<'_>)) {
        let start = self.bytes.len();
        self.bytes.extend(&[0; LENGTH_BYTES]);
        let limits = self.wish().limits;
        write(&mut Writer { bytes: &mut self.bytes, redaction: &self.redaction, limits });
        // Where nothing fitted any more, the end may have moved back.
        let length = self.bytes.len().saturating_sub(start + LENGTH_BYTES) as u16;
        self.bytes.replace(start, length.to_le_bytes());
    }

    /// Writes what its tag and a number say all of.
    #[inline(always)]
    pub(crate) fn word(&mut self, word: Word) {
        word.write(&mut self.bytes);
    }

    /// Writes a text that no user code stands behind.
    #[inline(never)]
    pub(crate) fn text(&mut self, text: &str) {
        if text.len() > self.wish().limits.text_bytes {
            return self.long_text(text);
        }
        let length = SIZED_HEAD_BYTES + text.len();
        let head = sized_head(tag::TEXT, text.len()) << 16 | length as u64;
        self.bytes.extend_head_and_bytes(head, LENGTH_BYTES + SIZED_HEAD_BYTES, text.as_bytes());
    }

    #[cold]
    #[inline(never)]
    fn long_text(&mut self, text: &str) {
        self.serialize(text);
    }

    pub(crate) fn serialize<T: Serialize + ?Sized>(&mut self, value: &T) {
        self.value(|out| {
            let start = out.bytes.len();
            let done = catch_unwind(AssertUnwindSafe(|| out.encoder().part(value)));
            match done {
                Ok(Ok(()) | Err(Stop::Limit | Stop::Full)) => {}
                Ok(Err(Stop::Failed(why))) => out.failed(start, &format!("Serialize: {why}")),
                Err(panic) => out.panicked(start, "Serialize", panic),
            }
        });
    }

    pub(crate) fn debug<T: fmt::Debug + ?Sized>(&mut self, value: &T) {
        if self.redaction.is_strict() {
            return self.opaque(&format!("{}: {NOT_PRINTED}", std::any::type_name::<T>()));
        }
        self.value(|out| out.print(format_args!("{value:?}"), "Debug"));
    }

    pub(crate) fn opaque(&mut self, type_name: &str) {
        self.value(|out| {
            out.bytes.push(tag::OPAQUE);
            let _ = out.encoder().text(type_name);
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
        self.value(|out| {
            out.bytes.push(tag::MAP);
            out.text("message");
            match how == "Debug" && out.redaction.is_strict() {
                true => out.text(NOT_PRINTED),
                false => out.print(message, how),
            }
            out.text("type");
            out.text(type_name);
            let start = out.bytes.len();
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| out.causes(source()))) {
                out.bytes.truncate(start);
                discard(panic);
            }
            out.bytes.push(tag::END);
        });
    }

    /// Writes the error object of an error of which only its message is known.
    pub(crate) fn message(&mut self, message: fmt::Arguments<'_>) {
        self.value(|out| {
            out.bytes.push(tag::MAP);
            out.text("message");
            out.prose(message);
            out.bytes.push(tag::END);
        });
    }

    /// Writes a text for people, of which nobody knows how it was made.
    pub(crate) fn prose(&mut self, value: fmt::Arguments<'_>) {
        self.value(|out| out.prose(value));
    }

    /// Writes a value that is in binary form already.
    pub(crate) fn encoded(&mut self, value: &[u8]) {
        self.value(|out| out.bytes.extend(value));
    }

    /// Writes the error object of a panic.
    pub(crate) fn panic(&mut self, message: &str, place: Option<&str>) {
        // What `unwrap` and `assert_eq` say is made by `Debug`, too.
        let refused = self.redaction.is_strict() && panics::was_last_formatted();
        let message = if refused { NOT_PRINTED } else { message };
        self.value(|out| {
            out.bytes.push(tag::MAP);
            out.text("message");
            out.redacted_text(message, message.len() > out.limits.text_bytes, false);
            if let Some(place) = place {
                out.text("place");
                out.text(place);
            }
            out.bytes.push(tag::END);
        });
    }
}

/// Writes one value.
struct Writer<'a> {
    bytes: &'a mut Buffer<'static>,
    redaction: &'a Redaction,
    limits: Limits,
}

impl Writer<'_> {
    fn encoder(&mut self) -> Encoder<'_> {
        let room = MAX_RECORD_BYTES.saturating_sub(self.bytes.len() + ROOM_FOR_ENDS);
        Encoder::new(self.bytes, self.limits, room, self.redaction)
    }

    fn prose(&mut self, value: fmt::Arguments<'_>) {
        match self.redaction.is_strict() {
            true => self.text(NOT_PRINTED),
            false => self.print(value, "Display"),
        }
    }

    fn causes(&mut self, source: Option<&(dyn Error + 'static)>) {
        if source.is_none() {
            return;
        }
        self.text("causes");
        self.bytes.push(tag::LIST);
        let start = self.bytes.len();
        let mut next = source;
        for _ in 0..MAX_CAUSES {
            let Some(cause) = next else { break };
            self.print(format_args!("{cause}"), "Display");
            next = cause.source();
            if self.bytes.len().saturating_sub(start) > Limits::DEFAULT.bytes {
                break;
            }
        }
        self.bytes.push(if next.is_some() { tag::END_CUT } else { tag::END });
    }

    fn print(&mut self, value: fmt::Arguments<'_>, how: &str) {
        let start = self.bytes.len();
        let mut printed = LimitedText::new(self.limits.text_bytes.min(self.bytes.room()));
        match catch_unwind(AssertUnwindSafe(|| printed.print(value))) {
            Ok(Err(_)) if !printed.is_cut() => self.failed(start, &format!("{how} gave up")),
            Err(panic) if !panic.is::<Runaway>() => self.panicked(start, how, panic),
            _ => self.redacted_text(printed.as_str(), printed.is_cut(), how == "Debug"),
        }
    }

    /// A text that user code made.
    fn redacted_text(&mut self, printed: &str, is_cut: bool, colons: bool) {
        let redacted = self.redaction.redact_text(printed, colons);
        let whole = redacted.as_deref().unwrap_or(printed);
        let fitting = cut(whole, self.limits.text_bytes);
        let is_cut = is_cut || fitting.len() < whole.len();
        let tag = match (colons, is_cut) {
            (false, false) => tag::TEXT,
            (false, true) => tag::TEXT_CUT,
            (true, false) => tag::PRINTED,
            (true, true) => tag::PRINTED_CUT,
        };
        self.sized(tag, fitting);
    }

    /// A text of ours, or a type's name.
    fn text(&mut self, text: &str) {
        self.sized(tag::TEXT, cut(text, Limits::DEFAULT.text_bytes));
    }

    fn sized(&mut self, tag: u8, text: &str) {
        self.bytes.extend_word(sized_head(tag, text.len()), SIZED_HEAD_BYTES);
        self.bytes.extend(text.as_bytes());
    }

    fn failed(&mut self, start: usize, why: &str) {
        self.bytes.truncate(start);
        self.bytes.push(tag::FAILED);
        self.redacted_text(why, false, false);
    }

    fn panicked(&mut self, start: usize, how: &str, panic: Box<dyn Any + Send>) {
        let why = match panic.is::<Runaway>() {
            true => format!("{how} does not end"),
            false => format!("{how} panicked: {}", panic_message(&*panic)),
        };
        discard(panic);
        self.failed(start, &why);
    }
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
