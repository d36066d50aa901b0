//! How long the sender sleeps between its rounds: no longer than the busiest ring takes to fill by half, as far as the
//! rounds before tell.

use std::time::{Duration, Instant};

/// The shortest and the longest sleep while calls may come.
const SHORTEST: Duration = Duration::from_micros(100);
const LONGEST: Duration = Duration::from_millis(5);

/// While somebody waits for what there is to be sent.
const HURRIED: Duration = Duration::from_millis(1);

/// While there is nothing to do.
const IDLE: Duration = Duration::from_millis(50);

/// How long a rate is believed after it was last seen: requests come in bursts.
const BELIEVED: Duration = Duration::from_millis(50);

/// What is to be known of the rounds before.
#[derive(Debug)]
pub(super) struct Pace {
    looked_at: Instant,
    /// How long a ring took to fill at the highest rate seen of late, and when it was seen.
    fills_in: Duration,
    seen_at: Instant,
}

/// What a round found.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Found {
    /// Of the fullest ring, how much was taken; 1 is all of it.
    pub(super) fullest: f64,
    /// Somebody waits for what there is to be sent.
    pub(super) is_hurried: bool,
    /// Calls may come at any time.
    pub(super) is_expecting: bool,
}

impl Pace {
    pub(super) fn new(now: Instant) -> Self {
        Self { looked_at: now, fills_in: Duration::MAX, seen_at: now }
    }

    /// How long to sleep after a round that began now.
    pub(super) fn tick(&mut self, found: Found, now: Instant) -> Duration {
        // Not more than all: what is no number becomes that.
        let fullest = if found.fullest < 1.0 { found.fullest.max(1e-6) } else { 1.0 };
        let fills_in = now.saturating_duration_since(self.looked_at).div_f64(fullest);
        self.looked_at = now;
        if fills_in <= self.fills_in || now.saturating_duration_since(self.seen_at) >= BELIEVED {
            (self.fills_in, self.seen_at) = (fills_in, now);
        }
        match found {
            Found { is_hurried: true, .. } => HURRIED.min(self.half_full_in()),
            Found { is_expecting: true, .. } => self.half_full_in(),
            Found { fullest, .. } if fullest > 0.0 => self.half_full_in(),
            _ => IDLE,
        }
    }

    fn half_full_in(&self) -> Duration {
        (self.fills_in / 2).clamp(SHORTEST, LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: Found = Found { fullest: 0.0, is_hurried: false, is_expecting: true };

    fn after(milliseconds: u64, began: Instant) -> Instant {
        began + Duration::from_millis(milliseconds)
    }

    #[test]
    fn a_ring_is_emptied_when_it_is_half_full() {
        let began = Instant::now();
        let tick = |found| Pace::new(began).tick(found, after(2, began));
        assert_eq!(tick(Found { fullest: 0.5, ..EMPTY }), Duration::from_millis(2));
        assert_eq!(tick(Found { fullest: 1.0, ..EMPTY }), Duration::from_millis(1));
        assert_eq!(tick(Found { fullest: 0.001, ..EMPTY }), LONGEST);
        assert_eq!(Pace::new(began).tick(Found { fullest: 1.0, ..EMPTY }, began), SHORTEST);
    }

    #[test]
    fn without_calls_it_sleeps_long_and_longest_where_none_are_expected() {
        let began = Instant::now();
        let tick = |found| Pace::new(began).tick(found, after(1, began));
        assert_eq!(tick(EMPTY), LONGEST);
        assert_eq!(tick(Found { is_expecting: false, ..EMPTY }), IDLE);
        assert_eq!(tick(Found { is_hurried: true, ..EMPTY }), HURRIED);
    }

    #[test]
    fn between_bursts_it_does_not_sleep_longer_than_a_ring_can_wait() {
        let began = Instant::now();
        let mut pace = Pace::new(began);
        let first = pace.tick(Found { fullest: 0.5, ..EMPTY }, after(1, began));
        assert_eq!(first, Duration::from_millis(1));
        let later = 1 + BELIEVED.as_millis() as u64;
        assert!((2..later).all(|at| pace.tick(EMPTY, after(at, began)) == first));
        assert_eq!(pace.tick(EMPTY, after(later, began)), LONGEST);
    }

    #[test]
    fn a_clock_that_stands_still_or_goes_back_does_no_harm() {
        let began = Instant::now();
        let mut pace = Pace::new(after(10, began));
        assert_eq!(pace.tick(Found { fullest: 7.0, ..EMPTY }, began), SHORTEST);
        assert_eq!(pace.tick(Found { fullest: f64::NAN, ..EMPTY }, began), SHORTEST);
    }
}
