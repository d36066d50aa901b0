//! What `cargo glasshull` puts into programs besides the attributes: `main` and each test begin with a call of
//! [`start`].

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, Once, PoisonError};
use std::time::Duration;

use glasshull::{Builder, Guard};

static STARTED: Once = Once::new();
static GUARD: Mutex<Option<Guard>> = Mutex::new(None);

/// The longest wait for a hub's probes: a typo must not hold a program for an hour.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

unsafe extern "C" {
    fn atexit(callback: extern "C" fn()) -> i32;
}

/// Connects the process to the hub that the environment names, once. What was captured is brought to the hub when
/// the process exits, however it does.
pub fn start() {
    STARTED.call_once(|| {
        let guard = from_environment().init();
        if guard.is_on() {
            wait_for_probes(&guard);
            *GUARD.lock().unwrap_or_else(PoisonError::into_inner) = Some(guard);
            // SAFETY: `stop` lives as long as the program, and unwinds for nobody.
            unsafe { atexit(stop) };
        }
    });
}

extern "C" fn stop() {
    let guard = GUARD.lock().unwrap_or_else(PoisonError::into_inner).take();
    // A panic must not cross the C library.
    let _ = catch_unwind(AssertUnwindSafe(|| drop(guard)));
}

/// Besides what `glasshull::init` reads: `GLASSHULL_CPU_BUDGET`, a share of the CPU time, 0 for no limit. Where nobody named
/// a hub, nothing is said if there is none: some tests look at what a program says.
fn from_environment() -> Builder {
    let mut builder = glasshull::builder();
    if std::env::var_os("GLASSHULL_HUB").is_none() {
        builder = builder.report_to(|_| ());
    }
    match number("GLASSHULL_CPU_BUDGET") {
        Some(share) => builder.cpu_budget(share),
        None => builder,
    }
}

/// With `GLASSHULL_WAIT_MS`, waits that long at most for the hub's probes: tests are over before it could have said what
/// it wants.
fn wait_for_probes(guard: &Guard) {
    if let Some(wait_ms) = number("GLASSHULL_WAIT_MS") {
        let wait = Duration::try_from_secs_f64(wait_ms / 1_000.0).unwrap_or_default();
        guard.wait_for_probes(wait.min(LONGEST_WAIT));
    }
}

fn number(variable: &str) -> Option<f64> {
    std::env::var(variable).ok()?.trim().parse().ok()
}
