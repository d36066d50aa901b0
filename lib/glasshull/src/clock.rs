//! Time as the capturing threads read it: raw ticks, the cheapest there is. The sender turns them into wall-clock
//! time.

use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How long the first calibration takes: the error of both clock reads, some 100 ns, is then 50 millionths.
const FIRST_CALIBRATION: Duration = Duration::from_millis(2);

/// Over less time a rate is not measured: a thread may be set aside between two clock reads.
const EXACT_AFTER: Duration = Duration::from_millis(200);

/// A rate that is off by so much, in parts of one, means that a clock was stopped: counters deviate by millionths.
const JUMP: f64 = 0.01;

/// Ticks since some moment. Comparable between threads, constant in rate.
#[inline(always)]
pub(crate) fn ticks() -> u64 {
    if has_counter() { counter() } else { other_ticks() }
}

/// Whether ticks are those of [`counter`]. Once they are they stay so.
#[inline(always)]
pub(crate) fn has_counter() -> bool {
    SOURCE.load(Ordering::Relaxed) == Source::Counter as u8
}

/// Apart, as it would take room on the stack wherever it stands.
#[cold]
#[inline(never)]
fn other_ticks() -> u64 {
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
#[inline(always)]
pub(crate) fn counter() -> u64 {
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
#[inline(always)]
pub(crate) fn counter() -> u64 {
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
pub(crate) fn counter() -> u64 {
    since_first_use()
}

#[cfg(any(miri, not(any(target_arch = "x86_64", target_arch = "aarch64"))))]
fn counter_is_sound() -> bool {
    false
}

/// All clocks read at one moment.
#[derive(Clone, Copy)]
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

impl Moment {
    /// Nanoseconds a tick took between two moments. None if ticks did not go forward.
    fn rate_until(&self, later: &Self) -> Option<f64> {
        let ticks = later.ticks.checked_sub(self.ticks).filter(|ticks| *ticks > 0)?;
        Some(later.instant.saturating_duration_since(self.instant).as_nanos() as f64 / ticks as f64)
    }

    /// Whether so much time passed that a rate measured over it is exact.
    fn is_far_from(&self, later: &Self) -> bool {
        later.instant.saturating_duration_since(self.instant) >= EXACT_AFTER
            || later.ticks.saturating_sub(self.ticks) as f64 >= 10.0 * EXACT_AFTER.as_nanos() as f64
    }
}

/// Turns ticks into nanoseconds. Belongs to the sender, which corrects it about once a second.
pub(crate) struct Calibration {
    /// Where the rate is measured from: the longer ago, the more exact.
    first: Moment,
    last: Moment,
    nanoseconds_per_tick: f64,
    /// The rate was measured over too little time, or before the clocks went apart: nothing is compared with it.
    is_rough: bool,
}

impl Calibration {
    pub(crate) fn new() -> Self {
        let first = Moment::now();
        std::thread::sleep(FIRST_CALIBRATION);
        let now = Moment::now();
        let nanoseconds_per_tick = first.rate_until(&now).unwrap_or(1.0);
        Self { first, last: now, nanoseconds_per_tick, is_rough: true }
    }

    /// Measures the rate again, and follows the wall clock where it was set.
    pub(crate) fn correct(&mut self) {
        self.correct_at(Moment::now());
    }

    fn correct_at(&mut self, now: Moment) {
        if self.has_jumped(&now) {
            // Since this moment the two clocks go together again. Until it lies far enough back, the old rate holds.
            (self.first, self.is_rough) = (now, true);
        } else if let Some(rate) = self.first.rate_until(&now).filter(|_| self.first.is_far_from(&now)) {
            (self.nanoseconds_per_tick, self.is_rough) = (rate, false);
        }
        self.last = now;
    }

    /// Whether ticks and time went apart since the last look: the machine slept, or was stopped, or moved to another
    /// one, and only one of the two clocks went on.
    fn has_jumped(&self, now: &Moment) -> bool {
        let Some(rate) = self.last.rate_until(now) else { return true };
        !self.is_rough && self.last.is_far_from(now) && (rate / self.nanoseconds_per_tick - 1.0).abs() > JUMP
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

    /// So many seconds after another moment by the monotonic clock, and so many billion ticks.
    fn after(moment: &Moment, seconds: f64, ticks: f64, wall: i64) -> Moment {
        let ticks = moment.ticks.wrapping_add_signed((ticks * 1e9) as i64);
        Moment { ticks, instant: moment.instant + Duration::from_secs_f64(seconds), wall }
    }

    /// A clock that took two ticks a nanosecond, for a minute.
    fn steady() -> Calibration {
        let mut first = Moment::now();
        first.ticks = 1 << 50;
        let last = after(&first, 0.002, 0.004, 0);
        let mut clock = Calibration { first, last, nanoseconds_per_tick: 0.5, is_rough: true };
        for _ in 0..60 {
            let now = after(&clock.last, 1.0, 2.0, 0);
            clock.correct_at(now);
        }
        clock
    }

    #[track_caller]
    fn goes_right(clock: &Calibration) {
        assert!((clock.nanoseconds(2_000_000) as i64 - 1_000_000).abs() < 10, "{}", clock.nanoseconds_per_tick);
    }

    #[test]
    fn after_a_sleep_in_which_only_one_clock_went_on_the_rate_is_what_it_was() {
        // Ticks went on, ticks stood still, ticks began anew.
        for (seconds, ticks) in [(1.0, 7_200.0), (3_600.0, 2.0), (1.0, -1_000.0)] {
            let mut clock = steady();
            goes_right(&clock);
            let woken = after(&clock.last, seconds, ticks, 77);
            clock.correct_at(woken);
            goes_right(&clock);
            assert_eq!(clock.wall(clock.last.ticks), 77);
            for _ in 0..5 {
                let now = after(&clock.last, 1.0, 2.0, 0);
                clock.correct_at(now);
                goes_right(&clock);
            }
        }
    }

    #[test]
    fn a_counter_that_goes_at_another_rate_elsewhere_is_followed() {
        let mut clock = steady();
        // The first second looks like a jump, from the second on the rate is known.
        for _ in 0..2 {
            let now = after(&clock.last, 1.0, 3.0, 0);
            clock.correct_at(now);
        }
        assert!((clock.nanoseconds(3_000_000) as i64 - 1_000_000).abs() < 10, "{}", clock.nanoseconds_per_tick);
    }

    #[test]
    fn a_wall_clock_set_back_is_followed_and_durations_are_not_touched() {
        let mut clock = steady();
        let now = after(&clock.last, 1.0, 2.0, 5_000_000_000_000);
        clock.correct_at(now);
        let set_back = after(&clock.last, 1.0, 2.0, 1_000);
        clock.correct_at(set_back);
        goes_right(&clock);
        assert_eq!(clock.wall(clock.last.ticks + 2_000), 2_000);
        assert_eq!(clock.wall(clock.last.ticks - 2_000), 0);
    }

    #[test]
    fn a_moment_before_the_calibration_has_a_time_too() {
        let before = ticks();
        let calibration = Calibration::new();
        assert!(calibration.wall(before) < calibration.wall(ticks()));
    }
}
