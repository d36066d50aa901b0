//! The statement language, as a function of a text: for fuzzers (`fuzz/`), and for the property tests, which run everywhere.
//! It panics where a promise is broken. Not part of a program.

use crate::statement::{Statement, parse};

/// Any text is read, or refused with a place in it; what was read is written so that it is read the same.
pub fn statement(text: &str) {
    match parse(text) {
        Ok(Statement::Sql(_)) => {}
        Ok(statement) => {
            let written = statement.to_string();
            assert_eq!(parse(&written), Ok(statement), "{text:?} is written {written:?}");
        }
        Err(failure) => {
            assert!(failure.known_code().is_some() && !failure.message.is_empty(), "{failure:?}");
            let position = failure.position.unwrap_or_else(|| panic!("no place in {text:?}: {}", failure.message));
            let end = position.offset + position.length;
            assert!(text.get(position.offset..end).is_some(), "{position:?} in {text:?}");
        }
    }
}
