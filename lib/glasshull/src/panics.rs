//! The last panic of each thread: its message and place, told by the panic hook.

use std::cell::{Cell, RefCell};
use std::panic::PanicHookInfo;
use std::sync::Once;

use crate::frame::{self, here};
use crate::value::{cut, panic_message};

/// A message, in bytes: more than is captured of it, so that what is cut there says so.
const MAX_MESSAGE_BYTES: usize = 2 * 1024;

thread_local! {
    static LAST: RefCell<Option<(String, Option<String>)>> = const { RefCell::new(None) };
    static FORMATTED: Cell<bool> = const { Cell::new(false) };
}

/// Puts our hook before the one that is there, once for the process.
pub(crate) fn install_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let next = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            // A panic inside the code of a value is caught and shown in the value; nobody needs it on stderr, unless it
            // ends the program.
            if cfg!(panic = "abort") || !frame::is_capturing() {
                remember(info);
                next(info);
            }
        }));
    });
}

fn remember(info: &PanicHookInfo<'_>) {
    here(|here| here.panics.set(here.panics.get().wrapping_add(1)));
    if !frame::current().is_captured() {
        return;
    }
    FORMATTED.set(!info.payload().is::<&'static str>());
    let message = cut(panic_message(info.payload()), MAX_MESSAGE_BYTES).to_owned();
    let place = info.location().map(|place| format!("{}:{}:{}", place.file(), place.line(), place.column()));
    let _ = LAST.try_with(|last| {
        if let Ok(mut last) = last.try_borrow_mut() {
            *last = Some((message, place));
        }
    });
}

/// Panics of this thread so far.
#[inline]
pub(crate) fn count() -> u32 {
    here(|here| here.panics.get())
}

/// Whether the last panic's message was put together when it happened: values may have been printed into it.
pub(crate) fn was_last_formatted() -> bool {
    FORMATTED.get()
}

/// Hands over the last panic's message and place. They are unknown if the panic was resumed here, or if the program
/// replaced the hook.
pub(crate) fn last_since<T>(count_before: u32, take: impl FnOnce(&str, Option<&str>) -> T) -> T {
    const UNKNOWN: &str = "a panic whose message is not known";
    let last = LAST.try_with(|last| last.try_borrow().ok().and_then(|last| last.clone())).ok().flatten();
    match last {
        Some((message, place)) if count() != count_before => take(&message, place.as_deref()),
        _ => take(UNKNOWN, None),
    }
}
