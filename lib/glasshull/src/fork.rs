//! A child that a fork made, without an exec: it has the memory of the program, but of its threads only the one that
//! forked. So there is no sender in it, and what other threads held locked would stay locked.
//!
//! The child captures nothing until it calls `init` itself. Locks that a new agent needs are held by the forking thread
//! while it forks, so that no other thread holds them then.

use std::cell::RefCell;
use std::ffi::c_int;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{MutexGuard, Once};

use crate::agent::{self, Locked};
use crate::site::{self, List, MAX_AGENTS};

/// Differs between a process and the children it forks: the standard library's random keys do not.
static SALT: AtomicU64 = AtomicU64::new(0);

pub(crate) fn salt() -> u64 {
    SALT.load(Ordering::Relaxed)
}

/// The locks, while the thread forks.
type Held = (MutexGuard<'static, List>, Locked);

thread_local! {
    static HELD: RefCell<Option<Held>> = const { RefCell::new(None) };
}

/// From now on forks are noticed.
pub(crate) fn watch() {
    static ONCE: Once = Once::new();
    type Handler = Option<extern "C" fn()>;
    unsafe extern "C" {
        fn pthread_atfork(prepare: Handler, parent: Handler, child: Handler) -> c_int;
    }
    ONCE.call_once(|| {
        // SAFETY: the C library that the standard library links has this function. The handlers do not unwind: they take
        // no lock that their thread could hold, and allocate nothing but what every thread may. It fails only for want of
        // memory; then a child is told by its process id alone.
        unsafe { pthread_atfork(Some(prepare), Some(parent), Some(child)) };
    });
}

extern "C" fn prepare() {
    let _ = HELD.try_with(|held| {
        if let Ok(mut held) = held.try_borrow_mut() {
            *held = Some((site::list(), agent::lock_all()));
        }
    });
}

extern "C" fn parent() {
    drop(take_held());
}

extern "C" fn child() {
    SALT.store(std::process::id().into(), Ordering::Relaxed);
    let Some((list, agents)) = take_held() else { return };
    // The gates of all agents: none of them has a sender here.
    let all = u32::MAX >> (u32::BITS - MAX_AGENTS);
    list.sites().iter().for_each(|site| site.switch(all, false));
    agent::forget(agents);
}

fn take_held() -> Option<Held> {
    HELD.try_with(|held| held.try_borrow_mut().ok()?.take()).ok().flatten()
}
