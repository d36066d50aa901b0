//! The CPU time of the calling thread: what the sender itself costs the host.

/// Nanoseconds of CPU time the calling thread has taken; none where the system does not tell.
#[cfg(all(target_os = "linux", target_pointer_width = "64", not(miri)))]
pub(super) fn own_thread_ns() -> Option<u64> {
    use std::ffi::c_int;

    #[repr(C)]
    struct Time {
        seconds: i64,
        nanoseconds: i64,
    }
    unsafe extern "C" {
        fn clock_gettime(clock: c_int, time: *mut Time) -> c_int;
    }
    const THREAD_CPU_TIME: c_int = 3;
    let mut time = Time { seconds: 0, nanoseconds: 0 };
    // SAFETY: the C library that the standard library links has this function; on 64-bit Linux its time is two `i64`.
    let failed = unsafe { clock_gettime(THREAD_CPU_TIME, &raw mut time) };
    let (seconds, nanoseconds) = (u64::try_from(time.seconds).ok()?, u64::try_from(time.nanoseconds).ok()?);
    (failed == 0).then(|| seconds.saturating_mul(1_000_000_000).saturating_add(nanoseconds))
}

#[cfg(not(all(target_os = "linux", target_pointer_width = "64", not(miri))))]
pub(super) fn own_thread_ns() -> Option<u64> {
    None
}

#[cfg(all(test, target_os = "linux", target_pointer_width = "64", not(miri)))]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn only_the_time_at_work_counts() {
        let before = own_thread_ns().unwrap();
        std::thread::sleep(Duration::from_millis(20));
        let slept = own_thread_ns().unwrap() - before;
        assert!(slept < 15_000_000, "{slept}");
        let deadline = Instant::now() + Duration::from_secs(20);
        while own_thread_ns().unwrap() - before < 20_000_000 {
            assert!(Instant::now() < deadline);
        }
    }
}
