//! Names whose values never leave the process.

use std::cell::Cell;
use std::collections::HashSet;

use super::tag;

/// Names that contain one of these, in any case and with or without `_`, `-`, `.` and blanks, name secrets.
const ANYWHERE: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "secret",
    "credential",
    "privatekey",
    "apikey",
    "accesskey",
    "encryptionkey",
    "signingkey",
    "creditcard",
    "cardnumber",
    "securitycode",
];

/// Names that end in one of these: `accessToken`, but not `tokens_used`.
const AT_THE_END: &[&str] = &["token", "cookie", "cookies", "authorization", "iban", "jwt"];

/// Names that are one of these: too short or too common to be looked for inside others.
const WHOLE: &[&str] = &[
    "card",
    "cvv",
    "cvc",
    "cvv2",
    "pin",
    "ssn",
    "pan",
    "pwd",
    "pass",
    "auth",
    "bearer",
    "session",
    "sessionid",
    "sid",
    "otp",
    "totp",
    "mfa",
    "csrf",
    "xsrf",
    "socialsecuritynumber",
    "taxid",
    "passport",
    "passportnumber",
    "accountnumber",
    "routingnumber",
];

/// Longer names are looked at up to here, in bytes.
const MAX_NAME_BYTES: usize = 64;

/// Places in a thread's memory of answers.
const REMEMBERED: usize = 256;

/// Which names' values are withheld.
#[derive(Debug, Default)]
pub(crate) struct Redaction {
    further: HashSet<String>,
}

thread_local! {
    /// Field names are static texts, so the place and length of one tell which it is.
    static ANSWERS: [Cell<(usize, usize, bool)>; REMEMBERED] = const { [const { Cell::new((0, 0, false)) }; REMEMBERED] };
}

impl Redaction {
    /// Withholds also values of these names.
    pub(crate) fn with(names: impl IntoIterator<Item = String>) -> Self {
        Self { further: names.into_iter().map(|name| normalized(&name)).filter(|name| !name.is_empty()).collect() }
    }

    /// Whether a name is one of secrets.
    pub(crate) fn names(&self, name: &str) -> bool {
        let name = normalized(name);
        ANYWHERE.iter().any(|secret| name.contains(secret))
            || AT_THE_END.iter().any(|secret| name.ends_with(secret))
            || WHOLE.contains(&name.as_str())
            || self.further.contains(&name)
    }

    /// The same for a text that is part of the program; remembers the answer.
    pub(crate) fn names_static(&self, name: &'static str) -> bool {
        if !self.further.is_empty() {
            // Agents with different settings must not share answers.
            return self.names(name);
        }
        let key = (name.as_ptr() as usize, name.len());
        ANSWERS.with(|answers| {
            let answer = &answers[(key.0 ^ (key.0 >> 8) ^ key.1) % REMEMBERED];
            let (place, length, secret) = answer.get();
            if (place, length) == key {
                return secret;
            }
            let secret = self.names(name);
            answer.set((key.0, key.1, secret));
            secret
        })
    }

    /// The same for a key in binary form.
    pub(crate) fn names_encoded(&self, key: &[u8]) -> bool {
        // A key that is long enough to need a second byte for its length is not a name.
        match key {
            [tag::TEXT, length, text @ ..] if *length < 0x80 => {
                std::str::from_utf8(text).is_ok_and(|text| self.names(text))
            }
            _ => false,
        }
    }

    /// Replaces in a printed value what stands behind a name of secrets: `password: "x"`, `"password": "x"`,
    /// `password=x`. With `colons` off, a colon counts only where the text looks like a printed value, not like prose,
    /// which has colons too: behind a quoted name, behind `{` or `,` and a name, or before a quoted value.
    pub(crate) fn redact_text(&self, text: &str, colons: bool) -> Option<String> {
        let mut redacted = String::new();
        let mut kept = 0;
        let mut at = 0;
        while let Some(name) = next_name(text, at) {
            at = name.end;
            let quoted = name.quoted;
            if name.is_set(colons || quoted || name.looks_printed(text.as_bytes()))
                && self.names(&text[name.start..name.end - usize::from(quoted)])
            {
                let end = end_of_value(text, name.value);
                let end = name.value + text[name.value..end].trim_end().len();
                redacted.push_str(&text[kept..name.value]);
                redacted.push_str("[redacted]");
                (kept, at) = (end, end);
            }
        }
        if kept == 0 {
            return None;
        }
        redacted.push_str(&text[kept..]);
        Some(redacted)
    }
}

fn normalized(name: &str) -> String {
    name.bytes()
        .take(MAX_NAME_BYTES)
        .filter(u8::is_ascii_alphanumeric)
        .map(|byte| char::from(byte.to_ascii_lowercase()))
        .collect()
}

/// A word in a text, and where a value behind it would begin.
struct Name {
    start: usize,
    /// Behind the word, and behind its closing quote.
    end: usize,
    quoted: bool,
    separator: Option<u8>,
    value: usize,
}

impl Name {
    fn is_set(&self, colons: bool) -> bool {
        match self.separator {
            Some(b'=') => true,
            Some(b':') => colons,
            _ => false,
        }
    }

    /// Whether it stands where a printed struct or map has its names.
    fn looks_printed(&self, text: &[u8]) -> bool {
        let before = text[..self.start].iter().rfind(|byte| !byte.is_ascii_whitespace());
        matches!(before, Some(b'{' | b',')) || text.get(self.value) == Some(&b'"')
    }
}

fn next_name(text: &str, from: usize) -> Option<Name> {
    let bytes = text.as_bytes();
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    let start = from + bytes[from..].iter().position(|&byte| is_word(byte))?;
    let mut end = start + bytes[start..].iter().take_while(|&&byte| is_word(byte)).count();
    let quoted = start > 0 && bytes[start - 1] == b'"' && bytes.get(end) == Some(&b'"');
    end += usize::from(quoted);
    let blanks = |at: usize| at + bytes[at..].iter().take_while(|&&byte| byte == b' ').count();
    let at = blanks(end);
    let separator = bytes.get(at).copied().filter(|byte| b":=".contains(byte));
    // `a::b` is a path and `a == b` a comparison.
    let separator = separator.filter(|byte| bytes.get(at + 1) != Some(byte));
    Some(Name { start, end, quoted, separator, value: blanks((at + 1).min(bytes.len())) })
}

/// Where the value ends that begins at `from`: behind its closing quote or bracket, or before what separates it.
fn end_of_value(text: &str, from: usize) -> usize {
    let bytes = text.as_bytes();
    let (mut depth, mut quote, mut escaped) = (0usize, false, false);
    for (at, &byte) in bytes.iter().enumerate().skip(from) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quote => escaped = true,
            b'"' => quote = !quote,
            _ if quote => {}
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' | b',' | b';' | b'&' | b'\n' if depth == 0 => return at,
            b')' | b']' | b'}' => depth -= 1,
            _ => {}
        }
    }
    text.len()
}
