//! `Serialize` into the binary form.

use std::fmt;

use serde_core::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::buffer::Buffer;
use super::redaction::Redaction;
use super::{Limits, MAX_IGNORED_REFUSALS, MAX_PASSED_OVER, MAX_SKIPPED_ITEMS, MAX_TRANSPARENT, cut, tag};

/// Why encoding ended early.
#[derive(Debug)]
pub(crate) enum Stop {
    /// A limit was reached; what is there so far is readable.
    Limit,
    /// A list or a map has all it may have, and is closed; what comes after it is still wanted.
    Full,
    /// The value's own `Serialize` gave up.
    #[allow(clippy::box_collection)] // In more words than one it could not be returned in registers.
    Failed(Box<String>),
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Limit | Self::Full => f.write_str("a limit was reached"),
            Self::Failed(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Stop {}

impl serde_core::ser::Error for Stop {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::Failed(Box::new(message.to_string()))
    }
}

/// Bytes that precede a text or bytes: tag and length.
pub(crate) const SIZED_HEAD_BYTES: usize = 3;

/// Tag and length of something of `length` bytes.
#[inline(always)]
pub(crate) fn sized_head(tag: u8, length: usize) -> u64 {
    (length as u64) << 8 | u64::from(tag)
}

// A length takes two bytes.
const _: () = assert!(Limits::CAPS.text_bytes <= u16::MAX as usize);
const _: () = assert!(Limits::CAPS.items <= u16::MAX as usize);

/// Unwinds out of user code that does not heed refusals.
pub(crate) struct Runaway;

/// Writes one value.
pub(crate) struct Encoder<'a> {
    out: &'a mut Buffer<'static>,
    /// `out` must not grow beyond this mark, which does not lie behind its end.
    limit: usize,
    /// It is where the memory ends, not the value's own limit.
    limit_is_memory: bool,
    limits: Limits,
    redaction: &'a Redaction,
    depth: usize,
    /// `Some`s and newtypes around the value being written: they leave no trace, but a cycle may go through them alone.
    transparent: usize,
    /// Items passed over so far.
    skipped: usize,
    /// A list that had all it may have was ended, and that was not yet heard of outside of it.
    full: bool,
    /// Once set, nothing more is written.
    stopped: bool,
    refusals: usize,
}

impl<'a> Encoder<'a> {
    /// Writes behind what is in `out`, within the limits, and at most `room` bytes.
    #[inline]
    pub(crate) fn new(out: &'a mut Buffer<'static>, limits: Limits, room: usize, redaction: &'a Redaction) -> Self {
        let wanted = limits.bytes.min(room);
        let (given, limit_is_memory) = (out.room().min(wanted), out.room() < wanted);
        let limit = out.behind(given);
        Self {
            out,
            limit,
            limit_is_memory,
            limits,
            redaction,
            depth: 0,
            transparent: 0,
            skipped: 0,
            full: false,
            stopped: false,
            refusals: 0,
        }
    }

    /// Makes sure that `bytes` more can be written.
    #[inline(always)]
    fn room(&mut self, bytes: usize) -> Result<(), Stop> {
        if self.out.behind(bytes) > self.limit {
            return Err(self.stop());
        }
        Ok(())
    }

    /// Nothing is written from now on.
    #[cold]
    #[inline(never)]
    fn stop(&mut self) -> Stop {
        if self.limit_is_memory && !self.stopped {
            self.out.overflow();
        }
        (self.stopped, self.limit) = (true, 0);
        self.refusals += 1;
        // Without unwinding this would end the program.
        if cfg!(panic = "unwind") && self.refusals > MAX_IGNORED_REFUSALS {
            std::panic::resume_unwind(Box::new(Runaway));
        }
        Stop::Limit
    }

    #[inline]
    fn tag(&mut self, tag: u8) -> Result<(), Stop> {
        self.room(1)?;
        // SAFETY: there is room for one byte.
        unsafe { self.out.extend_fitting_word(tag.into(), 1) };
        Ok(())
    }

    fn fixed(&mut self, tag: u8, bytes: &[u8]) -> Result<(), Stop> {
        self.room(1 + bytes.len())?;
        self.out.push(tag);
        self.out.extend(bytes);
        Ok(())
    }

    /// Writes the first `bytes` bytes of a number.
    #[inline]
    fn number(&mut self, tag: u8, number: u64, bytes: usize) -> Result<(), Stop> {
        self.room(1 + bytes)?;
        self.out.extend_head_and_number(tag.into(), 1, number, 1 + bytes);
        Ok(())
    }

    #[inline]
    pub(crate) fn text(&mut self, text: &str) -> Result<(), Stop> {
        if text.len() > self.limits.text_bytes {
            return self.long_text(text);
        }
        self.sized(tag::TEXT, text.as_bytes())
    }

    #[cold]
    #[inline(never)]
    fn long_text(&mut self, text: &str) -> Result<(), Stop> {
        self.sized(tag::TEXT_CUT, cut(text, self.limits.text_bytes).as_bytes())
    }

    #[inline(always)]
    fn sized(&mut self, tag: u8, bytes: &[u8]) -> Result<(), Stop> {
        self.room(SIZED_HEAD_BYTES + bytes.len())?;
        // SAFETY: there is room for both.
        unsafe {
            self.out.extend_fitting_word(sized_head(tag, bytes.len()), SIZED_HEAD_BYTES);
            self.out.extend_fitting(bytes);
        }
        Ok(())
    }

    /// Writes a value, or a part of one. A list in it whose own code was ended, as it had all it may have, is no failure.
    pub(crate) fn part<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Stop> {
        let before = (self.depth, self.transparent);
        match value.serialize(&mut *self) {
            Ok(()) => Ok(()),
            Err(stop) => self.go_on_after(stop, before),
        }
    }

    #[cold]
    #[inline(never)]
    fn go_on_after(&mut self, stop: Stop, before: (usize, usize)) -> Result<(), Stop> {
        match stop {
            // Some put what they are told into words of their own.
            Stop::Full | Stop::Failed(_) if self.full => {
                self.full = false;
                (self.depth, self.transparent) = before;
                Ok(())
            }
            stop => Err(stop),
        }
    }

    /// Writes what is inside something that itself is not shown.
    fn inside<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Stop> {
        if self.transparent >= MAX_TRANSPARENT {
            return self.tag(tag::TRUNCATED);
        }
        self.transparent += 1;
        let written = self.part(value);
        self.transparent -= 1;
        written
    }

    /// Opens a list or a map. What is nested too deeply becomes a marker, and its content is passed over.
    fn open<'e>(&'e mut self, kind: u8, levels: usize) -> Result<Items<'e, 'a>, Stop> {
        let hidden = self.depth + levels > self.limits.depth;
        self.tag(if hidden { tag::TRUNCATED } else { kind })?;
        self.depth += if hidden { 0 } else { levels };
        let left = if hidden { 0 } else { self.limits.items };
        Ok(Items { encoder: self, hidden, left, passed: 0, secret: false, levels })
    }

    /// Opens the map `{variant: content}` and the content in it.
    fn open_variant<'e>(&'e mut self, variant: &'static str, kind: u8) -> Result<Items<'e, 'a>, Stop> {
        let secret = self.redaction.names_static(variant);
        let mut items = self.open(tag::MAP, 2)?;
        if secret && !items.hidden {
            items.encoder.depth -= 2;
            items.encoder.text(variant)?;
            items.encoder.fixed(tag::REDACTED, &[tag::END])?;
            (items.hidden, items.left) = (true, 0);
        } else if !items.hidden {
            items.encoder.text(variant)?;
            items.encoder.tag(kind)?;
        }
        Ok(items)
    }
}

/// A list or a map that is being written.
pub(crate) struct Items<'e, 'a> {
    encoder: &'e mut Encoder<'a>,
    /// A marker stands for the whole container.
    hidden: bool,
    /// How many more items are taken.
    left: usize,
    /// How many were passed over.
    passed: usize,
    /// Whether the next value is to be withheld, as its key is a name of secrets.
    secret: bool,
    /// Containers that end together: two for an enum's variant with content.
    levels: usize,
}

impl Items<'_, '_> {
    /// Whether the next item is to be written.
    #[inline]
    fn admit(&mut self) -> Result<bool, Stop> {
        if self.left > 0 {
            self.left -= 1;
            return Ok(true);
        }
        self.pass_over()
    }

    #[cold]
    #[inline(never)]
    fn pass_over(&mut self) -> Result<bool, Stop> {
        self.passed += 1;
        self.encoder.skipped += 1;
        if self.encoder.skipped > MAX_SKIPPED_ITEMS {
            return Err(self.encoder.stop());
        }
        if self.passed <= MAX_PASSED_OVER {
            return Ok(false);
        }
        // Once: code that does not heed it goes on.
        if self.passed == MAX_PASSED_OVER + 1 {
            self.write_ends();
        }
        self.encoder.full = true;
        Err(Stop::Full)
    }

    fn item<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Stop> {
        if self.admit()? { self.encoder.part(value) } else { Ok(()) }
    }

    fn field<T: ?Sized + Serialize>(&mut self, name: &'static str, value: &T) -> Result<(), Stop> {
        if !self.admit()? {
            return Ok(());
        }
        self.encoder.text(name)?;
        if self.encoder.redaction.names_static(name) {
            return self.encoder.tag(tag::REDACTED);
        }
        self.encoder.part(value)
    }

    fn key<T: ?Sized + Serialize>(&mut self, key: &T) -> Result<(), Stop> {
        self.secret = false;
        if !self.admit()? {
            return Ok(());
        }
        let start = self.encoder.out.len();
        self.encoder.part(key)?;
        self.secret = self.encoder.redaction.names_encoded(self.encoder.out.written(start));
        Ok(())
    }

    fn value<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Stop> {
        match (self.passed > 0, self.secret) {
            (true, _) => Ok(()),
            (false, true) => self.encoder.tag(tag::REDACTED),
            (false, false) => self.encoder.part(value),
        }
    }

    fn close(mut self) -> Result<(), Stop> {
        if self.encoder.stopped {
            return Err(self.encoder.stop());
        }
        if self.passed <= MAX_PASSED_OVER {
            self.write_ends();
        }
        if !self.hidden {
            self.encoder.depth -= self.levels;
        }
        Ok(())
    }

    /// The ends may stand beyond the limit: they are few, and without them the value would look cut.
    fn write_ends(&mut self) {
        if !self.hidden {
            self.encoder.out.push(if self.passed > 0 { tag::END_CUT } else { tag::END });
            for _ in 1..self.levels {
                self.encoder.out.push(tag::END);
            }
        }
    }
}

impl<'e, 'a> Serializer for &'e mut Encoder<'a> {
    type Ok = ();
    type Error = Stop;
    type SerializeSeq = Items<'e, 'a>;
    type SerializeTuple = Items<'e, 'a>;
    type SerializeTupleStruct = Items<'e, 'a>;
    type SerializeTupleVariant = Items<'e, 'a>;
    type SerializeMap = Items<'e, 'a>;
    type SerializeStruct = Items<'e, 'a>;
    type SerializeStructVariant = Items<'e, 'a>;

    fn serialize_bool(self, v: bool) -> Result<(), Stop> {
        self.tag(if v { tag::TRUE } else { tag::FALSE })
    }

    fn serialize_i8(self, v: i8) -> Result<(), Stop> {
        self.serialize_i32(v.into())
    }

    fn serialize_i16(self, v: i16) -> Result<(), Stop> {
        self.serialize_i32(v.into())
    }

    fn serialize_i32(self, v: i32) -> Result<(), Stop> {
        self.number(tag::SIGNED_32, v as u64, 4)
    }

    fn serialize_i64(self, v: i64) -> Result<(), Stop> {
        self.number(tag::SIGNED, v as u64, 8)
    }

    fn serialize_i128(self, v: i128) -> Result<(), Stop> {
        self.fixed(tag::SIGNED_128, &v.to_le_bytes())
    }

    fn serialize_u8(self, v: u8) -> Result<(), Stop> {
        self.serialize_u32(v.into())
    }

    fn serialize_u16(self, v: u16) -> Result<(), Stop> {
        self.serialize_u32(v.into())
    }

    fn serialize_u32(self, v: u32) -> Result<(), Stop> {
        self.number(tag::UNSIGNED_32, v.into(), 4)
    }

    fn serialize_u64(self, v: u64) -> Result<(), Stop> {
        self.number(tag::UNSIGNED, v, 8)
    }

    fn serialize_u128(self, v: u128) -> Result<(), Stop> {
        self.fixed(tag::UNSIGNED_128, &v.to_le_bytes())
    }

    fn serialize_f32(self, v: f32) -> Result<(), Stop> {
        self.number(tag::FLOAT_32, v.to_bits().into(), 4)
    }

    fn serialize_f64(self, v: f64) -> Result<(), Stop> {
        self.number(tag::FLOAT_64, v.to_bits(), 8)
    }

    fn serialize_char(self, v: char) -> Result<(), Stop> {
        self.text(v.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, v: &str) -> Result<(), Stop> {
        self.text(v)
    }

    fn serialize_bytes(self, v: &[u8]) -> Result<(), Stop> {
        let items = self.limits.items;
        match v.get(..items) {
            Some(first) if v.len() > items => self.sized(tag::BYTES_CUT, first),
            // Not longer than items are many.
            _ => self.sized(tag::BYTES, v),
        }
    }

    fn serialize_none(self) -> Result<(), Stop> {
        self.tag(tag::NULL)
    }

    fn serialize_some<T: ?Sized + Serialize>(self, value: &T) -> Result<(), Stop> {
        self.inside(value)
    }

    fn serialize_unit(self) -> Result<(), Stop> {
        self.tag(tag::NULL)
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), Stop> {
        self.tag(tag::NULL)
    }

    fn serialize_unit_variant(self, _name: &'static str, _index: u32, variant: &'static str) -> Result<(), Stop> {
        self.text(variant)
    }

    fn serialize_newtype_struct<T: ?Sized + Serialize>(self, _name: &'static str, value: &T) -> Result<(), Stop> {
        self.inside(value)
    }

    fn serialize_newtype_variant<T: ?Sized + Serialize>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Stop> {
        let mut items = self.open(tag::MAP, 1)?;
        if !items.hidden {
            items.field(variant, value)?;
        }
        items.close()
    }

    fn serialize_seq(self, _len: Option<usize>) -> Result<Items<'e, 'a>, Stop> {
        self.open(tag::LIST, 1)
    }

    fn serialize_tuple(self, _len: usize) -> Result<Items<'e, 'a>, Stop> {
        self.open(tag::LIST, 1)
    }

    fn serialize_tuple_struct(self, _name: &'static str, _len: usize) -> Result<Items<'e, 'a>, Stop> {
        self.open(tag::LIST, 1)
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Items<'e, 'a>, Stop> {
        self.open_variant(variant, tag::LIST)
    }

    fn serialize_map(self, _len: Option<usize>) -> Result<Items<'e, 'a>, Stop> {
        self.open(tag::MAP, 1)
    }

    fn serialize_struct(self, _name: &'static str, _len: usize) -> Result<Items<'e, 'a>, Stop> {
        self.open(tag::MAP, 1)
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Items<'e, 'a>, Stop> {
        self.open_variant(variant, tag::MAP)
    }
}

/// The traits differ in names only.
macro_rules! items {
    ($($trait:ident :: $method:ident),*) => {$(
        impl $trait for Items<'_, '_> {
            type Ok = ();
            type Error = Stop;

            fn $method<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Stop> {
                self.item(value)
            }

            fn end(self) -> Result<(), Stop> {
                self.close()
            }
        }
    )*};
}

items!(
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field
);

macro_rules! fields {
    ($($trait:ident),*) => {$(
        impl $trait for Items<'_, '_> {
            type Ok = ();
            type Error = Stop;

            fn serialize_field<T: ?Sized + Serialize>(&mut self, name: &'static str, value: &T) -> Result<(), Stop> {
                self.field(name, value)
            }

            fn end(self) -> Result<(), Stop> {
                self.close()
            }
        }
    )*};
}

fields!(SerializeStruct, SerializeStructVariant);

impl SerializeMap for Items<'_, '_> {
    type Ok = ();
    type Error = Stop;

    fn serialize_key<T: ?Sized + Serialize>(&mut self, key: &T) -> Result<(), Stop> {
        self.key(key)
    }

    fn serialize_value<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Stop> {
        self.value(value)
    }

    fn end(self) -> Result<(), Stop> {
        self.close()
    }
}
