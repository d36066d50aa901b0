//! The memory of one question: what it may take, and what all questions together may.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use datafusion::common::{Result, resources_err};
use datafusion::execution::memory_pool::{FairSpillPool, MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation};

/// What all questions take together, in bytes.
#[derive(Debug)]
pub(crate) struct AllMemory {
    limit: usize,
    taken: AtomicUsize,
}

impl AllMemory {
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit, taken: AtomicUsize::new(0) })
    }

    /// What they take now.
    pub(crate) fn taken(&self) -> usize {
        self.taken.load(Relaxed)
    }

    fn take(&self, bytes: usize) -> Result<()> {
        let fits = |taken: usize| taken.checked_add(bytes).filter(|&taken| taken <= self.limit);
        match self.taken.fetch_update(Relaxed, Relaxed, fits) {
            Ok(_) => Ok(()),
            Err(taken) => {
                resources_err!("{bytes} bytes more than the {taken} that all questions take exceed {}", self.limit)
            }
        }
    }
}

/// One question's.
#[derive(Debug)]
pub(crate) struct Memory {
    own: FairSpillPool,
    all: Arc<AllMemory>,
}

impl Memory {
    pub(crate) fn new(limit: usize, all: Arc<AllMemory>) -> Self {
        Self { own: FairSpillPool::new(limit), all }
    }
}

impl MemoryPool for Memory {
    fn name(&self) -> &str {
        "question"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        self.own.register(consumer);
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.own.unregister(consumer);
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.own.grow(reservation, additional);
        self.all.taken.fetch_add(additional, Relaxed);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.own.shrink(reservation, shrink);
        self.all.taken.fetch_sub(shrink, Relaxed);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        self.all.take(additional)?;
        self.own.try_grow(reservation, additional).inspect_err(|_| {
            self.all.taken.fetch_sub(additional, Relaxed);
        })
    }

    fn reserved(&self) -> usize {
        self.own.reserved()
    }

    fn memory_limit(&self) -> MemoryLimit {
        self.own.memory_limit()
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} bytes of all questions", self.own, self.all.limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_share_what_there_is_and_give_it_back() {
        let all = AllMemory::new(100);
        let question = || -> Arc<dyn MemoryPool> { Arc::new(Memory::new(60, all.clone())) };
        let (first, second) = (question(), question());
        let reserve = |pool: &Arc<dyn MemoryPool>| MemoryConsumer::new("test").register(pool);
        let (one, two) = (reserve(&first), reserve(&second));
        assert!(one.try_grow(61).is_err(), "more than one may take");
        one.try_grow(60).unwrap();
        assert!(two.try_grow(41).is_err(), "more than is left");
        two.try_grow(40).unwrap();
        drop(one);
        two.try_grow(20).unwrap();
        assert!(two.try_grow(1).is_err());
        drop(two);
        assert_eq!((all.taken.load(Relaxed), first.reserved(), second.reserved()), (0, 0, 0));
    }
}
