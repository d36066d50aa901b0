//! Traceable functions: one static [`Site`] each, and the list of all of them.

use std::sync::atomic::{AtomicU32, Ordering, fence};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

use glasshull_wire::limits::{MAX_ARGUMENTS, MAX_FUNCTIONS};

/// All sites the linker knows of; each `#[glasshull::trace]` adds one. The linker knows the list by this name: it says the
/// version, as two versions of this crate in one program must not find each other's sites, nor those of others.
#[linkme::distributed_slice]
pub static GLASSHULL_SITES_0_1_0: [&'static Site];
pub use GLASSHULL_SITES_0_1_0 as SITES;

/// In a gate: nobody has put the function on the list yet.
const UNLISTED: u32 = 1 << 31;

/// Agents one process can have at a time: the bits of a gate, less the one for [`UNLISTED`].
pub(crate) const MAX_AGENTS: u32 = 31;

/// One traceable function. Made by `#[glasshull::trace]`.
#[derive(Debug)]
pub struct Site {
    /// Which agents want its calls: a bit each. 0 is off, and all a function that is not captured ever reads.
    gate: AtomicU32,
    /// Its place on the list, plus one.
    index: AtomicU32,
    /// How often it was switched, counted before.
    switches: AtomicU32,
    pub(crate) path: &'static str,
    pub(crate) file: &'static str,
    pub(crate) line: u32,
    pub(crate) arguments: &'static [&'static str],
    pub(crate) is_async: bool,
}

impl Site {
    /// Used by `#[glasshull::trace]`.
    pub const fn new(
        path: &'static str,
        file: &'static str,
        line: u32,
        arguments: &'static [&'static str],
        is_async: bool,
    ) -> Self {
        let (gate, index, switches) = (AtomicU32::new(UNLISTED), AtomicU32::new(0), AtomicU32::new(0));
        Self { gate, index, switches, path, file, line, arguments, is_async }
    }

    /// Whether any agent might want this call.
    #[inline(always)]
    pub fn is_on(&self) -> bool {
        self.gate.load(Ordering::Relaxed) != 0
    }

    /// The agents that want its calls, a bit each. Lists the function if nobody has.
    #[inline]
    pub(crate) fn gate(&'static self) -> u32 {
        match self.gate.load(Ordering::Relaxed) {
            unlisted if unlisted & UNLISTED != 0 => self.list(),
            gate => gate,
        }
    }

    #[cold]
    fn list(&'static self) -> u32 {
        // Whoever lists functions now may hold the list for long: a call never waits, the next one lists it.
        let Some(mut list) = try_list() else { return 0 };
        list.add(self);
        self.gate.load(Ordering::Relaxed)
    }

    /// Whether it was put on the list, or the list was full.
    pub(crate) fn is_listed(&self) -> bool {
        self.gate.load(Ordering::Relaxed) & UNLISTED == 0
    }

    /// Whether the agent with this bit wants its calls.
    #[cfg(test)]
    pub(crate) fn is_on_for(&self, agent: u32) -> bool {
        self.gate.load(Ordering::Relaxed) & agent != 0
    }

    pub(crate) fn switch(&self, agent: u32, on: bool) {
        self.switches.fetch_add(1, Ordering::AcqRel);
        if on {
            self.gate.fetch_or(agent, Ordering::Release);
        } else {
            self.gate.fetch_and(!agent, Ordering::Release);
        }
    }

    /// How often it was switched. Somebody who asks, then finds it on, off, and on again, and asks once more, gets another
    /// number: each look at the gate sees what was counted before it was as it is.
    pub(crate) fn switches(&self) -> u32 {
        fence(Ordering::Acquire);
        self.switches.load(Ordering::Acquire)
    }

    /// Its place on the list. Only listed sites are asked.
    pub(crate) fn index(&self) -> u32 {
        self.index.load(Ordering::Relaxed).saturating_sub(1)
    }

    /// The names of the arguments people are told of.
    pub(crate) fn announced_arguments(&self) -> &'static [&'static str] {
        &self.arguments[..self.arguments.len().min(MAX_ARGUMENTS)]
    }
}

/// The functions of this process, in the order in which they became known. It only grows.
pub(crate) struct List {
    sites: Vec<&'static Site>,
    linked: bool,
}

static LIST: Mutex<List> = Mutex::new(List { sites: Vec::new(), linked: false });

/// Grows with each function that becomes known, so that a look costs no lock.
static LISTED: AtomicU32 = AtomicU32::new(0);

pub(crate) fn list() -> MutexGuard<'static, List> {
    LIST.lock().unwrap_or_else(PoisonError::into_inner)
}

fn try_list() -> Option<MutexGuard<'static, List>> {
    match LIST.try_lock() {
        Ok(list) => Some(list),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

pub(crate) fn listed() -> u32 {
    LISTED.load(Ordering::Acquire)
}

impl List {
    /// Takes in what the linker knows, the first time.
    pub(crate) fn link(&mut self) {
        if !std::mem::replace(&mut self.linked, true) {
            for site in SITES {
                self.add(site);
            }
        }
    }

    /// Lists a function, unless it is listed, or the list is full: then it is never captured.
    pub(crate) fn add(&mut self, site: &'static Site) {
        if site.index.load(Ordering::Relaxed) == 0 && self.sites.len() < MAX_FUNCTIONS {
            self.sites.push(site);
            site.index.store(self.sites.len() as u32, Ordering::Relaxed);
            LISTED.store(self.sites.len() as u32, Ordering::Release);
        }
        site.gate.fetch_and(!UNLISTED, Ordering::Relaxed);
    }

    pub(crate) fn sites(&self) -> &[&'static Site] {
        &self.sites
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site() -> &'static Site {
        Box::leak(Box::new(Site::new("a::b", "a.rs", 1, &[], false)))
    }

    #[test]
    fn the_list_is_named_after_the_version() {
        let version = env!("CARGO_PKG_VERSION").replace(['.', '-', '+'], "_");
        let source = include_str!("site.rs");
        assert!(source.contains(&format!("pub static GLASSHULL_SITES_{version}:")), "rename the list of sites");
    }

    #[test]
    fn a_function_is_listed_once_and_off_from_then_on() {
        let site = site();
        assert!(site.is_on());
        while site.is_on() {
            // Other tests may hold the list.
            assert_eq!(site.gate(), 0);
        }
        assert!(!site.is_on() && !site.is_on_for(1));
        list().add(site);
        let listed = list().sites().iter().filter(|&&other| std::ptr::eq(other, site)).count();
        assert_eq!(listed, 1);
        assert!(std::ptr::eq(list().sites()[site.index() as usize], site));
    }

    #[test]
    fn a_call_does_not_wait_for_the_list() {
        let site = site();
        let held = list();
        assert!(site.gate() == 0 && site.is_on());
        drop(held);
    }

    #[test]
    fn what_was_off_in_between_shows() {
        let site = site();
        list().add(site);
        site.switch(1, true);
        let before = site.switches();
        assert_eq!(site.switches(), before);
        site.switch(1, false);
        site.switch(1, true);
        assert_ne!(site.switches(), before);
    }

    #[test]
    fn each_agent_has_its_own_switch() {
        let site = site();
        list().add(site);
        site.switch(1, true);
        site.switch(4, true);
        assert!(site.is_on_for(1) && site.is_on_for(4) && !site.is_on_for(2));
        site.switch(1, false);
        assert!(site.is_on() && !site.is_on_for(1));
        site.switch(4, false);
        assert!(!site.is_on());
    }
}
