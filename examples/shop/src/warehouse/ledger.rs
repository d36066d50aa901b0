//! Gift cards' ledger. Each entry is a line of text: date, what happened, amount.

use std::num::ParseIntError;

/// Why a card's balance cannot be told.
#[derive(Debug, thiserror::Error)]
#[error("gift card {code}: entry {line} of the ledger cannot be read")]
pub struct LedgerError {
    code: String,
    line: usize,
    source: EntryError,
}

/// What is wrong with an entry.
#[derive(Debug, thiserror::Error)]
pub enum EntryError {
    #[error("\"{entry}\" is not date, kind and amount")]
    Form { entry: String },
    #[error("\"{text}\" is not an amount")]
    Amount { text: String, source: ParseIntError },
}

/// What is left on a card, in cents.
#[glasshull::trace]
pub fn balance(code: &str) -> Result<u64, LedgerError> {
    let mut balance = 0_u64;
    for (line, entry) in entries(code).into_iter().enumerate() {
        let (kind, amount) =
            read_entry(entry).map_err(|source| LedgerError { code: code.into(), line: line + 1, source })?;
        balance = if kind == "spent" { balance.saturating_sub(amount) } else { balance + amount };
    }
    Ok(balance)
}

/// Kind and amount (cents) of an entry.
#[glasshull::trace]
pub fn read_entry(entry: &str) -> Result<(&str, u64), EntryError> {
    let malformed = || EntryError::Form { entry: entry.into() };
    let (_date, rest) = entry.split_once(' ').ok_or_else(malformed)?;
    let (kind, amount) = rest.split_once(' ').ok_or_else(malformed)?;
    Ok((kind, cents(amount)?))
}

/// `12.50` in cents.
fn cents(text: &str) -> Result<u64, EntryError> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "00"));
    let number =
        |digits: &str| digits.parse::<u64>().map_err(|source| EntryError::Amount { text: text.into(), source });
    Ok(number(whole)? * 100 + number(fraction)?)
}

/// A card's entries. Cards of 2017 were carried over from the French system, where the decimal point is a comma.
fn entries(code: &str) -> Vec<&'static str> {
    if code.starts_with("GC-17") {
        vec!["2017-03-31 carried 25,00", "2019-12-20 spent 10.00"]
    } else {
        vec!["2024-11-02 opened 900.00", "2025-01-15 spent 12.40"]
    }
}
