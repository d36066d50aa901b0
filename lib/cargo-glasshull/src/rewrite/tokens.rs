//! Where the tokens of a file lie, and where text can stand between them.

use std::ops::Range;

use proc_macro2::{TokenStream, TokenTree};

/// The places of all tokens, in order.
pub(super) struct Tokens<'a> {
    text: &'a str,
    /// What stands before the first token that a parser sees: a byte order mark, a line for the shell.
    skipped: usize,
    places: Vec<Range<usize>>,
}

pub(super) fn parse(text: &str) -> Result<(Tokens<'_>, syn::File), syn::Error> {
    let skipped = skipped(text);
    let stream: TokenStream = text[skipped..].parse()?;
    let mut tokens = Tokens { text, skipped, places: Vec::new() };
    tokens.collect(stream.clone());
    tokens.places.sort_by_key(|place| (place.start, place.end));
    Ok((tokens, syn::parse2(stream)?))
}

fn skipped(text: &str) -> usize {
    let mark = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let rest = &text[mark..];
    // `#![attribute]` is no line for the shell, also with spaces in between.
    let is_shell = rest.strip_prefix("#!").is_some_and(|rest| !rest.trim_start().starts_with('['));
    if is_shell { mark + rest.find('\n').unwrap_or(rest.len()) } else { mark }
}

impl Tokens<'_> {
    fn collect(&mut self, stream: TokenStream) {
        for token in stream {
            let place = self.place(token.span());
            match token {
                // A comment that documents is an attribute to parsers, of tokens that all lie where the comment does.
                TokenTree::Group(group) if !self.text[place.clone()].starts_with('/') => {
                    let ends = [group.span_open(), group.span_close()].map(|span| self.place(span));
                    self.places.extend(ends);
                    self.collect(group.stream());
                }
                _ => self.places.push(place),
            }
        }
    }

    /// Where a span lies in the file.
    pub(super) fn place(&self, span: proc_macro2::Span) -> Range<usize> {
        let range = span.byte_range();
        range.start + self.skipped..range.end + self.skipped
    }

    /// Text to insert, and where, so that `what` stands between the item that begins at `start` and what is before it.
    pub(super) fn before(&self, start: usize, what: &str) -> (usize, String) {
        let before = self.places.partition_point(|place| place.start < start);
        match before.checked_sub(1).map(|index| self.places[index].clone()) {
            Some(token) => self.after(token, what),
            None => (start, format!("{what} ")),
        }
    }

    /// The same, behind a token.
    pub(super) fn after(&self, token: Range<usize>, what: &str) -> (usize, String) {
        // A comment that documents reaches to the end of its line: nothing can follow it there.
        if self.text[token.clone()].starts_with("//") {
            let at = self.text[token.end..].find('\n').map_or(self.text.len(), |line| token.end + line + 1);
            return (at, format!("{what} "));
        }
        let is_apart = self.text[token.end..].starts_with(char::is_whitespace);
        (token.end, if is_apart { format!(" {what}") } else { format!(" {what} ") })
    }

    /// The number of the line, from 1.
    pub(super) fn line(&self, place: usize) -> usize {
        self.text[..place].bytes().filter(|byte| *byte == b'\n').count() + 1
    }
}
