//! A JSON text that is being written. Nearly all that is captured are short texts and numbers: each is written as whole
//! words into room that is there already, and what is written too much is written over by what comes next.

use std::fmt;

use glasshull_wire::limits::MAX_NAME_BYTES;

use super::cut;

/// Room that is made at least, in bytes: most calls' arguments.
const FIRST_ROOM: usize = 256;

/// A name as it stands before its value, `"name":`, with what comes before it.
pub(crate) struct Key {
    pub(crate) name: &'static str,
    text: Box<str>,
    /// Its first bytes: all of them, for nearly all names.
    first: [u8; Key::SHORT],
}

impl Key {
    const SHORT: usize = 32;

    pub(crate) fn new(before: &str, name: &'static str) -> Self {
        let mut key = Json::default();
        key.push_str(before);
        key.quoted(cut(name, MAX_NAME_BYTES / 8));
        key.push_str(":");
        let mut first = [0; Self::SHORT];
        first.iter_mut().zip(key.as_str().bytes()).for_each(|(place, byte)| *place = byte);
        Self { name, text: key.as_str().into(), first }
    }
}

/// JSON. Kept for its memory.
#[derive(Default)]
pub(crate) struct Json {
    /// Longer than what is written.
    bytes: Vec<u8>,
    /// Where the next byte belongs. What stands before is UTF-8: only whole texts are written, and ASCII.
    at: usize,
}

impl Json {
    pub(crate) fn as_str(&self) -> &str {
        let written = self.bytes.get(..self.at).unwrap_or_default();
        debug_assert!(std::str::from_utf8(written).is_ok());
        // SAFETY: what stands before `at` is UTF-8, as it says.
        unsafe { std::str::from_utf8_unchecked(written) }
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.at
    }

    #[inline]
    pub(crate) fn clear(&mut self) {
        self.at = 0;
    }

    /// Forgets what stands behind a place at which a text ended.
    pub(crate) fn truncate(&mut self, length: usize) {
        if self.as_str().is_char_boundary(length) {
            self.at = length;
        }
    }

    /// The last byte.
    pub(super) fn last(&self) -> Option<u8> {
        self.as_str().bytes().next_back()
    }

    /// Room for so many bytes.
    #[inline(always)]
    fn room(&mut self, bytes: usize) -> &mut [u8] {
        if self.bytes.len() - self.at < bytes {
            self.grow(bytes);
        }
        &mut self.bytes[self.at..]
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self, bytes: usize) {
        let length = (self.at + bytes).max(2 * self.bytes.len()).max(FIRST_ROOM);
        self.bytes.resize(length, 0);
    }

    /// Writes an ASCII character.
    #[inline]
    pub(crate) fn push(&mut self, byte: u8) {
        debug_assert!(byte.is_ascii());
        self.room(1)[0] = byte & 0x7F;
        self.at += 1;
    }

    /// Writes a text as it is.
    #[inline]
    pub(crate) fn push_str(&mut self, text: &str) {
        self.room(text.len())[..text.len()].copy_from_slice(text.as_bytes());
        self.at += text.len();
    }

    #[inline]
    pub(crate) fn key(&mut self, key: &Key) {
        match self.room(Key::SHORT).first_chunk_mut() {
            Some(place) if key.text.len() <= Key::SHORT => {
                *place = key.first;
                self.at += key.text.len();
            }
            _ => self.push_str(&key.text),
        }
    }

    /// Writes a text between quotes.
    pub(crate) fn quoted(&mut self, text: &str) {
        if !self.quoted_plain(text.as_bytes()) {
            self.quoted_in_parts(text, "");
        }
    }

    /// Writes bytes between quotes, if they are ASCII of which each character stands for itself. Else nothing.
    #[inline]
    pub(super) fn quoted_plain(&mut self, text: &[u8]) -> bool {
        let Some((quote, place)) = self.room(text.len() + 2 + WORD).split_first_mut() else { return false };
        if !copy_plain(text, place) {
            return false;
        }
        (*quote, place[text.len()]) = (b'"', b'"');
        self.at += text.len() + 2;
        true
    }

    /// Writes a text between quotes, and with it what stands behind it and needs no escapes.
    #[inline(never)]
    pub(super) fn quoted_in_parts(&mut self, text: &str, behind: &str) {
        self.push(b'"');
        let mut rest = text;
        loop {
            let (plain, special) = rest.split_at(plain_length(rest.as_bytes()));
            self.push_str(plain);
            let Some(&byte) = special.as_bytes().first() else { break };
            self.escaped(byte);
            rest = &special[1..];
        }
        self.push_str(behind);
        self.push(b'"');
    }

    fn escaped(&mut self, byte: u8) {
        match byte {
            b'"' => self.push_str("\\\""),
            b'\\' => self.push_str("\\\\"),
            b'\n' => self.push_str("\\n"),
            b'\r' => self.push_str("\\r"),
            b'\t' => self.push_str("\\t"),
            _ => {
                let _ = fmt::Write::write_fmt(self, format_args!("\\u{byte:04x}"));
            }
        }
    }

    /// Writes a whole number.
    #[inline]
    pub(super) fn unsigned(&mut self, number: u64) {
        if number < 10_000 {
            let zeros = usize::from(number < 10) + usize::from(number < 100) + usize::from(number < 1_000);
            self.four(u32::from_le_bytes(digits(number)) >> (8 * zeros), 4 - zeros);
        } else {
            self.large(number);
        }
    }

    #[inline(never)]
    fn large(&mut self, number: u64) {
        self.unsigned(number / 10_000);
        self.four(u32::from_le_bytes(digits(number % 10_000)), 4);
    }

    /// Writes the first bytes of four.
    #[inline(always)]
    fn four(&mut self, bytes: u32, length: usize) {
        if let Some(place) = self.room(4).first_chunk_mut() {
            *place = bytes.to_le_bytes();
        }
        self.at += length;
    }

    #[inline]
    pub(super) fn signed(&mut self, number: i64) {
        if number < 0 {
            self.push(b'-');
        }
        self.unsigned(number.unsigned_abs());
    }
}

impl fmt::Write for Json {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push_str(text);
        Ok(())
    }
}

/// The four digits of a number below 10,000.
#[inline(always)]
fn digits(number: u64) -> [u8; 4] {
    const PAIRS: [[u8; 2]; 100] = {
        let mut pairs = [[b'0'; 2]; 100];
        let mut number = 0;
        while number < 100 {
            pairs[number] = [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8];
            number += 1;
        }
        pairs
    };
    let ([a, b], [c, d]) = (PAIRS[(number / 100 % 100) as usize], PAIRS[(number % 100) as usize]);
    [a, b, c, d]
}

/// Copies bytes, if all of them are ASCII and stand for themselves between quotes. Where that is not so, only a part may
/// be copied. Behind the place of the text a word may be written over.
#[inline]
fn copy_plain(text: &[u8], place: &mut [u8]) -> bool {
    match text.len() {
        0..WORD => copy_short(text, place),
        WORD..=16 => copy_ends::<WORD>(text, place),
        17..=32 => copy_ends::<16>(text, place),
        _ => copy_long(text, place),
    }
}

#[inline]
fn copy_short(text: &[u8], place: &mut [u8]) -> bool {
    let word = short_word(text);
    if let Some(place) = place.first_chunk_mut() {
        *place = word;
    }
    odd_bytes(word) == 0
}

/// The same for `N` to twice `N` bytes: its first and its last, which may overlap.
#[inline(always)]
fn copy_ends<const N: usize>(text: &[u8], place: &mut [u8]) -> bool {
    let (Some(first), Some(last)) = (text.first_chunk::<N>(), text.last_chunk::<N>()) else { return false };
    let Some(places) = place.get_mut(..text.len()) else { return false };
    if let Some(place) = places.first_chunk_mut() {
        *place = *first;
    }
    if let Some(place) = places.last_chunk_mut() {
        *place = *last;
    }
    odd_words(first) | odd_words(last) == 0
}

#[inline(never)]
fn copy_long(text: &[u8], place: &mut [u8]) -> bool {
    place[..text.len()].copy_from_slice(text);
    odd_words(text) | text.last_chunk().map_or(0, |last| odd_bytes(*last)) == 0
}

/// Not 0 if one of the bytes, as far as they are whole words, is [odd](odd_bytes).
#[inline(always)]
fn odd_words(bytes: &[u8]) -> u64 {
    bytes.as_chunks().0.iter().fold(0, |odd, word| odd | odd_bytes(*word))
}

/// Less than a word of bytes, and spaces behind them.
#[inline]
fn short_word(text: &[u8]) -> [u8; WORD] {
    let byte = |at: usize| u64::from(text[at]) << (8 * at);
    let half = |half: &[u8; 4]| u64::from(u32::from_le_bytes(*half));
    let word = match (text.first_chunk(), text.last_chunk(), text.len()) {
        (Some(first), Some(last), length) => half(first) | half(last) << (8 * (length - 4)),
        (_, _, 0) => 0,
        // Two bytes or one are some of these twice.
        (_, _, length) => byte(0) | byte(length / 2) | byte(length - 1),
    };
    (word | SPACES << (8 * text.len())).to_le_bytes()
}

/// Bytes before the first that needs an escape.
fn plain_length(text: &[u8]) -> usize {
    let (words, rest) = text.as_chunks::<WORD>();
    for (place, &word) in words.iter().enumerate() {
        // Where a byte borrows from the next, the next may be marked as well: the first mark is right.
        let marks = escaped_bytes(word);
        if marks != 0 {
            return place * WORD + marks.trailing_zeros() as usize / 8;
        }
    }
    let is_escaped = |&byte: &u8| byte < b' ' || byte == b'"' || byte == b'\\';
    text.len() - rest.len() + rest.iter().position(is_escaped).unwrap_or(rest.len())
}

const WORD: usize = size_of::<u64>();
const ONES: u64 = u64::from_le_bytes([1; WORD]);
const HIGH: u64 = ONES << 7;
const SPACES: u64 = ONES * b' ' as u64;
const QUOTES: u64 = ONES * b'"' as u64;
const BACKSLASHES: u64 = ONES * b'\\' as u64;

/// Not 0 if one of the bytes is a quote, a backslash, a control character, or no ASCII.
#[inline(always)]
fn odd_bytes(word: [u8; WORD]) -> u64 {
    let word = u64::from_le_bytes(word);
    let [spaces, quotes, backslashes] = differences(word);
    (word | spaces | quotes | backslashes) & HIGH
}

/// The highest bits of bytes that are quotes, backslashes or control characters, and maybe of such that stand behind one.
fn escaped_bytes(word: [u8; WORD]) -> u64 {
    let word = u64::from_le_bytes(word);
    let [spaces, quotes, backslashes] = differences(word);
    (spaces & !word | quotes & !(word ^ QUOTES) | backslashes & !(word ^ BACKSLASHES)) & HIGH
}

/// A byte's highest bit tells that it is below a space, is a quote, is a backslash; or that its own highest bit is set; or
/// that one of these holds for the byte before it.
#[inline(always)]
fn differences(word: u64) -> [u64; 3] {
    [word.wrapping_sub(SPACES), (word ^ QUOTES).wrapping_sub(ONES), (word ^ BACKSLASHES).wrapping_sub(ONES)]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(write: impl FnOnce(&mut Json)) -> String {
        let mut out = Json::default();
        write(&mut out);
        assert!(std::str::from_utf8(out.as_str().as_bytes()).is_ok());
        out.as_str().to_owned()
    }

    #[test]
    fn every_byte_is_seen_at_every_place_of_texts_of_every_length() {
        for length in 0..50 {
            let plain = vec![b'x'; length];
            assert!(Json::default().quoted_plain(&plain));
            for (place, byte) in (0..length).flat_map(|place| (0..=u8::MAX).map(move |byte| (place, byte))) {
                let mut text = plain.clone();
                text[place] = byte;
                let is_plain = matches!(byte, b' '..=0x7F) && byte != b'"' && byte != b'\\';
                let mut out = Json::default();
                assert_eq!(out.quoted_plain(&text), is_plain, "{byte} at {place} of {length}");
                let Ok(text) = std::str::from_utf8(&text) else { continue };
                assert_eq!(out.as_str(), if is_plain { format!("\"{text}\"") } else { String::new() });
                let quoted = written(|out| out.quoted(text));
                assert_eq!(serde_json::from_str::<String>(&quoted).unwrap(), text);
            }
        }
    }

    #[test]
    fn numbers_of_few_digits_are_what_display_makes_of_them() {
        for number in (0..100_100).chain(999_999_000..1_000_001_000) {
            assert_eq!(written(|out| out.unsigned(number)), number.to_string());
        }
    }

    #[test]
    fn what_is_written_stands_behind_what_was_before_and_is_forgotten_whole_characters_at_a_time() {
        let key = |name| written(|out| out.key(&Key::new(",", name)));
        assert_eq!(key("a"), r#","a":"#);
        assert_eq!(
            key("a name that is longer than most are \u{e9}"),
            ",\"a name that is longer than most are \u{e9}\":"
        );
        let mut out = Json::default();
        (0..1_000).for_each(|number| out.unsigned(number));
        let before = out.len();
        out.quoted("\u{e4}");
        out.truncate(before + 2);
        assert_eq!(out.len(), before + 4, "inside a character");
        out.truncate(before);
        assert_eq!((out.len(), out.last()), (before, Some(b'9')));
        out.clear();
        assert_eq!(out.as_str(), "");
        assert_eq!(out.last(), None);
    }

    proptest! {
        #[test]
        fn any_text_is_what_serde_json_makes_of_it(text in "[ -~]{0,60}(.|[\\x00-\\x20]|[\"\\\\]|[ -~\u{e4}]{0,60}){0,4}") {
            // Which writes two of the control characters in their short forms.
            let expected = serde_json::to_string(&text).unwrap();
            let is_short = text.contains(['\u{8}', '\u{c}']);
            let quoted = written(|out| out.quoted(&text));
            prop_assert_eq!(serde_json::from_str::<String>(&quoted).unwrap(), &*text);
            prop_assert!(is_short || quoted == expected, "{}", quoted);
            let cut = written(|out| out.quoted_in_parts(&text, "\u{2026}"));
            prop_assert_eq!(cut, format!("{}\u{2026}\"", &quoted[..quoted.len() - 1]));
        }

        #[test]
        fn any_number_is_what_display_makes_of_it(number in any::<u64>(), bits in 0..64_u32) {
            let number = number >> bits;
            prop_assert_eq!(written(|out| out.unsigned(number)), number.to_string());
            prop_assert_eq!(written(|out| out.signed(number as i64)), (number as i64).to_string());
        }
    }
}
