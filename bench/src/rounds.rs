//! Several subjects measured in turn, so that a machine that gets slower or faster meanwhile does so for all.

use std::time::{Duration, Instant};

/// Something that is called many times.
pub(crate) struct Subject {
    pub(crate) what: &'static str,
    /// Calls it so many times, the first ones to warm caches up.
    pub(crate) burst: Box<dyn FnMut(Calls) -> Taken>,
    /// Of how many calls of others it makes one: for a subject that takes more room.
    pub(crate) one_in: u64,
    /// Rest before each burst, for a subject whose work goes on elsewhere.
    pub(crate) rest: Duration,
}

/// How many calls a burst makes.
#[derive(Clone, Copy)]
pub(crate) struct Calls {
    /// Right after the work of other subjects, with caches full of that.
    pub(crate) first: u64,
    /// After these.
    pub(crate) steady: u64,
}

/// What a burst took.
#[derive(Clone, Copy, Default)]
pub(crate) struct Taken {
    first: Duration,
    steady: Duration,
}

/// Nanoseconds a call, one value for each burst.
#[derive(Clone, Default)]
pub(crate) struct Times {
    pub(crate) first: Vec<f64>,
    pub(crate) steady: Vec<f64>,
}

impl Calls {
    /// Makes them.
    pub(crate) fn make(self, mut call: impl FnMut(u64)) -> Taken {
        let began = Instant::now();
        (0..self.first).for_each(&mut call);
        let warm = Instant::now();
        (self.first..self.first + self.steady).for_each(&mut call);
        Taken { first: warm.duration_since(began), steady: warm.elapsed() }
    }

    pub(crate) fn one_in(self, fewer: u64) -> Self {
        Self { first: self.first / fewer, steady: self.steady / fewer }
    }

    pub(crate) fn all(self) -> u64 {
        self.first + self.steady
    }
}

/// Times of each subject, a burst each in turn.
pub(crate) fn measure(subjects: &mut [Subject], rounds: usize, calls: Calls) -> Vec<Times> {
    let mut times = vec![Times::default(); subjects.len()];
    // The first round is for what happens once, and is not counted.
    for round in 0..=rounds {
        for (subject, times) in subjects.iter_mut().zip(&mut times) {
            rest(subject.rest);
            let calls = calls.one_in(subject.one_in);
            let taken = (subject.burst)(calls);
            if round > 0 {
                times.first.push(taken.first.as_nanos() as f64 / calls.first as f64);
                times.steady.push(taken.steady.as_nanos() as f64 / calls.steady as f64);
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
