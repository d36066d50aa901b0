//! How the hub is: its own state as numbers, and what of it is wrong in words people can act on.

use glasshull_api::Code;
use glasshull_api::answers::{
    JournalStatus, LiveStatus, MemoryShare, Problem, QueriesStatus, QueryUnderWay, Severity, Status, StoreStatus,
};
use glasshull_query::{QueryStats, Question};
use glasshull_store::StoreStats;

use crate::hub::Parts;
use crate::limits::MAX_LISTENERS;
use crate::text::rfc3339;

/// Live calls that take more than so many hundredths of their memory: senders are asked to wait longer and longer.
const NEARLY_FULL_PERCENT: u64 = 80;

/// What of the hub may be wrong.
#[derive(Clone, Debug, Default)]
pub(crate) struct Signs {
    store: StoreStats,
    queries: QueryStats,
    failed_tasks: Vec<&'static str>,
    /// Calls that connected instances lost.
    lost: u64,
    /// Probes that a governor lets capture less.
    cut_back: usize,
}

pub(crate) fn signs(parts: &Parts) -> Signs {
    Signs {
        store: parts.store.stats(),
        queries: parts.engine.stats(),
        failed_tasks: parts.tasks.failed(),
        lost: parts.instances.dropped(),
        cut_back: parts.probes.cut_back(&parts.instances),
    }
}

/// The hub's own state.
pub(crate) fn status(parts: &Parts) -> Status {
    let signs = signs(parts);
    let (instances, functions) = parts.instances.counts();
    let store = &signs.store;
    Status {
        version: crate::VERSION.into(),
        started_at: rfc3339(parts.started_at_ns),
        instances: instances as u32,
        functions: functions as u32,
        probes: parts.probes.running() as u32,
        calls_received: store.appended_calls,
        live_calls: store.live_calls,
        segments: store.segments,
        segment_bytes: store.segment_bytes,
        journal_bytes: store.journal_bytes,
        durability: parts.settings.durability.name().into(),
        calls_dropped: signs.lost,
        problems: problems(&signs),
        journal: journal(store),
        live: live(store, parts.gates.batch_bytes_under_way()),
        store: segments(store, merge_backlog(parts)),
        queries: queries(&signs.queries, parts.engine.under_way()),
        memory: memory(parts, &signs),
        listeners: parts.live.listeners() as u32,
        max_listeners: MAX_LISTENERS as u32,
        connections: parts.connections.len() as u32,
        max_connections: parts.settings.max_connections as u32,
    }
}

fn journal(is: &StoreStats) -> JournalStatus {
    JournalStatus {
        writable: is.journal_writable,
        files: is.journal_files,
        bytes: is.journal_bytes,
        syncs: is.fsyncs.count,
        sync_ns: is.fsyncs.sum_ns,
        lost_files: is.journal_lost_files,
        corrupt_records: is.corrupt_records,
    }
}

fn live(is: &StoreStats, batch_bytes: u64) -> LiveStatus {
    LiveStatus {
        calls: is.live_calls,
        bytes: is.live_bytes,
        limit_bytes: is.live_limit_bytes,
        running_calls: is.running_calls,
        batch_bytes,
        refused_busy: is.refused_busy,
        refused_wrong: is.refused_invalid + is.refused_ahead,
    }
}

fn segments(is: &StoreStats, merge_backlog: u64) -> StoreStatus {
    StoreStatus {
        segments: is.segments,
        bytes: is.segment_bytes,
        calls: is.segment_calls,
        publishes: is.publishes.count,
        publish_failures: is.publish_failures,
        publish_error: is.publish_error.clone(),
        merges: is.merges.count,
        merge_failures: is.merge_failures,
        merge_backlog,
        unmergeable: is.unmergeable_segments,
        expired: is.expired_segments,
    }
}

/// Segments beyond the first of each window that is over.
fn merge_backlog(parts: &Parts) -> u64 {
    let now_ns = parts.clock.now_ns();
    let segments = parts.store.snapshot().segments;
    let windows = segments.chunk_by(|a, b| a.window_start_ns == b.window_start_ns);
    let over = windows.filter(|window| window.iter().all(|segment| segment.window_end_ns <= now_ns));
    over.map(|window| window.len() as u64 - 1).sum()
}

fn queries(is: &QueryStats, under_way: Vec<Question>) -> QueriesStatus {
    let told = |question: Question| QueryUnderWay {
        statement: question.statement,
        asker: question.asker,
        elapsed_ms: u64::try_from(question.elapsed.as_millis()).unwrap_or(u64::MAX),
        waiting: question.is_waiting,
    };
    QueriesStatus {
        under_way: under_way.into_iter().map(told).collect(),
        running: is.running,
        waiting: is.waiting,
        max_running: is.max_running,
        answered: is.answered,
        partial: is.partial,
        failed: is.failed,
        timed_out: is.timed_out,
        out_of_memory: is.out_of_memory,
        refused: is.refused,
        cancelled: is.cancelled,
        unreadable_segments: is.unreadable_segments,
    }
}

fn memory(parts: &Parts, signs: &Signs) -> Vec<MemoryShare> {
    let shares = parts.settings.shares();
    let share = |part: &str, limit_bytes, used_bytes| MemoryShare { part: part.into(), limit_bytes, used_bytes };
    vec![
        share("live calls", signs.store.live_limit_bytes, Some(signs.store.live_bytes)),
        share("queries", signs.queries.memory_limit_bytes, Some(signs.queries.memory_bytes)),
        share("batches on their way", shares.batches, Some(parts.gates.batch_bytes_under_way())),
        share("publishing", shares.publish, None),
        share("merging", shares.merge, None),
        share("footers and summaries", shares.footers, None),
    ]
}

/// How many there are that somebody should look at.
pub(crate) fn count(signs: &Signs) -> u32 {
    problems(signs).iter().filter(|problem| problem.severity != Severity::Note).count() as u32
}

/// What is wrong, the worst first.
pub(crate) fn problems(signs: &Signs) -> Vec<Problem> {
    let all = [of_journal(&signs.store), of_store(&signs.store), of_hub(signs), of_capture(signs)];
    let mut problems = all.concat();
    problems.sort_by_key(|problem| problem.severity);
    problems
}

/// A problem where there is one.
fn when(is: bool, severity: Severity, told: impl FnOnce() -> [String; 3]) -> Option<Problem> {
    let [what, effect, todo] = is.then(told)?;
    Some(Problem { severity, what, effect, todo, code: None })
}

fn with_code(problem: Option<Problem>, code: Code) -> Option<Problem> {
    problem.map(|problem| Problem { code: Some(code.text().into()), ..problem })
}

fn of_journal(is: &StoreStats) -> Vec<Problem> {
    let unwritable = when(!is.journal_writable, Severity::Bad, || {
        [
            "The journal cannot be written.".into(),
            "Nothing is acknowledged until it can; what was acknowledged is safe, and instances keep what they have room \
             for."
                .into(),
            "Look for a full disk or a folder that may not be written; the hub's log says which file.".into(),
        ]
    });
    let corrupt = when(is.corrupt_records > 0, Severity::Bad, || {
        [
            format!("{} records of the journal were found damaged at the start.", is.corrupt_records),
            "Calls that had been acknowledged may be lost; all others are there.".into(),
            "Look for faults of the disk; the hub's log names the file.".into(),
        ]
    });
    let lost = when(is.journal_lost_files > 0, Severity::Warning, || {
        [
            format!("{} journal files were given up after a failed write or sync.", is.journal_lost_files),
            "What was in them was not acknowledged: instances sent it again.".into(),
            "Look for faults of the disk in the hub's log.".into(),
        ]
    });
    let relaxed = when(is.is_relaxed, Severity::Note, || {
        [
            "Calls are acknowledged before they are on the disk.".into(),
            "A power cut loses the last second or so of what was acknowledged.".into(),
            "That is what --durability relaxed asks for; without it calls are on the disk first.".into(),
        ]
    });
    let unwritable = with_code(unwritable, Code::JournalUnwritable);
    [unwritable, corrupt, lost, relaxed].into_iter().flatten().collect()
}

fn of_store(is: &StoreStats) -> Vec<Problem> {
    let unpublished = when(is.publish_error.is_some(), Severity::Bad, || {
        [
            format!("Segments cannot be written: {}", is.publish_error.as_deref().unwrap_or_default()),
            "Calls stay in the journal and can be asked for; it is tried again. New ones are refused once there is no room."
                .into(),
            "Look whether the object store can be reached and has room.".into(),
        ]
    });
    let unknown = when(is.unknown_segments > 0, Severity::Warning, || {
        [
            format!("{} segments lie in the store that the catalog does not know.", is.unknown_segments),
            "They are kept, and no question sees them.".into(),
            "Was an older catalog put back? The page of the code says what to do.".into(),
        ]
    });
    let unmergeable = when(is.unmergeable_segments > 0, Severity::Warning, || {
        [
            format!("{} segments cannot be merged.", is.unmergeable_segments),
            "They are damaged or too large to be read together; questions read what they can, and say what not.".into(),
            "The hub's log names them.".into(),
        ]
    });
    let doubted = when(is.clock_doubted, Severity::Warning, || {
        [
            "The hub's clock stands far ahead of when it ran last.".into(),
            "Retention deletes less than it should, for a day.".into(),
            "Set the clock right; if it is right, nothing is to be done.".into(),
        ]
    });
    let unpublished = with_code(unpublished, Code::ObjectStoreUnavailable);
    let unknown = with_code(unknown, Code::CatalogUnavailable);
    [unpublished, unknown, unmergeable, doubted].into_iter().flatten().collect()
}

fn of_hub(signs: &Signs) -> Vec<Problem> {
    let (store, queries) = (&signs.store, &signs.queries);
    let failed = when(!signs.failed_tasks.is_empty(), Severity::Bad, || {
        [
            format!("A part of the hub has ended by a fault of its own: {}.", signs.failed_tasks.join(", ")),
            "What was acknowledged is safe.".into(),
            "Restart the hub, and report what its log says.".into(),
        ]
    });
    let percent = store.live_bytes.saturating_mul(100) / store.live_limit_bytes.max(1);
    let full = when(percent >= NEARLY_FULL_PERCENT, Severity::Warning, || {
        [
            format!("Live calls take {percent} % of their memory."),
            "Instances are asked to wait, and drop what they have no room for; nothing acknowledged is lost.".into(),
            "Trace fewer functions, SAMPLE 1 IN n, or give the hub more --memory.".into(),
        ]
    });
    let waiting = when(queries.waiting > 0, Severity::Warning, || {
        [
            format!("{} questions wait for {} others to end.", queries.waiting, queries.running),
            "Each of them comes to its turn, or is refused when it has waited too long.".into(),
            "Look below which they are; ask for a shorter time or fewer columns.".into(),
        ]
    });
    [with_code(failed, Code::Internal), full, with_code(waiting, Code::TooManyQueries)].into_iter().flatten().collect()
}

fn of_capture(signs: &Signs) -> Vec<Problem> {
    let lost = when(signs.lost > 0, Severity::Warning, || {
        [
            format!("{} calls were lost in connected instances since they started.", signs.lost),
            "The programs themselves never waited; what was captured otherwise is whole.".into(),
            "Instances tells where, why, and what to do about each reason.".into(),
        ]
    });
    let cut_back = when(signs.cut_back > 0, Severity::Note, || {
        [
            format!("{} probes capture less than they were asked to.", signs.cut_back),
            "Capturing more would take more CPU time than the programs allow it.".into(),
            "Trace fewer functions, or SAMPLE 1 IN n; Probes tells each one's reason.".into(),
        ]
    });
    [lost, cut_back].into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn well() -> Signs {
        let store = StoreStats { journal_writable: true, live_limit_bytes: 100, ..StoreStats::default() };
        Signs { store, ..Signs::default() }
    }

    fn told(signs: &Signs) -> Vec<(Severity, String)> {
        problems(signs).into_iter().map(|problem| (problem.severity, problem.what)).collect()
    }

    #[test]
    fn a_hub_that_is_well_says_nothing() {
        assert_eq!(told(&well()), []);
        assert_eq!(count(&well()), 0);
    }

    #[test]
    fn what_does_not_work_stands_before_what_may_come_and_what_was_asked_for() {
        let mut signs = well();
        signs.store = StoreStats {
            journal_writable: false,
            is_relaxed: true,
            live_bytes: 93,
            publish_error: Some("no such host".into()),
            ..signs.store
        };
        signs.lost = 7;
        signs.failed_tasks = vec!["live"];
        let told = told(&signs);
        let severities: Vec<Severity> = told.iter().map(|(severity, _)| *severity).collect();
        assert!(severities.is_sorted(), "{told:?}");
        assert_eq!(severities.iter().filter(|one| **one == Severity::Bad).count(), 3);
        assert!(told.iter().any(|(_, what)| what == "Live calls take 93 % of their memory."), "{told:?}");
        assert!(told.iter().any(|(_, what)| what.contains("no such host")), "{told:?}");
        assert_eq!(count(&signs) as usize, told.len() - 1, "notes are not counted");
    }

    #[test]
    fn each_says_what_is_unharmed_and_what_to_do() {
        let mut signs = well();
        signs.store = StoreStats {
            journal_writable: false,
            corrupt_records: 1,
            journal_lost_files: 1,
            is_relaxed: true,
            publish_error: Some(String::new()),
            unknown_segments: 1,
            unmergeable_segments: 1,
            clock_doubted: true,
            live_bytes: 100,
            ..signs.store
        };
        signs.queries = QueryStats { waiting: 2, running: 4, ..QueryStats::default() };
        (signs.lost, signs.cut_back, signs.failed_tasks) = (1, 1, vec!["store"]);
        let problems = problems(&signs);
        assert_eq!(problems.len(), 13);
        for problem in problems {
            for text in [&problem.what, &problem.effect, &problem.todo] {
                assert!(text.len() > 10, "{problem:?}");
            }
        }
    }
}
