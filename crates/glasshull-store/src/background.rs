//! Work that nobody waits for: it gives way to what somebody does, where processors are short.

use std::panic::resume_unwind;

use tokio::task::JoinError;

/// How much a thread gives way, from 0 to 19 as `nice` counts: of a processor that is wanted by others as well, it has about a
/// tenth.
#[cfg(target_os = "linux")]
const NICE: libc::c_int = 10;

/// Runs work that blocks, on a thread of its own with a low priority. It runs to its end also where nobody awaits it.
///
/// # Errors
/// It panicked.
pub(crate) async fn run<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, JoinError> {
    let on_own_thread = move || {
        std::thread::scope(|scope| {
            let thread = scope.spawn(move || {
                give_way();
                work()
            });
            thread.join().unwrap_or_else(|panic| resume_unwind(panic))
        })
    };
    // The runtime's threads serve others afterwards, and a priority that was lowered cannot be raised again.
    tokio::task::spawn_blocking(on_own_thread).await
}

/// Lowers the priority of this thread; where that is refused, it goes on with the one it has.
fn give_way() {
    #[cfg(target_os = "linux")]
    // SAFETY: takes three numbers. On Linux, process 0 is the calling thread alone.
    unsafe {
        libc::setpriority(libc::PRIO_PROCESS, 0, NICE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn it_gives_way_and_nobody_else() {
        // SAFETY: as above.
        let nice = || unsafe { libc::getpriority(libc::PRIO_PROCESS, 0) };
        let before = nice();
        assert_eq!((run(nice).await.unwrap(), nice()), (NICE.max(before), before));
    }

    #[tokio::test]
    async fn a_panic_is_an_error() {
        assert!(run(|| -> () { panic!("no") }).await.unwrap_err().is_panic());
    }
}
