//! Names of secrets inside texts: what `Debug` printed, messages of errors and panics.

use std::ops::Range;

use super::names::Normal;
use super::{Redaction, SHOWN_INSTEAD};

/// A word behind a colon that has so many characters, a digit among them, is rather a secret than prose.
const MIN_SECRET_BYTES: usize = 4;

impl Redaction {
    /// Replaces in a printed value what stands behind a name of secrets: `password: "x"`, `"password": "x"`,
    /// `password=x`; also inside texts inside the text, where quotes are escaped. With `colons` off, a colon does not
    /// always count, as prose has colons too: only behind a quoted name, behind `{` or `,` and a name, before a quoted
    /// value, behind a name that can mean nothing else (`password`), and before what looks like no word of prose.
    pub(crate) fn redact_text(&self, text: &str, colons: bool) -> Option<String> {
        let mut redacted = String::new();
        let mut kept = 0;
        let mut at = 0;
        let mut before = 0..0;
        while let Some(word) = Word::next(text, at, before) {
            (at, before) = (word.end, word.start..word.end);
            if self.is_secret(&word, text, colons) {
                let end = end_of_value(text, word.value);
                let end = word.value + text[word.value..end].trim_end().len();
                redacted.push_str(&text[kept..word.value]);
                redacted.push_str(SHOWN_INSTEAD);
                (kept, at, before) = (end, end, 0..0);
            }
        }
        if kept == 0 {
            return None;
        }
        redacted.push_str(&text[kept..]);
        Some(redacted)
    }

    fn is_secret(&self, word: &Word<'_>, text: &str, colons: bool) -> bool {
        let counts = match word.separator {
            Some(b'=') => true,
            Some(b':') => colons || word.is_quoted || word.looks_printed(text.as_bytes()) || word.has_odd_value(text),
            _ => return false,
        };
        let defaults = if counts { Normal::is_secret } else { Normal::is_plain };
        [word.name, word.two].iter().any(|name| self.is_among(&Normal::of(name), defaults))
    }
}

/// A word in a text, and where a value behind it would begin.
struct Word<'t> {
    name: &'t str,
    /// With the word before it, if one blank parts them: `api key`.
    two: &'t str,
    start: usize,
    /// Behind the word, and behind its closing quote.
    end: usize,
    is_quoted: bool,
    separator: Option<u8>,
    value: usize,
}

impl<'t> Word<'t> {
    fn next(text: &'t str, from: usize, before: Range<usize>) -> Option<Self> {
        let bytes = text.as_bytes();
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        let start = from + bytes[from..].iter().position(|&byte| is_word(byte))?;
        let length = bytes[start..].iter().take_while(|&&byte| is_word(byte)).count();
        let name = &text[start..start + length];
        let begin = if !before.is_empty() && &text[before.end..start] == " " { before.start } else { start };
        let two = &text[begin..start + length];
        let closing = closing_quote(bytes, begin, start + length);
        let end = start + length + closing;
        let blanks = |at: usize| at + bytes[at..].iter().take_while(|&&byte| byte == b' ').count();
        let at = blanks(end);
        let separator = bytes.get(at).copied().filter(|byte| b":=".contains(byte));
        // `a::b` is a path and `a == b` a comparison; `a => b` is how some maps are printed.
        let separator = separator.filter(|byte| bytes.get(at + 1) != Some(byte));
        let arrow = usize::from(bytes.get(at..).is_some_and(|rest| rest.starts_with(b"=>")));
        let behind = (at + 1 + arrow).min(bytes.len());
        let value = behind + bytes[behind..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        Some(Self { name, two, start, end, is_quoted: closing > 0, separator, value })
    }

    /// Whether it stands where a printed struct or map has its names.
    fn looks_printed(&self, text: &[u8]) -> bool {
        let before = text[..self.start].iter().rfind(|byte| !byte.is_ascii_whitespace());
        let behind = text[self.value.min(text.len())..].iter().find(|byte| **byte != b'\\');
        matches!(before, Some(b'{' | b',')) || behind == Some(&b'"')
    }

    /// Whether the word behind the colon looks like no word of prose.
    fn has_odd_value(&self, text: &str) -> bool {
        let value =
            text[self.value..].split(|c: char| c.is_whitespace() || ",;".contains(c)).next().unwrap_or_default();
        value.len() >= MIN_SECRET_BYTES && value.bytes().any(|byte| byte.is_ascii_digit())
    }
}

/// How many bytes the quote behind a name takes, 0 if the name stands in no quotes. Inside a text inside the text both
/// quotes are escaped.
fn closing_quote(bytes: &[u8], start: usize, end: usize) -> usize {
    if start == 0 || bytes[start - 1] != b'"' {
        return 0;
    }
    let escapes = bytes[end..].iter().take_while(|&&byte| byte == b'\\').count();
    if bytes.get(end + escapes) == Some(&b'"') { escapes + 1 } else { 0 }
}

/// Where the value ends that begins at `from`: behind its closing quote or bracket, or before what separates it.
fn end_of_value(text: &str, from: usize) -> usize {
    let bytes = text.as_bytes();
    if bytes.get(from) == Some(&b'\'') {
        let rest = &bytes[from + 1..];
        let close = (0..rest.len()).find(|&at| rest[at] == b'\'' && (at == 0 || rest[at - 1] != b'\\'));
        return close.map_or(text.len(), |at| from + 1 + at + 1);
    }
    let mut quotes = Quotes::default();
    let mut depth = 0usize;
    for (at, &byte) in bytes.iter().enumerate().skip(from) {
        match (quotes.take(byte), byte) {
            (Place::Around, _) => return at - quotes.escapes,
            (Place::Inside, _) => {}
            (Place::Outside, b'(' | b'[' | b'{') => depth += 1,
            (Place::Outside, b')' | b']' | b'}' | b',' | b';' | b'&' | b'\n') if depth == 0 => return at,
            (Place::Outside, b')' | b']' | b'}') => depth -= 1,
            (Place::Outside, _) => {}
        }
    }
    text.len()
}

/// Follows the quotes of a value. The first one tells how often the value's quotes are escaped.
#[derive(Default)]
struct Quotes {
    /// Backslashes before each quote of the value, once it is known.
    level: Option<usize>,
    is_open: bool,
    /// Backslashes just before this byte.
    escapes: usize,
    /// The same before this quote.
    before: usize,
}

enum Place {
    Inside,
    Outside,
    /// A quote of the text that the value stands in: the value ended before it.
    Around,
}

impl Quotes {
    fn take(&mut self, byte: u8) -> Place {
        self.before = std::mem::take(&mut self.escapes);
        match byte {
            b'\\' => self.escapes = self.before + 1,
            b'"' => {
                let level = *self.level.get_or_insert(self.before);
                if self.before < level {
                    self.escapes = self.before;
                    return Place::Around;
                }
                // Deeper quotes have more, and backslashes of the content come in whole groups.
                if (self.before - level).is_multiple_of(2 * (level + 1)) {
                    self.is_open = !self.is_open;
                    return Place::Inside;
                }
            }
            _ => {}
        }
        if self.is_open { Place::Inside } else { Place::Outside }
    }
}
