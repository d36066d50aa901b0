//! Time as the capturing threads read it: raw ticks, the cheapest there is. The sender turns them into wall-clock
//! time.

use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How long the first calibration takes: the error of both clock reads, some 100 ns, is then 50 millionths.
const FIRST_CALIBRATION: Duration = Duration::from_millis(2);

/// Ticks since some moment. Comparable between threads, constant in rate.
#[inline]
pub(crate) fn ticks() -> u64 {
    match source() {
        Source::Counter => counter(),
        Source::Instant => since_first_use(),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    Counter = 1,
    Instant = 2,
}

static SOURCE: AtomicU8 = AtomicU8::new(0);

#[inline]
fn source() -> Source {
    match SOURCE.load(Ordering::Relaxed) {
        1 => Source::Counter,
        2 => Source::Instant,
        _ => choose_source(),
    }
}

#[cold]
fn choose_source() -> Source {
    let source = if counter_is_sound() { Source::Counter } else { Source::Instant };
    SOURCE.store(source as u8, Ordering::Relaxed);
    source
}

fn since_first_use() -> u64 {
    static FIRST: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    FIRST.get_or_init(Instant::now).elapsed().as_nanos() as u64
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
#[inline]
fn counter() -> u64 {
    // SAFETY: every x86_64 has the instruction; where it is forbidden to user code the process could not have started
    // its C library, which uses it too.
    unsafe { std::arch::x86_64::_rdtsc() }
}

/// Whether the counter runs at one rate on all cores and in all power states.
#[cfg(all(target_arch = "x86_64", not(miri)))]
#[allow(unused_unsafe)] // `__cpuid` is a safe function in newer compilers.
fn counter_is_sound() -> bool {
    const POWER_MANAGEMENT: u32 = 0x8000_0007;
    const INVARIANT: u32 = 1 << 8;
    // SAFETY: every x86_64 has the instruction, and the leaf is asked for only where it exists.
    let edx = unsafe {
        let highest = std::arch::x86_64::__cpuid(0x8000_0000).eax;
        if highest < POWER_MANAGEMENT { 0 } else { std::arch::x86_64::__cpuid(POWER_MANAGEMENT).edx }
    };
    edx & INVARIANT != 0
}

#[cfg(all(target_arch = "aarch64", not(miri)))]
#[inline]
fn counter() -> u64 {
    let ticks: u64;
    // SAFETY: reads the virtual counter, which Linux, macOS and Windows allow to user code; no memory, no stack.
    unsafe { std::arch::asm!("mrs {}, cntvct_el0", out(reg) ticks, options(nomem, nostack, preserves_flags)) };
    ticks
}

#[cfg(all(target_arch = "aarch64", not(miri)))]
fn counter_is_sound() -> bool {
    true
}

#[cfg(any(miri, not(any(target_arch = "x86_64", target_arch = "aarch64"))))]
fn counter() -> u64 {
    since_first_use()
}

#[cfg(any(miri, not(any(target_arch = "x86_64", target_arch = "aarch64"))))]
fn counter_is_sound() -> bool {
    false
}

/// All clocks read at one moment.
struct Moment {
    ticks: u64,
    instant: Instant,
    wall: i64,
}

impl Moment {
    /// Reads the clocks a few times and takes the reading that took least: a thread may be set aside in between.
    fn now() -> Self {
        const READINGS: usize = 5;
        let readings = std::array::from_fn::<_, READINGS, _>(|_| {
            let before = ticks();
            let (instant, wall) = (Instant::now(), wall_now());
            let took = ticks().wrapping_sub(before);
            (took, Self { ticks: before.wrapping_add(took / 2), instant, wall })
        });
        let [first, others @ ..] = readings;
        others.into_iter().fold(first, |best, other| if other.0 < best.0 { other } else { best }).1
    }
}

/// Turns ticks into nanoseconds. Belongs to the sender, which corrects it about once a second.
pub(crate) struct Calibration {
    /// Where the rate is measured from: the longer ago, the more exact.
    first: Moment,
    last: Moment,
    nanoseconds_per_tick: f64,
}

impl Calibration {
    pub(crate) fn new() -> Self {
        let first = Moment::now();
        std::thread::sleep(FIRST_CALIBRATION);
        let mut calibration = Self { first, last: Moment::now(), nanoseconds_per_tick: 1.0 };
        calibration.correct();
        calibration
    }

    /// Measures the rate again, and follows the wall clock where it was set.
    pub(crate) fn correct(&mut self) {
        self.last = Moment::now();
        let elapsed = self.last.instant.duration_since(self.first.instant).as_nanos() as f64;
        let passed = self.last.ticks.wrapping_sub(self.first.ticks) as f64;
        if passed > 0.0 {
            self.nanoseconds_per_tick = elapsed / passed;
        }
    }

    /// Wall-clock time of a moment, in nanoseconds since 1970-01-01 UTC.
    pub(crate) fn wall(&self, at: u64) -> i64 {
        let distance = at.wrapping_sub(self.last.ticks) as i64;
        self.last.wall.saturating_add((distance as f64 * self.nanoseconds_per_tick) as i64)
    }

    /// A number of ticks in nanoseconds.
    pub(crate) fn nanoseconds(&self, ticks: u64) -> u64 {
        (ticks as f64 * self.nanoseconds_per_tick) as u64
    }
}

/// The system's wall clock, in nanoseconds since 1970-01-01 UTC.
#[allow(clippy::disallowed_methods)] // This is the clock that all others are to ask.
pub(crate) fn wall_now() -> i64 {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_nanos()).unwrap_or(i64::MAX),
        Err(before) => -i64::try_from(before.duration().as_nanos()).unwrap_or(i64::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_turn_into_the_time_that_passed() {
        let mut calibration = Calibration::new();
        let (from, instant) = (ticks(), Instant::now());
        std::thread::sleep(Duration::from_millis(30));
        let (to, elapsed) = (ticks(), instant.elapsed().as_nanos() as f64);
        calibration.correct();
        let measured = calibration.nanoseconds(to - from) as f64;
        assert!((measured / elapsed - 1.0).abs() < 0.05, "{measured} ns instead of {elapsed}");
    }

    #[test]
    fn wall_time_is_that_of_the_system() {
        let calibration = Calibration::new();
        let off = calibration.wall(ticks()) - wall_now();
        assert!(off.abs() < 50_000_000, "{off} ns off");
    }

    #[test]
    fn a_moment_before_the_calibration_has_a_time_too() {
        let before = ticks();
        let calibration = Calibration::new();
        assert!(calibration.wall(before) < calibration.wall(ticks()));
    }
}
