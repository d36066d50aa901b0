//! What a word is: a run of letters, digits, `_` and whatever is not ASCII, of at least [`MIN_WORD_BYTES`]. A GUID is five.
//!
//! Values are stored as JSON; words are those of the texts in it, with their escapes undone. A predicate may only rule rows
//! out by words that must stand in them as words: see [`words_inside`].

use std::borrow::Cow;

/// Shorter runs are in nearly all rows.
pub const MIN_WORD_BYTES: usize = 3;

/// Whether a byte is part of a word.
pub(super) const fn is_of_a_word(byte: u8) -> bool {
    OF_A_WORD[byte as usize]
}

const OF_A_WORD: [bool; 256] = {
    let mut of_a_word = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        let ascii = byte as u8;
        of_a_word[byte] = ascii.is_ascii_alphanumeric() || ascii == b'_' || !ascii.is_ascii();
        byte += 1;
    }
    of_a_word
};

/// Hands over the words of a text, however many there are of each.
pub fn words_of_text(text: &str, mut word: impl FnMut(&[u8])) {
    for run in text.as_bytes().split(|&byte| !is_of_a_word(byte)) {
        if run.len() >= MIN_WORD_BYTES {
            word(run);
        }
    }
}

/// Hands over the words of a value as it is stored: those of its keys, texts, numbers.
pub fn words_of_json(json: &str, word: impl FnMut(&[u8])) {
    words_of_text(&unescaped(json), word);
}

/// JSON with its escapes undone: as people would write it, and no JSON any more.
pub(super) fn unescaped(json: &str) -> Cow<'_, str> {
    let Some(first) = json.find('\\') else { return Cow::Borrowed(json) };
    let (mut text, mut rest) = (String::with_capacity(json.len()), json);
    let mut next = Some(first);
    while let Some(at) = next {
        text.push_str(&rest[..at]);
        let (character, length) = escaped(&rest[at..]);
        text.push(character);
        rest = rest.get(at + length..).unwrap_or_default();
        next = rest.find('\\');
    }
    text.push_str(rest);
    Cow::Owned(text)
}

/// The character that an escape stands for, and how many bytes the escape has. For what is none it is a space.
fn escaped(escape: &str) -> (char, usize) {
    let unit = |at: usize| {
        let digits = escape.get(at..at + 6)?.strip_prefix("\\u")?;
        u16::from_str_radix(digits, 16).ok()
    };
    let Some(first) = unit(0) else {
        let length = escape.chars().take(2).map(char::len_utf8).sum();
        return match escape.as_bytes().get(1) {
            Some(&byte @ (b'"' | b'\\' | b'/')) => (char::from(byte), length),
            _ => (' ', length),
        };
    };
    let units = [Some(first), unit(6)].into_iter().flatten();
    match char::decode_utf16(units).next() {
        Some(Ok(character)) => (character, 6 * character.len_utf16()),
        _ => (' ', 6),
    }
}

/// Whether a text stands in a value as it is stored, and neither begins nor ends within a word of it.
pub fn mentions(json: &str, text: &str) -> bool {
    let value = unescaped(json);
    let joins =
        |before: Option<u8>, behind: Option<u8>| before.is_some_and(is_of_a_word) && behind.is_some_and(is_of_a_word);
    let bytes = value.as_bytes();
    let (first, last) = (text.bytes().next(), text.bytes().next_back());
    !text.is_empty()
        && value.match_indices(text).any(|(at, _)| {
            let before = at.checked_sub(1).and_then(|before| bytes.get(before).copied());
            !joins(before, first) && !joins(last, bytes.get(at + text.len()).copied())
        })
}

/// Hands over the words that stand as words in every text that contains this part of it. With `open_start` more may
/// stand before the part, with `open_end` behind it: a run of letters there may be the rest of a longer word.
///
/// A run behind a backslash is not handed over: in JSON it is an escape's, and no word begins there.
pub fn words_inside(part: &str, open_start: bool, open_end: bool, mut word: impl FnMut(&[u8])) {
    let (bytes, mut at) = (part.as_bytes(), 0);
    while at < bytes.len() {
        let length = bytes[at..].iter().take_while(|&&byte| is_of_a_word(byte)).count();
        let begins = if at == 0 { !open_start } else { bytes[at - 1] != b'\\' };
        let ends = if at + length == bytes.len() { !open_end } else { bytes[at + length] != b'\\' };
        if length >= MIN_WORD_BYTES && begins && ends {
            word(&bytes[at..at + length]);
        }
        at += length + 1;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(of: impl FnOnce(&mut dyn FnMut(&[u8]))) -> Vec<String> {
        let mut words = Vec::new();
        of(&mut |word| words.push(String::from_utf8_lossy(word).into_owned()));
        words
    }

    #[test]
    fn a_value_has_the_words_of_its_keys_texts_and_numbers() {
        let json = r#"{"order":"018f6c1e-7d1a-7c3e-9b51-3f0f5d1c2a77","qty":3,"price":1999.5,"näme":"Zoë"}"#;
        let words =
            ["order", "018f6c1e", "7d1a", "7c3e", "9b51", "3f0f5d1c2a77", "qty", "price", "1999", "näme", "Zoë"];
        assert_eq!(all(|word| words_of_json(json, word)), words);
    }

    #[test]
    fn escapes_are_undone() {
        let json = r#""one\ntwo \u0041bc caf\u00e9s \ud83d\ude00x \"quoted\" c:\\temp a\u0020bcd \ud83dxyz""#;
        let words = ["one", "two", "Abc", "cafés", "😀x", "quoted", "temp", "bcd", "xyz"];
        assert_eq!(all(|word| words_of_json(json, word)), words);
    }

    #[test]
    fn broken_escapes_do_no_harm() {
        for json in [r"\", r"\u", r"\u00", r"\uzzzz", r"abc\", r"\ud83d", r"\ud83d\u", r"\ud83d\u0041", "\\é"] {
            all(|word| words_of_json(json, word));
        }
    }

    #[test]
    fn of_a_part_only_whole_words_count() {
        let guid = "018f6c1e-7d1a-7c3e-9b51-3f0f5d1c2a77";
        assert_eq!(all(|word| words_inside(guid, true, true, word)), ["7d1a", "7c3e", "9b51"]);
        assert_eq!(all(|word| words_inside(guid, false, true, word)), ["018f6c1e", "7d1a", "7c3e", "9b51"]);
        assert_eq!(all(|word| words_inside(guid, false, false, word)).len(), 5);
        assert_eq!(all(|word| words_inside(r"a\nword abc\def", false, false, word)), [""; 0]);
        assert_eq!(all(|word| words_inside("whole", true, true, word)), [""; 0]);
    }

    #[test]
    fn a_value_mentions_what_stands_between_its_words() {
        let json = r#"{"order":"ORD-12345","text":"one\ntwo \"three\" c:\\temp"}"#;
        for text in
            ["ORD-12345", "12345", "ORD", "one", "two", "\"three\"", "three", r"c:\temp", "order", ":", "one\ntwo"]
        {
            assert!(mentions(json, text) || text.contains('\n'), "{text}");
        }
        for text in ["", "1234", "RD-12345", "ntwo", "thre", "ord", "ORD 12345"] {
            assert!(!mentions(json, text), "{text}");
        }
        assert!(mentions("[1234567]", "1234567") && !mentions("[1234567]", "123456"));
        assert!(mentions("\"xab abx ab\"", "ab"), "not the first place, but the last");
    }

    proptest! {
        /// What is mentioned is found by its words.
        #[test]
        fn what_is_mentioned_has_its_words(
            texts in prop::collection::vec("[a-cé\"\\\\ \u{1}-]{0,12}", 1..4), from in 0usize..40, length in 0usize..12,
        ) {
            let json = serde_json::to_string(&texts).unwrap();
            let text: String = unescaped(&json).chars().skip(from).take(length).collect();
            let has = all(|word| words_of_json(&json, word));
            if mentions(&json, &text) {
                for word in all(|word| words_of_text(&text, word)) {
                    prop_assert!(has.contains(&word), "{word:?} of {text:?} in {json}: {has:?}");
                }
            }
        }

        /// What `LIKE '%part%'` finds in the stored text has the words of the part.
        #[test]
        fn no_word_is_asked_for_that_a_match_has_not(
            texts in prop::collection::vec("[a-cé\"\\\\ \n\u{1}-]{0,12}", 1..4), from in 0usize..40, length in 0usize..20,
        ) {
            let json = serde_json::to_string(&texts).unwrap();
            let part: String = json.chars().skip(from).take(length).collect();
            let has = all(|word| words_of_json(&json, word));
            for word in all(|word| words_inside(&part, true, true, word)) {
                prop_assert!(has.contains(&word), "{word:?} of {part:?} in {json}: {has:?}");
            }
        }

        /// The words of a text are those of its JSON.
        #[test]
        fn escaping_changes_no_word(text in "[a-cé😀\"\\\\/ \n\t\u{1}-]{0,30}") {
            let json = serde_json::to_string(&text).unwrap();
            prop_assert_eq!(all(|word| words_of_text(&text, word)), all(|word| words_of_json(&json, word)));
        }
    }
}
