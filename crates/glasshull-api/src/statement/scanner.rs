//! A statement's text, read from left to right. Blanks and comments are skipped before each token.

use super::nearest;
use crate::{Code, Failure, Position};

/// What is left of a statement.
#[derive(Clone)]
pub(super) struct Scanner<'a> {
    text: &'a str,
    /// Where the next token begins.
    offset: usize,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let mut scanner = Self { text, offset: 0 };
        scanner.skip_blanks();
        scanner
    }

    pub(super) fn text(&self) -> &'a str {
        self.text
    }

    pub(super) fn offset(&self) -> usize {
        self.offset
    }

    /// What is left, from the next token on.
    pub(super) fn rest(&self) -> &'a str {
        &self.text[self.offset..]
    }

    /// Takes so many bytes and the blanks behind them.
    pub(super) fn take(&mut self, bytes: usize) -> &'a str {
        let taken = &self.rest()[..bytes];
        self.offset += bytes;
        self.skip_blanks();
        taken
    }

    /// Takes so many bytes and nothing more: what follows belongs to the same token.
    pub(super) fn take_tight(&mut self, bytes: usize) -> &'a str {
        let taken = &self.rest()[..bytes];
        self.offset += bytes;
        taken
    }

    /// The next token where it is a word.
    pub(super) fn word(&self) -> Option<&'a str> {
        let rest = self.rest();
        rest.starts_with(|c: char| c.is_alphabetic() || c == '_').then(|| &rest[..run(rest, is_word)])
    }

    /// Takes the next token where it is this word in any case.
    pub(super) fn take_word(&mut self, word: &str) -> bool {
        let found = self.word().is_some_and(|next| next.eq_ignore_ascii_case(word));
        if found {
            self.take(word.len());
        }
        found
    }

    /// Takes this word.
    pub(super) fn expect_word(&mut self, word: &str) -> Result<(), Failure> {
        if self.take_word(word) { Ok(()) } else { Err(self.expected(word, &[word])) }
    }

    /// Takes what is left where it begins with this sign.
    pub(super) fn take_sign(&mut self, sign: &str) -> bool {
        let found = self.rest().starts_with(sign);
        if found {
            self.take(sign.len());
        }
        found
    }

    /// Takes this sign.
    pub(super) fn expect_sign(&mut self, sign: &str) -> Result<(), Failure> {
        if self.take_sign(sign) { Ok(()) } else { Err(self.expected(&format!("`{sign}`"), &[])) }
    }

    /// Whether nothing but a `;` is left.
    pub(super) fn at_end(&self) -> bool {
        self.rest().is_empty() || self.rest().starts_with(';')
    }

    /// Takes the end of the statement.
    pub(super) fn end(&mut self) -> Result<(), Failure> {
        self.take_sign(";");
        if self.rest().is_empty() { Ok(()) } else { Err(self.expected("the end of the statement", &[])) }
    }

    /// Takes a text in single or double quotes, in which the quote is doubled; `None` where none begins here.
    pub(super) fn quoted(&mut self) -> Result<Option<String>, Failure> {
        let quoted = self.quoted_tight()?;
        self.skip_blanks();
        Ok(quoted)
    }

    /// Like [`Scanner::quoted`], without the blanks behind it.
    pub(super) fn quoted_tight(&mut self) -> Result<Option<String>, Failure> {
        let Some(quote) = self.rest().chars().next().filter(|c| matches!(c, '\'' | '"')) else { return Ok(None) };
        let Some(bytes) = quoted_bytes(self.rest()) else {
            return Err(self.failure_at(self.rest().len(), "This quote is not closed.".into()));
        };
        let inner = &self.take_tight(bytes)[1..bytes - 1];
        Ok(Some(inner.replace(&format!("{quote}{quote}"), &quote.to_string())))
    }

    /// Takes a whole number, in which `_` may separate digits.
    pub(super) fn whole_number(&mut self) -> Result<Option<u64>, Failure> {
        let bytes = run(self.rest(), |c| c.is_ascii_digit() || c == '_');
        if !self.rest().starts_with(|c: char| c.is_ascii_digit()) {
            return Ok(None);
        }
        let digits = self.rest()[..bytes].replace('_', "");
        let number = digits.parse().map_err(|_| self.failure_at(bytes, format!("{digits} is too large a number.")))?;
        self.take(bytes);
        Ok(Some(number))
    }

    /// Takes a whole number within bounds; what exceeds them is `code`.
    pub(super) fn number_within(&mut self, what: &str, most: u64, code: Code) -> Result<u64, Failure> {
        let before = self.clone();
        let Some(number) = self.whole_number()? else { return Err(self.expected("a whole number", &[])) };
        if (1..=most).contains(&number) {
            return Ok(number);
        }
        let message = format!("{what} is from 1 to {most}, not {number}.");
        let position = Position::of(self.text, before.offset, before.token_bytes());
        Err(Failure::new(code, message).at(position))
    }

    /// The failure of a text that goes on otherwise than expected, with the nearest of the words it could mean.
    pub(super) fn expected(&self, what: &str, words: &[&str]) -> Failure {
        let failure = self.failure_at(self.token_bytes(), format!("Expected {what}, found {}.", self.found()));
        match self.word().and_then(|word| nearest(word, words.iter().copied())) {
            Some(word) => failure.meant(word, Position::of(self.text, self.offset, self.token_bytes())),
            None => failure,
        }
    }

    /// A failure at the next token.
    pub(super) fn failure(&self, message: impl Into<String>) -> Failure {
        self.failure_at(self.token_bytes(), message.into())
    }

    fn failure_at(&self, bytes: usize, message: String) -> Failure {
        Failure::new(Code::StatementSyntax, message).at(Position::of(self.text, self.offset, bytes))
    }

    /// The next token as a message names it.
    fn found(&self) -> String {
        /// What fits into a sentence, in characters.
        const MOST: usize = 40;
        let token = &self.rest()[..self.token_bytes()];
        match token {
            "" => "the end of the statement".into(),
            "/*" => "a comment that does not end".into(),
            _ if token.chars().count() > MOST => format!("`{}…`", token.chars().take(MOST).collect::<String>()),
            _ => format!("`{token}`"),
        }
    }

    /// How long the next token is.
    pub(super) fn token_bytes(&self) -> usize {
        let rest = self.rest();
        match rest.chars().next() {
            None => 0,
            Some(c) if is_word(c) => run(rest, is_word),
            Some('\'' | '"') => quoted_bytes(rest).unwrap_or(rest.len()),
            Some('/') if rest.starts_with("/*") => 2,
            Some(c) => c.len_utf8(),
        }
    }

    pub(super) fn skip_blanks(&mut self) {
        loop {
            let rest = self.rest();
            let blanks = match rest.chars().next() {
                Some(c) if c.is_whitespace() => run(rest, char::is_whitespace),
                Some('-' | '/') => comment_bytes(rest).unwrap_or(0),
                _ => 0,
            };
            if blanks == 0 {
                return;
            }
            self.offset += blanks;
        }
    }

    /// Takes a text in parentheses whole, whatever is inside, and returns it with its place.
    pub(super) fn parenthesized(&mut self) -> Result<(&'a str, Position), Failure> {
        let begin = self.clone();
        self.expect_sign("(")?;
        let start = self.offset;
        let mut depth = 1;
        while let Some(c) = self.rest().chars().next() {
            match c {
                '(' => depth += 1,
                ')' => depth -= 1,
                '/' if self.rest().starts_with("/*") => return Err(self.failure("This comment does not end.")),
                _ => {}
            }
            if depth == 0 {
                let inner = self.text[start..self.offset].trim_end();
                let position = Position::of(self.text, start, inner.len());
                self.take(1);
                return Ok((inner, position));
            }
            self.take(self.token_bytes());
        }
        Err(begin.failure("This parenthesis is not closed."))
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// How many bytes at the beginning of a text consist of such characters.
pub(super) fn run(text: &str, of: impl Fn(char) -> bool) -> usize {
    text.find(|c| !of(c)).unwrap_or(text.len())
}

/// The bytes of the quoted text that begins here, quotes included; `None` where it does not end.
fn quoted_bytes(text: &str) -> Option<usize> {
    let quote = *text.as_bytes().first()?;
    let mut bytes = text.bytes().enumerate().skip(1).peekable();
    while let Some((at, byte)) = bytes.next() {
        if byte == quote && bytes.next_if(|(_, next)| *next == quote).is_none() {
            return Some(at + 1);
        }
    }
    None
}

/// The bytes of the comment that begins here; `None` where none does or it does not end. As in SQL, comments between
/// `/*` and `*/` may hold others.
fn comment_bytes(text: &str) -> Option<usize> {
    if text.starts_with("--") {
        return Some(run(text, |c| c != '\n'));
    }
    text.strip_prefix("/*")?;
    let (mut at, mut depth) = (2, 1);
    while depth > 0 {
        let next = at + text[at..].find(['*', '/'])?;
        let (deeper, bytes) = match text.get(next..next + 2) {
            Some("/*") => (1, 2),
            Some("*/") => (-1, 2),
            _ => (0, 1),
        };
        depth += deeper;
        at = next + bytes;
    }
    Some(at)
}
