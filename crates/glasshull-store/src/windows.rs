//! How many time windows wait to be published: each becomes a file, and a sender chooses when his calls began.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Windows that live calls may lie in, in all: as many files as a publication makes. With windows of ten minutes it is
/// a week, which no fleet that sends what happens needs; a sender of old calls waits for the next publication.
pub(crate) const MAX_LIVE_WINDOWS: usize = 1_024;

/// The windows of live calls and of calls on their way there, each with how many hold it.
#[derive(Debug, Default)]
pub(crate) struct Windows(Mutex<HashMap<i64, usize>>);

/// Some windows that are held until this goes.
#[derive(Debug)]
pub(crate) struct Held {
    windows: Arc<Windows>,
    numbers: BTreeSet<i64>,
}

impl Windows {
    /// Holds windows by their numbers; `None` where there would be too many.
    pub(crate) fn hold(self: &Arc<Self>, numbers: BTreeSet<i64>) -> Option<Held> {
        let mut held = self.lock();
        let new = numbers.iter().filter(|&number| !held.contains_key(number)).count();
        if new > 0 && held.len() + new > MAX_LIVE_WINDOWS {
            return None;
        }
        numbers.iter().for_each(|&number| *held.entry(number).or_default() += 1);
        Some(Held { windows: self.clone(), numbers })
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<i64, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    /// Holds what the other holds, too.
    pub(crate) fn merge(&mut self, mut other: Self) {
        let new: Vec<i64> = other.numbers.difference(&self.numbers).copied().collect();
        for number in new {
            other.numbers.remove(&number);
            self.numbers.insert(number);
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut held = self.windows.lock();
        for number in &self.numbers {
            if let Some(holders) = held.get_mut(number) {
                *holders -= 1;
                if *holders == 0 {
                    held.remove(number);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_free_again_when_the_last_who_held_them_has_gone() {
        let windows = Arc::<Windows>::default();
        let mut first = windows.hold([1, 2].into()).unwrap();
        first.merge(windows.hold([2, 3].into()).unwrap());
        let second = windows.hold([3, 4].into()).unwrap();
        assert_eq!(windows.len(), 4);
        drop(first);
        assert_eq!(windows.len(), 2);
        drop(second);
        assert_eq!(windows.len(), 0);
    }

    #[test]
    fn no_more_windows_are_held_than_the_limit_and_known_ones_always_are() {
        let windows = Arc::<Windows>::default();
        let most = windows.hold((0..MAX_LIVE_WINDOWS as i64).collect()).unwrap();
        assert!(windows.hold([-1].into()).is_none());
        assert!(windows.hold([5, 7].into()).is_some());
        drop(most);
        assert!(windows.hold([-1].into()).is_some());
    }
}
