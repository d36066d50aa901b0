//! Lengths of time as people write them: `500ms`, `1.5s`, `5m`, `1h30m`, `5 minutes`.

use std::fmt;

use super::scanner::{Scanner, run};
use crate::Failure;

/// Units by all their names, with their nanoseconds; the first name of each is the one we write.
const UNITS: [(&[&str], u64); 7] = [
    (&["ns", "nanosecond", "nanoseconds"], 1),
    (&["us", "µs", "μs", "microsecond", "microseconds"], 1_000),
    (&["ms", "millisecond", "milliseconds"], 1_000_000),
    (&["s", "sec", "secs", "second", "seconds"], 1_000_000_000),
    (&["m", "min", "mins", "minute", "minutes"], 60_000_000_000),
    (&["h", "hour", "hours"], 3_600_000_000_000),
    (&["d", "day", "days"], 86_400_000_000_000),
];

/// Takes a length of time, in nanoseconds; `None` where no number begins here.
pub(super) fn duration_ns(scanner: &mut Scanner<'_>) -> Result<Option<u64>, Failure> {
    let begin = scanner.clone();
    let mut total: Option<u64> = None;
    while scanner.rest().starts_with(|c: char| c.is_ascii_digit()) {
        let part = part_ns(scanner)?;
        let sum = total.unwrap_or(0).checked_add(part);
        total = Some(sum.ok_or_else(|| begin.failure("This is longer than any length of time."))?);
    }
    Ok(total)
}

/// Takes one number and its unit.
fn part_ns(scanner: &mut Scanner<'_>) -> Result<u64, Failure> {
    let begin = scanner.clone();
    let digits = run(scanner.rest(), |c| c.is_ascii_digit() || c == '.' || c == '_');
    let number = scanner.take(digits).replace('_', "");
    let unit = scanner.rest()[..run(scanner.rest(), char::is_alphabetic)].to_lowercase();
    let Some((_, unit_ns)) = UNITS.iter().find(|(names, _)| names.contains(&unit.as_str())) else {
        let names: Vec<&str> = UNITS.iter().flat_map(|(names, _)| names.iter().copied()).collect();
        return Err(scanner.expected("a unit of time (ns, us, ms, s, m, h or d)", &names));
    };
    let ns = nanoseconds(&number, *unit_ns)
        .ok_or_else(|| begin.failure(format!("{number} {unit} is no length of time.")))?;
    scanner.take(run(scanner.rest(), char::is_alphabetic));
    Ok(ns)
}

/// `number` times the unit, exactly as far as nanoseconds go.
fn nanoseconds(number: &str, unit_ns: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let mut ns = whole.parse::<u64>().ok()?.checked_mul(unit_ns)?;
    let mut place_ns = unit_ns;
    for digit in fraction.chars() {
        place_ns /= 10;
        ns = ns.checked_add(u64::from(digit.to_digit(10)?) * place_ns)?;
    }
    Some(ns)
}

/// Nanoseconds in the largest unit that holds them exactly.
pub(super) struct DurationNs(pub(super) u64);

impl fmt::Display for DurationNs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exact = UNITS.iter().rev().find(|(_, unit_ns)| self.0 >= *unit_ns && self.0.is_multiple_of(*unit_ns));
        let (names, unit_ns) = exact.unwrap_or(&UNITS[0]);
        write!(f, "{}{}", self.0 / unit_ns, names[0])
    }
}
