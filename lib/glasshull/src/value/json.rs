//! The binary form into JSON text.

use std::fmt::Write;

use glasshull_wire::markers;

use super::redaction::Redaction;
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
pub(crate) fn write_json(out: &mut String, value: &[u8], redaction: &Redaction) -> Met {
    let start = out.len();
    let mut writer = Writer { reader: Reader { bytes: value }, redaction, met: Met::default() };
    writer.item(out, 0);
    if out.len() == start {
        writer.marker(out, markers::TRUNCATED);
    }
    writer.met
}

/// Writes a JSON text.
pub(crate) fn write_text(out: &mut String, text: &str) {
    write_quoted(out, text, false);
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
    fn item(&mut self, out: &mut String, depth: usize) -> Item {
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

    fn try_item(&mut self, out: &mut String, depth: usize) -> Option<Item> {
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

    fn scalar(&mut self, tag: u8, out: &mut String) -> Option<()> {
        match tag {
            tag::NULL => out.push_str("null"),
            tag::FALSE => out.push_str("false"),
            tag::TRUE => out.push_str("true"),
            tag::UNSIGNED | tag::UNSIGNED_32 => self.number(tag, out)?,
            tag::SIGNED | tag::SIGNED_32 => print_signed(out, self.reader.signed(tag)?),
            tag::UNSIGNED_128 => print(out, u128::from_le_bytes(self.reader.array()?)),
            tag::SIGNED_128 => print(out, i128::from_le_bytes(self.reader.array()?)),
            tag::FLOAT_32 => {
                let number = f32::from_le_bytes(self.reader.array()?);
                float(out, f64::from(number), &format!("{number:?}"));
            }
            tag::FLOAT_64 => {
                let number = f64::from_le_bytes(self.reader.array()?);
                float(out, number, &format!("{number:?}"));
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

    fn told(&mut self, out: &mut String, kind: &str) -> Option<()> {
        self.met.failed |= kind == markers::FAILED;
        self.reader.byte()?;
        marker(out, kind, Some(&self.redaction.shown(self.reader.text()?, false)));
        Some(())
    }

    fn text(&mut self, out: &mut String, cut: bool, printed: bool) -> Option<()> {
        self.met.truncated |= cut;
        self.met.printed |= printed;
        write_quoted(out, &self.redaction.shown(self.reader.text()?, cut), cut);
        Some(())
    }

    fn number(&mut self, tag: u8, out: &mut String) -> Option<()> {
        let number = self.reader.unsigned(tag)?;
        match self.redaction.withholds_number(number) {
            true => marker(out, markers::REDACTED, None),
            false => print_unsigned(out, number),
        }
        Some(())
    }

    fn marker(&mut self, out: &mut String, kind: &str) {
        self.met.truncated |= kind == markers::TRUNCATED;
        marker(out, kind, None);
    }

    fn list(&mut self, out: &mut String, depth: usize) {
        out.push('[');
        let opened = out.len();
        loop {
            let before = out.len();
            if before > opened {
                out.push(',');
            }
            match self.item(out, depth + 1) {
                Item::Value => {}
                Item::End => {
                    out.truncate(before);
                    break;
                }
                Item::Cut => {
                    // Either a marker was written for the item that is missing, or the list says so itself.
                    if out.ends_with([',', '[']) {
                        self.marker(out, markers::TRUNCATED);
                    }
                    break;
                }
            }
        }
        out.push(']');
    }

    fn map(&mut self, out: &mut String, depth: usize) {
        out.push('{');
        let opened = out.len();
        loop {
            let before = out.len();
            let mut key = String::new();
            let item = self.item(&mut key, depth + 1);
            if item != Item::End && before > opened {
                out.push(',');
            }
            match item {
                Item::Value => self.entry(out, &key, depth),
                Item::End => break,
                Item::Cut => {
                    self.met.truncated = true;
                    let _ = write!(out, "\"{}\":\"{}\"", markers::KEY, markers::TRUNCATED);
                    break;
                }
            }
        }
        out.push('}');
    }

    fn entry(&mut self, out: &mut String, key: &str, depth: usize) {
        if key.starts_with('"') {
            out.push_str(key);
        } else {
            // A key of keys of keys would double its quotes' escapes at each level.
            let fitting = cut(key, MAX_KEY_BYTES);
            self.met.truncated |= fitting.len() < key.len();
            write_quoted(out, fitting, fitting.len() < key.len());
        }
        out.push(':');
        let start = out.len();
        let _ = self.item(out, depth + 1);
        // An end stands where a value should.
        if out.len() == start {
            out.push_str("null");
        }
    }
}

/// Digits, two at a time: nearly all that is captured are numbers and texts, and `Display` asks for its options first.
fn print_unsigned(out: &mut String, mut number: u64) {
    const PAIRS: &str = "0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849\
                         5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899";
    let mut digits = [0; 20];
    let mut at = digits.len();
    while number >= 10 {
        let pair = (number % 100) as usize * 2;
        at -= 2;
        digits[at..at + 2].copy_from_slice(&PAIRS.as_bytes()[pair..pair + 2]);
        number /= 100;
    }
    if number > 0 || at == digits.len() {
        at -= 1;
        digits[at] = b'0' + number as u8;
    }
    // SAFETY: digits are ASCII.
    out.push_str(unsafe { std::str::from_utf8_unchecked(&digits[at..]) });
}

fn print_signed(out: &mut String, number: i64) {
    if number < 0 {
        out.push('-');
    }
    print_unsigned(out, number.unsigned_abs());
}

fn print(out: &mut String, value: impl std::fmt::Display) {
    let _ = write!(out, "{value}");
}

/// JSON has no word for what is no number: a text says it.
fn float(out: &mut String, number: f64, shortest: &str) {
    if number.is_nan() {
        out.push_str("\"NaN\"");
    } else if number.is_infinite() {
        out.push_str(if number > 0.0 { "\"Infinity\"" } else { "\"-Infinity\"" });
    } else {
        out.push_str(shortest);
    }
}

fn bytes(out: &mut String, bytes: &[u8], cut: bool) {
    out.push('[');
    for (place, byte) in bytes.iter().enumerate() {
        if place > 0 {
            out.push(',');
        }
        print(out, byte);
    }
    if cut {
        if !bytes.is_empty() {
            out.push(',');
        }
        marker(out, markers::TRUNCATED, None);
    }
    out.push(']');
}

/// Writes a marker object.
pub(crate) fn marker(out: &mut String, kind: &str, told: Option<&str>) {
    let _ = write!(out, "{{\"{}\":", markers::KEY);
    match told {
        None => write_quoted(out, kind, false),
        Some(told) => write_quoted(out, &format!("{kind}: {told}"), false),
    }
    out.push('}');
}

fn write_quoted(out: &mut String, text: &str, cut: bool) {
    out.push('"');
    let mut plain = 0;
    let is_special = |byte: u8| byte < 0x20 || byte == b'"' || byte == b'\\';
    // Folded, not searched: the compiler then looks at many bytes at once.
    if !text.bytes().fold(false, |any, byte| any | is_special(byte)) {
        out.push_str(text);
        return close_quoted(out, cut);
    }
    for (at, byte) in text.bytes().enumerate() {
        if !is_special(byte) {
            continue;
        }
        out.push_str(&text[plain..at]);
        plain = at + 1;
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            _ => {
                let _ = write!(out, "\\u{byte:04x}");
            }
        }
    }
    out.push_str(&text[plain..]);
    close_quoted(out, cut);
}

fn close_quoted(out: &mut String, cut: bool) {
    if cut {
        out.push_str(markers::ELLIPSIS);
    }
    out.push('"');
}
