//! What the program knows of its own captured calls: each function asks, first thing, which captured call it is in. The
//! ids go to standard output as they are, eight bytes each, so that the program keeps none.

use std::cell::Cell;
use std::io::{self, Read, Write};
use std::sync::{Mutex, PoisonError};

use glasshull::context::Context;

/// After the last id: how many requests there were, and how many of their answers were wrong.
const END: u64 = 0;

/// Ids on their way.
static PAGE: Mutex<Vec<u8>> = Mutex::new(Vec::new());

const PAGE_BYTES: usize = 32 * 1024;

thread_local! {
    /// What this thread noted last: calls that are not captured see the one around them again and again.
    static LAST: Cell<u64> = const { Cell::new(END) };
}

/// Notes the captured call around: this function's, or if that is not captured one that noted itself.
pub(crate) fn note() {
    if let Some(id) = Context::current().traceparent().as_deref().and_then(captured_id)
        && LAST.replace(id) != id
    {
        write(&[id]);
    }
}

/// `00-trace-call-01` while the call is captured; the last is `00` where it was decided that nothing is.
fn captured_id(traceparent: &str) -> Option<u64> {
    let (rest, flags) = traceparent.rsplit_once('-')?;
    let (_, id) = rest.rsplit_once('-')?;
    (flags == "01").then(|| u64::from_str_radix(id, 16).ok()).flatten()
}

fn write(numbers: &[u64]) {
    let mut page = PAGE.lock().unwrap_or_else(PoisonError::into_inner);
    page.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
    if page.len() >= PAGE_BYTES {
        turn(&mut page);
    }
}

/// Whoever reads it being gone, nobody is left who would want to know.
fn turn(page: &mut Vec<u8>) {
    let _ = io::stdout().write_all(page).and_then(|()| io::stdout().flush());
    page.clear();
}

/// No calls follow.
pub(crate) fn close(requests: u64, wrong: u64) {
    write(&[END, requests, wrong]);
    turn(&mut PAGE.lock().unwrap_or_else(PoisonError::into_inner));
}

/// A program's ledger, read to its end.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// In order, each once.
    pub(crate) ids: Vec<u64>,
    pub(crate) requests: u64,
    pub(crate) wrong: u64,
}

impl Ledger {
    /// # Errors
    /// It ends before it is closed: the program died.
    pub(crate) fn read(from: impl Read) -> io::Result<Self> {
        let mut from = io::BufReader::new(from);
        let mut ledger = Self::default();
        loop {
            match number(&mut from)? {
                END => break,
                id => ledger.ids.push(id),
            }
        }
        ledger.ids.sort_unstable();
        ledger.ids.dedup();
        (ledger.requests, ledger.wrong) = (number(&mut from)?, number(&mut from)?);
        Ok(ledger)
    }
}

fn number(from: &mut impl Read) -> io::Result<u64> {
    let mut bytes = [0; 8];
    from.read_exact(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_captured_calls_are_noted() {
        let trace = "0af7651916cd43dd8448eb211c80319c";
        assert_eq!(captured_id(&format!("00-{trace}-00000000000000ff-01")), Some(255));
        assert_eq!(captured_id(&format!("00-{trace}-00000000000000ff-00")), None);
    }

    #[test]
    fn a_ledger_is_read_to_its_end() {
        let bytes: Vec<u8> = [5u64, 9, 5, END, 2, 1].iter().flat_map(|number| number.to_le_bytes()).collect();
        let ledger = Ledger::read(&bytes[..]).unwrap();
        assert_eq!((ledger.ids, ledger.requests, ledger.wrong), (vec![5, 9], 2, 1));
        assert!(Ledger::read(&bytes[..24]).is_err(), "the program died");
    }
}
