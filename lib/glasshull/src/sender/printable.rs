//! Texts of a peer, on their way to the log of the program.

use crate::value::cut;

/// What a peer says, in bytes. More is cut.
const MAX_SAID_BYTES: usize = 256;

/// The text without what could make it look like something else in a log: its length, line ends, terminal sequences.
pub(crate) fn printable(said: &str) -> String {
    let mut printable = String::new();
    for character in cut(said, MAX_SAID_BYTES).chars() {
        match character.is_control() {
            true => printable.extend(character.escape_default()),
            false => printable.push(character),
        }
    }
    if said.len() > MAX_SAID_BYTES {
        printable.push('…');
    }
    printable
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_peer_says_is_one_short_line() {
        assert_eq!(printable("it's full: \"ä\""), "it's full: \"ä\"");
        assert_eq!(printable("no\n\u{1b}[31mERROR\r\u{85}"), "no\\n\\u{1b}[31mERROR\\r\\u{85}");
        assert_eq!(printable(&"x".repeat(10_000)), format!("{}…", "x".repeat(MAX_SAID_BYTES)));
    }
}
