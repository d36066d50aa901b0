//! The questions that are worked on or wait, for whoever wonders what keeps the hub busy.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Of a question's text so many characters are kept: enough to know it again.
const MAX_CHARS: usize = 500;

/// A question that is worked on or waits.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Question {
    /// Whoever asks, by any name.
    pub asker: String,
    /// Its first 500 characters.
    pub statement: String,
    /// Since it was asked.
    pub elapsed: Duration,
    /// Whether it waits for others to end.
    pub is_waiting: bool,
}

/// All of them, in the order in which they were asked.
#[derive(Clone, Debug, Default)]
pub(crate) struct UnderWay(Arc<Mutex<Entries>>);

#[derive(Debug, Default)]
struct Entries {
    last: u64,
    by_number: BTreeMap<u64, Entry>,
}

#[derive(Debug)]
struct Entry {
    asker: String,
    statement: String,
    asked: Instant,
    is_waiting: bool,
}

/// One of them; it is over when this is dropped.
#[derive(Debug)]
pub(crate) struct Asked {
    under_way: UnderWay,
    number: u64,
}

impl UnderWay {
    /// A question is asked, and waits.
    pub(crate) fn asked(&self, asker: &str, statement: &str) -> Asked {
        let statement = statement.chars().take(MAX_CHARS).collect();
        let entry = Entry { asker: asker.into(), statement, asked: Instant::now(), is_waiting: true };
        let mut entries = self.lock();
        entries.last += 1;
        let number = entries.last;
        entries.by_number.insert(number, entry);
        drop(entries);
        Asked { under_way: self.clone(), number }
    }

    pub(crate) fn all(&self) -> Vec<Question> {
        let question = |entry: &Entry| Question {
            asker: entry.asker.clone(),
            statement: entry.statement.clone(),
            elapsed: entry.asked.elapsed(),
            is_waiting: entry.is_waiting,
        };
        self.lock().by_number.values().map(question).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Asked {
    /// It has a place, and is worked on.
    pub(crate) fn begins(&self) {
        if let Some(entry) = self.under_way.lock().by_number.get_mut(&self.number) {
            entry.is_waiting = false;
        }
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.under_way.lock().by_number.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_told_until_its_asker_has_an_answer_or_goes() {
        let under_way = UnderWay::default();
        let first = under_way.asked("ada", "SELECT 1");
        let second = under_way.asked("bob", &"x".repeat(10_000));
        first.begins();
        let told: Vec<_> = under_way.all().into_iter().map(|one| (one.asker, one.is_waiting)).collect();
        assert_eq!(told, [("ada".into(), false), ("bob".into(), true)]);
        assert_eq!(under_way.all()[1].statement.len(), MAX_CHARS);
        drop(first);
        drop(second);
        assert_eq!(under_way.all(), []);
    }
}
