//! What the sender does and finds for one probe, counted for people and for the governor.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use glasshull_wire::limits::MAX_NAME_BYTES;
use glasshull_wire::v1;

use super::condition::{Clue, Condition, Facts, Verdict};
use crate::clock::ticks;
use crate::value::{Met, cut};

/// Why a condition cannot be decided is told anew after so long, and believed for twice as long.
const CLUE_PERIOD: Duration = Duration::from_secs(60);

/// What a call costs besides its values, in bytes that cost as much.
const CALL_WEIGHT: u64 = 128;

/// Calls made by the code of values that were being captured, in the whole process.
static INSIDE_VALUES: AtomicU64 = AtomicU64::new(0);

/// A traced function was called by the code of a value that is being captured: such a call never is.
pub(crate) fn count_inside_value() {
    INSIDE_VALUES.fetch_add(1, Ordering::Relaxed);
}

pub(super) fn inside_values() -> u64 {
    INSIDE_VALUES.load(Ordering::Relaxed)
}

/// Counts only grow. The sender alone writes them.
#[derive(Debug, Default)]
pub(crate) struct Work {
    condition: Option<Condition>,
    /// The condition exceeds a limit: the probe must not run.
    refused: Option<&'static str>,
    undecided: AtomicU64,
    clue: Mutex<Option<(Instant, String)>>,
    /// Ticks spent on the condition.
    ticks: AtomicU64,
    truncated_calls: AtomicU64,
    failed_values: AtomicU64,
    printed_values: AtomicU64,
    captured_bytes: AtomicU64,
    /// What its calls weigh in the cost of all: see [`Self::looked_at`].
    weight: AtomicU64,
    printed_at: OnceLock<String>,
}

impl Work {
    /// Compiles the condition of an order.
    pub(crate) fn of(order: &v1::Probe) -> Self {
        match order.condition.as_ref().map(Condition::compile) {
            None => Self::default(),
            Some(Ok(condition)) => Self { condition: Some(condition), ..Self::default() },
            Some(Err(why)) => Self { refused: Some(why), ..Self::default() },
        }
    }

    pub(crate) fn refused(&self) -> Option<&'static str> {
        self.refused
    }

    /// Ticks the sender spent for this probe alone, since it arrived: they belong to the budget of capturing.
    pub(crate) fn spent(&self) -> u64 {
        self.ticks.load(Ordering::Relaxed)
    }

    /// A call with so many bytes of values has ended.
    pub(crate) fn looked_at(&self, bytes: usize, is_kept: bool) {
        let add = |counter: &AtomicU64, more: u64| {
            counter.store(counter.load(Ordering::Relaxed).saturating_add(more), Ordering::Relaxed);
        };
        add(&self.weight, CALL_WEIGHT + bytes as u64);
        add(&self.captured_bytes, if is_kept { bytes as u64 } else { 0 });
    }

    /// What all its calls weighed so far.
    pub(crate) fn weight(&self) -> u64 {
        self.weight.load(Ordering::Relaxed)
    }

    /// Whether the probe wants a call. `counts`: the call has ended.
    pub(crate) fn wants(&self, facts: &Facts<'_>, now: Instant, counts: bool) -> bool {
        let Some(condition) = &self.condition else { return self.refused.is_none() };
        let began = ticks();
        let verdict = condition.evaluate(facts);
        self.ticks.fetch_add(ticks().saturating_sub(began), Ordering::Relaxed);
        if let (Verdict::Undecided(Some(clue)), true) = (&verdict, counts) {
            self.note(clue, now);
        }
        matches!(verdict, Verdict::Holds)
    }

    /// Counts each, but puts into words only one a minute.
    fn note(&self, clue: &Clue<'_>, now: Instant) {
        self.undecided.fetch_add(1, Ordering::Relaxed);
        let mut told = self.clue.lock().unwrap_or_else(PoisonError::into_inner);
        if told.as_ref().is_none_or(|(at, _)| now.duration_since(*at) >= CLUE_PERIOD) {
            *told = Some((now, cut(&clue.to_string(), MAX_NAME_BYTES).to_owned()));
        }
    }

    /// Why the condition could not be decided a moment ago, for people.
    pub(crate) fn complaint(&self, now: Instant) -> Option<String> {
        let told = self.clue.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, clue) = told.as_ref().filter(|(at, _)| now.duration_since(*at) < 2 * CLUE_PERIOD)?;
        let (undecided, ago) = (self.undecided.load(Ordering::Relaxed), now.duration_since(*at).as_secs());
        Some(format!("its condition could not be decided for {undecided} calls so far; {ago} s ago {clue}"))
    }

    /// A call that the probe keeps was written. `printed_at` tells where a value was that `Debug` printed.
    pub(crate) fn wrote(&self, met: Met, printed_at: impl FnOnce() -> String) {
        let count = |counter: &AtomicU64, met: bool| counter.fetch_add(met.into(), Ordering::Relaxed);
        count(&self.truncated_calls, met.truncated);
        count(&self.failed_values, met.failed);
        count(&self.printed_values, met.printed);
        if met.printed {
            self.printed_at.get_or_init(|| cut(&printed_at(), MAX_NAME_BYTES).to_owned());
        }
    }

    /// Adds the counts to a report.
    pub(crate) fn report(&self, report: &mut v1::ProbeReport, nanoseconds: impl Fn(u64) -> u64) {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        report.undecided = count(&self.undecided);
        report.condition_ns = nanoseconds(self.spent());
        report.captured_bytes = count(&self.captured_bytes);
        report.truncated_calls = count(&self.truncated_calls);
        report.failed_values = count(&self.failed_values);
        report.printed_values = count(&self.printed_values);
        report.printed_at = self.printed_at.get().cloned().unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use glasshull_wire::v1::{Comparison, Literal, Operator, Subject, condition, literal};

    use super::*;
    use crate::value::redaction::Redaction;

    /// `outcome IN (5)`, which compares a text with a number.
    fn work() -> Work {
        let values = vec![Literal { value: Some(literal::Value::Integer(5)) }];
        let (subject, operator) = (Subject::Outcome.into(), Operator::In.into());
        let kind = condition::Kind::Comparison(Comparison { subject, operator, values, ..Comparison::default() });
        Work::of(&v1::Probe { condition: Some(v1::Condition { kind: Some(kind) }), ..v1::Probe::default() })
    }

    #[test]
    fn an_undecided_condition_is_counted_each_time_and_told_once_a_minute() {
        let (work, start, redaction) = (work(), Instant::now(), Redaction::default());
        let facts = Facts {
            arguments: &[],
            values: &[],
            returned: None,
            error: None,
            outcome: "returned",
            duration_ns: 1,
            redaction: &redaction,
        };
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(work.complaint(start), None);
        for second in 0..59 {
            assert!(!work.wants(&facts, at(second), true));
        }
        assert!(!work.wants(&facts, at(59), false), "a call that runs is not counted");
        let told = work.complaint(at(59)).unwrap();
        let expected = "its condition could not be decided for 59 calls so far; 59 s ago `outcome` is of another type";
        assert!(told.starts_with(expected), "{told}");
        work.wants(&facts, at(60), true);
        assert!(work.complaint(at(61)).unwrap().contains("for 60 calls so far; 1 s ago"));
        assert_eq!(work.complaint(at(180)), None, "what is long ago is not told");
        assert!(work.spent() > 0);
        let mut report = v1::ProbeReport::default();
        work.report(&mut report, |ticks| ticks);
        assert_eq!((report.undecided, report.condition_ns), (60, work.spent()));
    }
}
