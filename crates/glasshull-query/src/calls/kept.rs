//! What was read of segments and is kept as long as there is room. What a segment's file says never changes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Keeps what was asked for last, by the segment's path.
#[derive(Debug)]
pub(super) struct Kept<T> {
    max_bytes: usize,
    state: Mutex<State<T>>,
}

#[derive(Debug)]
struct State<T> {
    by_path: HashMap<String, Entry<T>>,
    bytes: usize,
    /// Counts what was asked for.
    asked: u64,
}

#[derive(Debug)]
struct Entry<T> {
    value: Arc<T>,
    bytes: usize,
    /// [`State::asked`] when it was asked for last.
    asked: u64,
}

impl<T> Kept<T> {
    /// Keeps so many bytes at most.
    pub(super) fn new(max_bytes: usize) -> Self {
        Self { max_bytes, state: Mutex::new(State { by_path: HashMap::new(), bytes: 0, asked: 0 }) }
    }

    pub(super) fn get(&self, path: &str) -> Option<Arc<T>> {
        let mut state = self.lock();
        state.asked += 1;
        let asked = state.asked;
        let entry = state.by_path.get_mut(path)?;
        entry.asked = asked;
        Some(entry.value.clone())
    }

    /// Keeps what takes so many bytes, and forgets what was not asked for for the longest time where there is no room.
    pub(super) fn keep(&self, path: &str, value: Arc<T>, bytes: usize) {
        let mut state = self.lock();
        state.asked += 1;
        let (asked, bytes) = (state.asked, bytes + path.len());
        state.bytes += bytes;
        let before = state.by_path.insert(path.into(), Entry { value, bytes, asked });
        state.bytes -= before.map_or(0, |before| before.bytes);
        while state.bytes > self.max_bytes {
            let oldest = state.by_path.iter().min_by_key(|(_, entry)| entry.asked);
            let Some(oldest) = oldest.map(|(path, _)| path.clone()) else { break };
            state.bytes -= state.by_path.remove(&oldest).map_or(0, |gone| gone.bytes);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_for_last_is_kept_as_long_as_there_is_room() {
        let kept = Kept::new(20);
        for path in ["a", "b"] {
            kept.keep(path, Arc::new(()), 8);
        }
        assert!(kept.get("a").is_some());
        kept.keep("c", Arc::new(()), 8);
        assert_eq!(["a", "b", "c"].map(|path| kept.get(path).is_some()), [true, false, true]);
        kept.keep("c", Arc::new(()), 19);
        assert_eq!(["a", "c"].map(|path| kept.get(path).is_some()), [false, true]);
        kept.keep("d", Arc::new(()), 20);
        assert_eq!(kept.lock().bytes, 0, "what is larger than all the room is not kept");
    }
}
