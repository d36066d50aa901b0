//! Several subjects measured in turn, so that a machine that gets slower or faster meanwhile does so for all.

use std::time::{Duration, Instant};

/// Something that is called many times.
pub(crate) struct Subject {
    pub(crate) what: &'static str,
    /// Calls it so many times.
    pub(crate) burst: Box<dyn FnMut(u64)>,
    /// Of how many calls of others it makes one: for a subject that takes more room.
    pub(crate) one_in: u64,
    /// Rest before each burst, for a subject whose work goes on elsewhere.
    pub(crate) rest: Duration,
}

/// Nanoseconds a call of each subject, a burst each.
pub(crate) fn measure(subjects: &mut [Subject], rounds: usize, calls: u64) -> Vec<Vec<f64>> {
    let mut times = vec![Vec::with_capacity(rounds); subjects.len()];
    // The first round warms caches up and is not counted.
    for round in 0..=rounds {
        for (subject, times) in subjects.iter_mut().zip(&mut times) {
            rest(subject.rest);
            let began = Instant::now();
            (subject.burst)(calls / subject.one_in);
            let nanoseconds = began.elapsed().as_nanos() as f64 / (calls / subject.one_in) as f64;
            if round > 0 {
                times.push(nanoseconds);
            }
        }
    }
    times
}

/// Lets time pass without letting the processor cool down: calls come in the midst of other work.
pub(crate) fn rest(length: Duration) {
    let began = Instant::now();
    while began.elapsed() < length {
        std::hint::spin_loop();
    }
}
