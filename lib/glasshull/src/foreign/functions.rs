//! Functions that are made while the program runs. What they take is never given back: they are as many as there are
//! places in the program's text, and [`MAX_FUNCTIONS`] at most.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, TryLockError};

use glasshull_wire::limits::{MAX_ARGUMENTS, MAX_FUNCTIONS, MAX_NAME_BYTES};

use crate::site::Site;
use crate::value::cut;

/// Adapters that are told when functions are switched.
const MAX_ADAPTERS: usize = 8;

/// Attempts to take a lock that is held for microseconds. After these its holder is taken for gone, as in a forked
/// process, and nobody waits for it.
const ATTEMPTS: usize = 10_000;

/// A function that an adapter made known.
#[derive(Clone, Copy, Debug)]
pub struct Function(&'static Site);

/// All of them, each with whether it was on when it was last looked at.
static FUNCTIONS: Mutex<Vec<(Function, bool)>> = Mutex::new(Vec::new());

static ADAPTERS: Mutex<Vec<fn()>> = Mutex::new(Vec::new());

/// Functions were switched a moment ago.
static MOVED: AtomicBool = AtomicBool::new(false);

impl Function {
    /// Makes a function known. None if the process has as many as it can have, or if its lists cannot be had.
    pub fn new(path: &str, file: &str, line: u32, arguments: impl Iterator<Item = &'static str>) -> Option<Self> {
        let mut functions = lock(&FUNCTIONS).filter(|functions| functions.len() < MAX_FUNCTIONS)?;
        let arguments: Vec<&'static str> = arguments.take(MAX_ARGUMENTS).collect();
        let site = Site::new(leaked(path), leaked(file), line, Box::leak(arguments.into()), false);
        let function = Self(Box::leak(Box::new(site)));
        functions.push((function, false));
        drop(functions);
        function.is_on();
        Some(function)
    }

    /// Whether any agent wants its calls.
    pub fn is_on(self) -> bool {
        self.0.is_on() && self.is_listed() && self.0.is_on()
    }

    /// Puts it on the list of all functions, the first time.
    fn is_listed(self) -> bool {
        (0..ATTEMPTS).any(|_| {
            self.0.gate();
            let is_listed = self.0.is_listed();
            if !is_listed {
                std::thread::yield_now();
            }
            is_listed
        })
    }

    pub(super) fn site(self) -> &'static Site {
        self.0
    }

    pub(super) fn arguments(self) -> &'static [&'static str] {
        self.0.arguments
    }
}

/// How many there are.
pub(crate) fn functions() -> usize {
    lock(&FUNCTIONS).map_or(0, |functions| functions.len())
}

fn lock<T>(mutex: &'static Mutex<T>) -> Option<MutexGuard<'static, T>> {
    (0..ATTEMPTS).find_map(|_| match mutex.try_lock() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => {
            std::thread::yield_now();
            None
        }
    })
}

fn leaked(text: &str) -> &'static str {
    Box::leak(cut(text, MAX_NAME_BYTES).into())
}

/// Has `run` called, on the SDK's thread, each time functions of adapters were switched. It may be called twice.
pub fn when_switched(run: fn()) {
    let Some(mut adapters) = lock(&ADAPTERS) else { return };
    if adapters.len() < MAX_ADAPTERS && !adapters.iter().any(|adapter| std::ptr::fn_addr_eq(*adapter, run)) {
        adapters.push(run);
    }
}

/// Tells adapters if functions of theirs were switched since the last look.
pub(crate) fn gates_may_have_moved() {
    let Some(mut functions) = lock(&FUNCTIONS) else { return };
    let mut moved = false;
    for (function, was_on) in functions.iter_mut() {
        let is_on = function.0.is_on();
        moved |= std::mem::replace(was_on, is_on) != is_on;
    }
    drop(functions);
    if moved {
        MOVED.store(true, Ordering::Relaxed);
        tell();
    }
}

/// Tells them once more some time later: an adapter may have looked at a gate before it moved, and have remembered what
/// it saw after it was told.
pub(crate) fn settle() {
    if MOVED.load(Ordering::Relaxed) && MOVED.swap(false, Ordering::Relaxed) {
        tell();
    }
}

fn tell() {
    static TELLING: Mutex<()> = Mutex::new(());
    // One after the other: what an adapter saw before another agent moved a gate must not outlast what it saw after.
    let _turn = lock(&TELLING);
    let adapters = lock(&ADAPTERS).map(|adapters| adapters.clone()).unwrap_or_default();
    for adapter in adapters {
        // What panics in there is the program's, and was told by its hook.
        let _ = catch_unwind(AssertUnwindSafe(adapter));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn a_function_is_listed_when_it_is_made_and_off() {
        let function = Function::new("a::made", "a.rs", 7, ["x", "y"].into_iter()).unwrap();
        assert!(!function.is_on());
        let site = function.site();
        assert!(std::ptr::eq(crate::site::list().sites()[site.index() as usize], site));
        assert_eq!((site.path, site.file, site.line, site.arguments), ("a::made", "a.rs", 7, &["x", "y"][..]));
    }

    #[test]
    fn adapters_are_told_of_each_switch_and_once_more() {
        static TOLD: AtomicUsize = AtomicUsize::new(0);
        fn told() {
            TOLD.fetch_add(1, Ordering::Relaxed);
        }
        when_switched(told);
        when_switched(told);
        let function = Function::new("a::switched", "a.rs", 1, std::iter::empty()).unwrap();
        for on in [true, false] {
            let before = TOLD.load(Ordering::Relaxed);
            function.site().switch(1 << 30, on);
            gates_may_have_moved();
            settle();
            // Another test's sender may have seen it first, and tell a moment later.
            let deadline = Instant::now() + Duration::from_secs(20);
            while TOLD.load(Ordering::Relaxed) == before {
                assert!(Instant::now() < deadline, "nobody was told");
                std::thread::yield_now();
            }
        }
    }

    #[test]
    fn an_adapter_that_panics_keeps_nobody_from_being_told() {
        fn panics() {
            std::panic::resume_unwind(Box::new("in an adapter"));
        }
        when_switched(panics);
        tell();
    }
}
