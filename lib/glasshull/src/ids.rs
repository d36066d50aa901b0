//! Ids of traces, calls and processes.

use std::hash::{BuildHasher, Hasher, RandomState};

use crate::frame::TraceId;

/// Calls a thread numbers under one random prefix. With 2^40 prefixes, a million of them (16 trillion calls) meet
/// within one trace about never.
const COUNTER_BITS: u32 = 24;

/// 64 bits that cannot be foreseen. The standard library's hash keys come from the system's random source; this takes
/// no further dependency.
pub(crate) fn random() -> u64 {
    let mut hasher = RandomState::new().build_hasher();
    hasher.write_u64(0x6761_7373_6875_6c6c);
    // A forked child has its parent's keys.
    #[cfg(unix)]
    hasher.write_u64(crate::fork::salt());
    hasher.finish()
}

/// 16 random bytes, not all of them zero.
pub(crate) fn random_16() -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&random().to_be_bytes());
    bytes[8..].copy_from_slice(&(random() | 1).to_be_bytes());
    bytes
}

/// The ids one thread gives out.
pub(crate) struct Ids {
    next: u64,
    /// Where the thread's trace ids begin, at a place that cannot be foreseen, and how many there are so far.
    traces: [u64; 2],
    traces_made: u64,
}

impl Ids {
    pub(crate) fn new() -> Self {
        Self { next: first_under_new_prefix(), traces: [random(), random()], traces_made: 0 }
    }

    /// A trace's id.
    pub(crate) fn trace(&mut self) -> TraceId {
        self.traces_made = self.traces_made.wrapping_add(1);
        let half = |seed: u64| scrambled(seed.wrapping_add(self.traces_made));
        let [first, second] = self.traces.map(half);
        // Not all zero: that is no id.
        if first | second == 0 { [1, 0] } else { [first, second] }
    }

    /// Whether the next call is one of `n`, a power of two.
    #[inline(always)]
    pub(crate) fn is_next_one_in(&self, n: u64) -> bool {
        self.next & (n - 1) == 0
    }

    /// A call's id, where that is the next number.
    #[inline(always)]
    pub(crate) fn easy_call(&mut self) -> Option<u64> {
        let id = self.next;
        // The last of a prefix: all ones.
        if id.wrapping_add(1).trailing_zeros() >= COUNTER_BITS {
            return None;
        }
        self.next = id.wrapping_add(1);
        Some(id)
    }

    /// A call's id; never 0.
    pub(crate) fn call(&mut self) -> u64 {
        let id = self.next;
        self.next = self.next.wrapping_add(1);
        if self.next.trailing_zeros() >= COUNTER_BITS {
            self.next = first_under_new_prefix();
        }
        id
    }
}

/// SplitMix64's finisher (Steele, Lea and Flood 2014): spreads consecutive numbers over all of them, each once.
pub(crate) fn scrambled(number: u64) -> u64 {
    let mut z = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The counter begins at 1, so no id is 0.
fn first_under_new_prefix() -> u64 {
    (random() << COUNTER_BITS) | 1
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::frame::trace_of;

    #[test]
    fn ids_differ_between_threads_and_calls() {
        let (mut a, mut b) = (Ids::new(), Ids::new());
        let ids: HashSet<u64> = (0..10_000).flat_map(|_| [a.call(), b.call()]).collect();
        assert_eq!(ids.len(), 20_000);
        assert!(!ids.contains(&0));
    }

    #[test]
    fn a_used_up_prefix_is_replaced() {
        let mut ids = Ids { next: u64::MAX, ..Ids::new() };
        assert_eq!(ids.call(), u64::MAX);
        assert_ne!(ids.call(), 0);
    }

    #[test]
    fn trace_ids_differ() {
        let (mut a, mut b) = (Ids::new(), Ids::new());
        let ids: HashSet<TraceId> = (0..1_000).flat_map(|_| [trace_of(random_16()), a.trace(), b.trace()]).collect();
        assert_eq!(ids.len(), 3_000);
        assert!(!ids.contains(&[0; 2]));
    }
}
