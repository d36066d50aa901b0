//! `CAPTURE ..`: how much of each value.

use super::limits::{MAX_CAPTURED_BYTES, MAX_CAPTURED_DEPTH, MAX_CAPTURED_ITEMS, MAX_CAPTURED_TEXT_BYTES};
use super::scanner::Scanner;
use super::trace::once;
use crate::answers::ValueLimits;
use crate::{Code, Failure, Position};

/// The bytes of one `KIB`.
const KIB: u32 = 1_024;

/// A number as it was written, with its unit.
struct Number<'a> {
    /// Before it.
    begin: Scanner<'a>,
    /// Of its digits, in bytes.
    length: usize,
    /// In bytes where it has a unit.
    number: u64,
    has_unit: bool,
}

/// Reads `200 ITEMS, 12 DEEP, 16 KIB VALUES, 4 KIB TEXTS`: at least one of them, in any order, each once.
pub(super) fn capture(scanner: &mut Scanner<'_>) -> Result<ValueLimits, Failure> {
    let mut limits = ValueLimits::default();
    loop {
        part(scanner, &mut limits)?;
        if !scanner.take_sign(",") {
            return Ok(limits);
        }
    }
}

fn part(scanner: &mut Scanner<'_>, limits: &mut ValueLimits) -> Result<(), Failure> {
    let number = Number::read(scanner)?;
    let begin = scanner.clone();
    let (place, most, word) = match number.has_unit {
        true if scanner.take_word("VALUES") => (&mut limits.bytes, MAX_CAPTURED_BYTES, "VALUES"),
        true if scanner.take_word("TEXTS") => (&mut limits.text_bytes, MAX_CAPTURED_TEXT_BYTES, "TEXTS"),
        false if scanner.take_word("ITEMS") => (&mut limits.items, MAX_CAPTURED_ITEMS, "ITEMS"),
        false if scanner.take_word("DEEP") => (&mut limits.depth, MAX_CAPTURED_DEPTH, "DEEP"),
        true => return Err(scanner.expected("VALUES or TEXTS", &["VALUES", "TEXTS"])),
        false => return Err(scanner.expected("ITEMS, DEEP, BYTES or KIB", &["ITEMS", "DEEP", "BYTES", "KIB"])),
    };
    once(&begin, place, number.within(most, word))
}

impl<'a> Number<'a> {
    fn read(scanner: &mut Scanner<'a>) -> Result<Self, Failure> {
        let begin = scanner.clone();
        let Some(number) = scanner.whole_number()? else {
            return Err(scanner.expected("a whole number, as in CAPTURE 200 ITEMS", &[]));
        };
        let length = begin.token_bytes();
        let unit = match () {
            () if scanner.take_word("KIB") => Some(KIB),
            () if scanner.take_word("BYTES") => Some(1),
            () => None,
        };
        let number = number.saturating_mul(unit.unwrap_or(1).into());
        Ok(Self { begin, length, number, has_unit: unit.is_some() })
    }

    /// The number where it is one that a probe may ask for.
    fn within(&self, most: u32, word: &str) -> Result<u32, Failure> {
        if let Some(number) = u32::try_from(self.number).ok().filter(|number| (1..=most).contains(number)) {
            return Ok(number);
        }
        let told = |number| if self.has_unit { in_units(number) } else { number.to_string() };
        let message = match self.number {
            0 => "CAPTURE takes 1 or more, not 0.".to_owned(),
            number => format!("CAPTURE takes at most {} {word}, not {}.", told(most.into()), told(number)),
        };
        let place = Position::of(self.begin.text(), self.begin.offset(), self.length);
        Err(Failure::new(Code::ProbeLimits, message).at(place))
    }
}

/// Bytes as they are written in a statement.
pub(super) fn in_units(bytes: u64) -> String {
    let kib = u64::from(KIB);
    if bytes.is_multiple_of(kib) { format!("{} KIB", bytes / kib) } else { format!("{bytes} BYTES") }
}
