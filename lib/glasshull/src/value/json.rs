//! The binary form into JSON text.

use std::fmt::Write;

use glasshull_wire::markers;

use super::redaction::Redaction;
use super::written::Json;
use super::{Limits, cut, tag};

/// A key that is no text, as JSON text, in bytes. More is cut.
const MAX_KEY_BYTES: usize = 512;

/// What was met while values were written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Met {
    /// Something was cut.
    pub(crate) truncated: bool,
    /// Something could not be captured.
    pub(crate) failed: bool,
    /// A text that `Debug` made.
    pub(crate) printed: bool,
}

impl Met {
    /// What either met.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            truncated: self.truncated | other.truncated,
            failed: self.failed | other.failed,
            printed: self.printed | other.printed,
        }
    }
}

/// Writes a value in binary form as JSON, without what is withheld by its looks. What cannot be read, because it was
/// cut, is marked as truncated.
#[inline]
pub(crate) fn write_json(out: &mut Json, value: &[u8], redaction: &Redaction) -> Met {
    if redaction.shows_all() && write_plain(out, value) {
        return Met::default();
    }
    write_any(out, value, redaction)
}

/// Writes what nearly all values are, if it is that and whole: a number or a plain text.
#[inline]
fn write_plain(out: &mut Json, value: &[u8]) -> bool {
    let Some((&tag, behind)) = value.split_first() else { return false };
    let mut reader = Reader { bytes: behind };
    match tag {
        tag::UNSIGNED | tag::UNSIGNED_32 => reader.unsigned(tag).map(|number| out.unsigned(number)).is_some(),
        tag::SIGNED | tag::SIGNED_32 => reader.signed(tag).map(|number| out.signed(number)).is_some(),
        tag::TEXT => reader.sized().is_some_and(|text| out.quoted_plain(text)),
        _ => false,
    }
}

#[inline(never)]
fn write_any(out: &mut Json, value: &[u8], redaction: &Redaction) -> Met {
    let start = out.len();
    let mut writer = Writer { reader: Reader { bytes: value }, redaction, met: Met::default() };
    writer.item(out, 0);
    if out.len() == start {
        writer.marker(out, markers::TRUNCATED);
    }
    writer.met
}

/// Reads the parts of the binary form.
pub(super) struct Reader<'a> {
    pub(super) bytes: &'a [u8],
}

/// Turns what it reads into JSON.
struct Writer<'a> {
    reader: Reader<'a>,
    redaction: &'a Redaction,
    met: Met,
}

/// What an item turned out to be.
#[derive(PartialEq, Eq)]
enum Item {
    Value,
    End,
    /// The value was cut here.
    Cut,
}

impl<'a> Reader<'a> {
    pub(super) fn byte(&mut self) -> Option<u8> {
        let (&first, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(first)
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(length)?;
        self.bytes = rest;
        Some(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    /// The number behind this tag.
    pub(super) fn unsigned(&mut self, tag: u8) -> Option<u64> {
        Some(match tag {
            tag::UNSIGNED_32 => u32::from_le_bytes(self.array()?).into(),
            _ => u64::from_le_bytes(self.array()?),
        })
    }

    /// The number behind this tag.
    pub(super) fn signed(&mut self, tag: u8) -> Option<i64> {
        Some(match tag {
            tag::SIGNED_32 => i32::from_le_bytes(self.array()?).into(),
            _ => i64::from_le_bytes(self.array()?),
        })
    }

    pub(super) fn sized(&mut self) -> Option<&'a [u8]> {
        let length = u16::from_le_bytes(self.array()?);
        self.take(length.into())
    }

    pub(super) fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.sized()?).ok()
    }
}

impl Writer<'_> {
    /// Writes the next item. At the end of the bytes a marker is written in its place.
    fn item(&mut self, out: &mut Json, depth: usize) -> Item {
        let start = out.len();
        match self.try_item(out, depth) {
            Some(item) => item,
            None => {
                out.truncate(start);
                self.reader.bytes = &[];
                self.marker(out, markers::TRUNCATED);
                Item::Cut
            }
        }
    }

    #[inline]
    fn try_item(&mut self, out: &mut Json, depth: usize) -> Option<Item> {
        let tag = self.reader.byte()?;
        match tag {
            tag::END => return Some(Item::End),
            tag::END_CUT => return Some(Item::Cut),
            tag::LIST | tag::MAP if depth > 2 * Limits::CAPS.depth => return None,
            tag::LIST => self.list(out, depth),
            tag::MAP => self.map(out, depth),
            _ => self.scalar(tag, out)?,
        }
        Some(Item::Value)
    }

    #[inline]
    fn scalar(&mut self, tag: u8, out: &mut Json) -> Option<()> {
        match tag {
            tag::NULL => out.push_str("null"),
            tag::FALSE => out.push_str("false"),
            tag::TRUE => out.push_str("true"),
            tag::UNSIGNED | tag::UNSIGNED_32 => self.number(tag, out)?,
            tag::SIGNED | tag::SIGNED_32 => out.signed(self.reader.signed(tag)?),
            tag::UNSIGNED_128 => print(out, format_args!("{}", u128::from_le_bytes(self.reader.array()?))),
            tag::SIGNED_128 => print(out, format_args!("{}", i128::from_le_bytes(self.reader.array()?))),
            tag::FLOAT_32 => {
                let number = f32::from_le_bytes(self.reader.array()?);
                float(out, number.into(), format_args!("{number:?}"));
            }
            tag::FLOAT_64 => {
                let number = f64::from_le_bytes(self.reader.array()?);
                float(out, number, format_args!("{number:?}"));
            }
            tag::TEXT | tag::PRINTED => self.text(out, false, tag == tag::PRINTED)?,
            tag::TEXT_CUT | tag::PRINTED_CUT => self.text(out, true, tag == tag::PRINTED_CUT)?,
            tag::BYTES => bytes(out, self.reader.sized()?, false),
            tag::BYTES_CUT => {
                self.met.truncated = true;
                bytes(out, self.reader.sized()?, true);
            }
            tag::TRUNCATED => self.marker(out, markers::TRUNCATED),
            tag::REDACTED => marker(out, markers::REDACTED, None),
            tag::SKIPPED => marker(out, markers::SKIPPED, None),
            tag::FAILED => self.told(out, markers::FAILED)?,
            tag::OPAQUE => self.told(out, markers::OPAQUE)?,
            _ => return None,
        }
        Some(())
    }

    fn told(&mut self, out: &mut Json, kind: &str) -> Option<()> {
        self.met.failed |= kind == markers::FAILED;
        self.reader.byte()?;
        marker(out, kind, Some(&self.redaction.shown(self.reader.text()?, false)));
        Some(())
    }

    fn text(&mut self, out: &mut Json, cut: bool, printed: bool) -> Option<()> {
        self.met.truncated |= cut;
        self.met.printed |= printed;
        let bytes = self.reader.sized()?;
        // What is copied this way has been checked to be ASCII.
        if cut || !self.redaction.shows_all() || !out.quoted_plain(bytes) {
            let text = std::str::from_utf8(bytes).ok()?;
            quoted(out, &self.redaction.shown(text, cut), cut);
        }
        Some(())
    }

    fn number(&mut self, tag: u8, out: &mut Json) -> Option<()> {
        let number = self.reader.unsigned(tag)?;
        match self.redaction.withholds_number(number) {
            true => marker(out, markers::REDACTED, None),
            false => out.unsigned(number),
        }
        Some(())
    }

    fn marker(&mut self, out: &mut Json, kind: &str) {
        self.met.truncated |= kind == markers::TRUNCATED;
        marker(out, kind, None);
    }

    #[inline(never)]
    fn list(&mut self, out: &mut Json, depth: usize) {
        out.push(b'[');
        let opened = out.len();
        loop {
            let before = out.len();
            if before > opened {
                out.push(b',');
            }
            match self.item(out, depth + 1) {
                Item::Value => {}
                Item::End => {
                    out.truncate(before);
                    break;
                }
                Item::Cut => {
                    // Either a marker was written for the item that is missing, or the list says so itself.
                    if matches!(out.last(), Some(b',' | b'[')) {
                        self.marker(out, markers::TRUNCATED);
                    }
                    break;
                }
            }
        }
        out.push(b']');
    }

    #[inline(never)]
    fn map(&mut self, out: &mut Json, depth: usize) {
        out.push(b'{');
        let opened = out.len();
        loop {
            let before = out.len();
            if before > opened {
                out.push(b',');
            }
            let start = out.len();
            match self.item(out, depth + 1) {
                Item::Value => self.entry(out, start, depth),
                Item::End => {
                    out.truncate(before);
                    break;
                }
                Item::Cut => {
                    self.met.truncated = true;
                    out.truncate(start);
                    print(out, format_args!("\"{}\":\"{}\"", markers::KEY, markers::TRUNCATED));
                    break;
                }
            }
        }
        out.push(b'}');
    }

    /// The rest of an entry, behind its key.
    fn entry(&mut self, out: &mut Json, key: usize, depth: usize) {
        if !out.as_str()[key..].starts_with('"') {
            self.quote_key(out, key);
        }
        out.push(b':');
        let start = out.len();
        let _ = self.item(out, depth + 1);
        // An end stands where a value should.
        if out.len() == start {
            out.push_str("null");
        }
    }

    /// Makes a text of a key that is none.
    fn quote_key(&mut self, out: &mut Json, start: usize) {
        let key = out.as_str()[start..].to_owned();
        out.truncate(start);
        // A key of keys of keys would double its quotes' escapes at each level.
        let fitting = cut(&key, MAX_KEY_BYTES);
        self.met.truncated |= fitting.len() < key.len();
        quoted(out, fitting, fitting.len() < key.len());
    }
}

fn print(out: &mut Json, text: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(text);
}

/// JSON has no word for what is no number: a text says it.
fn float(out: &mut Json, number: f64, shortest: std::fmt::Arguments<'_>) {
    if number.is_nan() {
        out.push_str("\"NaN\"");
    } else if number.is_infinite() {
        out.push_str(if number > 0.0 { "\"Infinity\"" } else { "\"-Infinity\"" });
    } else {
        print(out, shortest);
    }
}

fn bytes(out: &mut Json, bytes: &[u8], cut: bool) {
    out.push(b'[');
    for (place, &byte) in bytes.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        out.unsigned(byte.into());
    }
    if cut {
        if !bytes.is_empty() {
            out.push(b',');
        }
        marker(out, markers::TRUNCATED, None);
    }
    out.push(b']');
}

/// Writes a marker object.
pub(crate) fn marker(out: &mut Json, kind: &str, told: Option<&str>) {
    print(out, format_args!("{{\"{}\":", markers::KEY));
    match told {
        None => out.quoted(kind),
        Some(told) => out.quoted(&format!("{kind}: {told}")),
    }
    out.push(b'}');
}

fn quoted(out: &mut Json, text: &str, cut: bool) {
    match cut {
        true => out.quoted_in_parts(text, markers::ELLIPSIS),
        false => out.quoted(text),
    }
}
