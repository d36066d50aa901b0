//! What keeping calls costs, and how soon they are found: the workload `calls-v1` into a real hub, and the same rows into
//! ClickHouse and DuckDB beside it.

mod batches;
mod fleet;
mod floors;
mod load;
pub(crate) mod plot;
mod questions;
mod rivals;
mod workload;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use batches::Batches;
use fleet::{Pace, Sent};
use floors::Floors;
use questions::{Answer, Question};
use rivals::{Loaded, Python, Rival};
use serde_json::Value;
use workload::{CALLS_PER_HOUR, Workload};

use crate::Outcome;
use crate::hub_process::{HubProcess, Resident};
use crate::report::{Report, Row, quantile};

/// Calls where nothing else is said: a first look. The figures of the goals are those of ten million and more.
const CALLS: u64 = 1_000_000;

/// The row that says how many calls there were.
const CALLS_ROW: &str = "calls";

/// How often each question is asked, warm.
const ASKED: usize = 21;

/// Of a hub that has nothing to do: seconds of CPU in [`QUIET`].
const IDLE_CPU_S: f64 = 0.15;

/// How long a hub must be idle to count as done with merging.
const QUIET: Duration = Duration::from_secs(8);

const SETTLES_WITHIN: Duration = Duration::from_secs(1_800);

/// Goals of the figures that do not depend on how many calls there are.
const CPU_S_GOAL: f64 = 1.6;
const BYTES_GOAL: f64 = 36.0;
const RESIDENT_MIB_GOAL: f64 = 1_024.0;
const SAME_HOUR_GOAL: f64 = 1.3;
/// What the summaries inside segments promise.
const ESTIMATES_GOAL: f64 = 1.0;

const MIB: f64 = 1_048_576.0;

/// What is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    calls: u64,
    /// Without the systems beside ours.
    alone: bool,
    /// Only how a hub under load acknowledges and shows.
    load: bool,
    pub(crate) json: bool,
}

impl Options {
    /// From the words behind `bench store`.
    pub(crate) fn read(mut words: &[&str]) -> Outcome<Self> {
        let mut options = Self { calls: CALLS, alone: false, load: false, json: false };
        loop {
            words = match words {
                [] => return Ok(options),
                ["--json", rest @ ..] => (options.json = true, rest).1,
                ["--alone", rest @ ..] => (options.alone = true, rest).1,
                ["--load", rest @ ..] => (options.load = true, rest).1,
                ["--calls", calls, rest @ ..] => (options.calls = calls.parse()?, rest).1,
                _ => return Err("usage: bench store [--json] [--alone | --load] [--calls NUMBER]".into()),
            };
        }
    }
}

/// Measures ours, then the others, one after the other.
pub(crate) fn measure(options: Options) -> Outcome<Report> {
    if options.load {
        return under_load();
    }
    // Before anything that takes long.
    let python = if options.alone { None } else { Some(Python::find()?) };
    let folder = tempfile::tempdir()?;
    let packed = folder.path().join("packed");
    let mut workload = Workload::of(options.calls);
    let calls = workload.calls();
    let mut ours = Ours::begin(folder.path(), &packed)?;
    ours.ingest(&mut workload)?;
    let questions = questions::all(calls);
    let found = ours.ask(&questions)?;
    let floor_ms = ours.nothing_ms()?;
    let again = ours.first_hour_again()?;
    let Ours { hub, floors, costs, .. } = ours;
    drop(hub);
    let answers =
        questions.iter().zip(&found).filter_map(|(question, found)| Some((question, &found.as_ref()?.answer)));
    let furthest = questions::furthest_estimate(answers);
    let mut rows = vec![Row::new(CALLS_ROW, calls as f64, "")];
    rows.extend(floors.rows());
    rows.push(Row::new("floor: a statement that reads nothing", floor_ms, "ms"));
    rows.extend(costs.rows(calls, &floors));
    rows.extend(load::measure(&packed, costs.sent.calls_per_second(), &floors)?);
    let others = others(python.as_ref(), folder.path(), calls, &questions, &found)?;
    for (at, question) in questions.iter().enumerate() {
        rows.extend(of_question(question, calls, at, &found, &others, floor_ms, &floors));
    }
    rows.extend(furthest.map(|share| Row {
        goal: Some(ESTIMATES_GOAL),
        ..Row::new("estimated p99, the furthest of all functions from the exact one", 1e2 * share, "%")
    }));
    rows.extend(again);
    rows.extend(others.iter().flat_map(|other| other.rows(calls)));
    Ok(Report::new("store", rows))
}

/// Measures only what is measured under load: for whoever works on that.
fn under_load() -> Outcome<Report> {
    let folder = tempfile::tempdir()?;
    let packed = folder.path().join("packed");
    batches::pack(&mut Workload::of(CALLS), 0, &packed)?;
    let floors = Floors::measure(folder.path(), &packed)?;
    Ok(Report::new("store", load::measure(&packed, f64::INFINITY, &floors)?))
}

fn tell(what: &str) {
    eprintln!("── {what}");
}

/// A hub and what it cost so far.
struct Ours {
    hub: HubProcess,
    floors: Floors,
    packed: PathBuf,
    costs: Costs,
    /// Milliseconds of the question for one hour, when there was nothing but that hour.
    first_hour_ms: Option<f64>,
}

/// What ingest took.
#[derive(Debug, Default)]
struct Costs {
    sent: Sent,
    cpu_s: f64,
    /// While calls came, without what was left to do afterwards.
    sending_cpu_s: f64,
    resident: Resident,
    segment_bytes: f64,
    /// Written when segments were merged.
    merged_bytes: f64,
    all_bytes: u64,
    segments: f64,
}

impl Ours {
    fn begin(folder: &Path, packed: &Path) -> Outcome<Self> {
        tell("floors");
        // Of the first million: what is compressed is the same in each.
        batches::pack(&mut Workload::of(CALLS), 0, packed)?;
        let floors = Floors::measure(folder, packed)?;
        let hub = HubProcess::start()?;
        Ok(Self { hub, floors, packed: packed.to_owned(), costs: Costs::default(), first_hour_ms: None })
    }

    /// Sends hour after hour, and waits until all is in segments and merged.
    fn ingest(&mut self, workload: &mut Workload) -> Outcome {
        let began_s = self.hub.cpu_seconds()?;
        for hour in 0..workload.hours() {
            tell(&format!("hour {}: packing, sending", hour + 1));
            batches::pack(workload, hour, &self.packed)?;
            let cpu_s = self.hub.cpu_seconds()?;
            let sent = fleet::send(self.hub.address(), Batches::open(&self.packed)?, Pace::Top)?;
            self.costs.sending_cpu_s += self.hub.cpu_seconds()? - cpu_s;
            self.costs.sent.calls += sent.calls;
            self.costs.sent.seconds += sent.seconds;
            self.costs.sent.reconnects += sent.reconnects;
            if hour == 0 && workload.hours() > 1 {
                settle(&self.hub, sent.calls)?;
                self.first_hour_ms = Some(self.warm(&questions::first_hour())?.0);
            }
        }
        tell("publishing, merging");
        settle(&self.hub, workload.calls())?;
        self.costs.cpu_s = self.hub.cpu_seconds()? - began_s;
        self.costs.resident = self.hub.resident()?;
        self.costs.segment_bytes = self.hub.metric("glasshull_segment_bytes")?;
        self.costs.merged_bytes = self.hub.metric("glasshull_merge_written_bytes_total")?;
        self.costs.all_bytes = self.hub.bytes("");
        self.costs.segments = self.hub.metric("glasshull_segments")?;
        Ok(())
    }

    /// Milliseconds of a statement that reads nothing.
    fn nothing_ms(&self) -> Outcome<f64> {
        let times: Outcome<Vec<f64>> = (0..ASKED).map(|_| Ok(timed(|| self.hub.statement("SELECT 1"))?.0)).collect();
        Ok(quantile(&times?, 0.5))
    }

    /// Milliseconds of a question, and the answer.
    fn warm(&self, question: &Question) -> Outcome<(f64, Answer)> {
        let (_, statement, answer) = self.first(question)?;
        let times: Outcome<Vec<f64>> = (0..ASKED).map(|_| Ok(timed(|| self.hub.statement(&statement))?.0)).collect();
        Ok((quantile(&times?, 0.5), answer))
    }

    /// Milliseconds of the first statement for this question that the hub understands, that statement, and the answer.
    fn first(&self, question: &Question) -> Outcome<(f64, String, Answer)> {
        let mut last = None;
        for statement in &question.ours {
            match timed(|| self.hub.statement(statement)) {
                Ok((milliseconds, body)) => return Ok((milliseconds, statement.clone(), answer(body)?)),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| "nothing is asked".into()))
    }

    /// A question the hub refuses is told, and left out.
    fn ask(&mut self, questions: &[Question]) -> Outcome<Vec<Option<Found>>> {
        tell("questions");
        let mut found: Vec<Option<Found>> = Vec::new();
        for question in questions {
            let warm = self.warm(question).inspect_err(|error| tell(&format!("{}: {error}", question.what))).ok();
            found.push(warm.map(|(warm_ms, answer)| Found { warm_ms, cold_ms: None, answer }));
        }
        for (question, found) in questions.iter().zip(&mut found) {
            let Some(found) = found.as_mut().filter(|_| is_asked_cold(question)) else { continue };
            self.hub.restart()?;
            self.hub.statement("SELECT 1")?;
            if forget_files() {
                found.cold_ms = Some(self.first(question)?.0);
            }
        }
        Ok(found)
    }

    /// The question for the first hour again, now that there are more.
    fn first_hour_again(&self) -> Outcome<Option<Row>> {
        let Some(before) = self.first_hour_ms else { return Ok(None) };
        let (after, _) = self.warm(&questions::first_hour())?;
        let what = "count and p99 by function of one hour: all hours there, to that one alone";
        Ok(Some(Row { goal: Some(SAME_HOUR_GOAL), ..Row::new(what, after / before, "×") }))
    }
}

impl Costs {
    fn rows(&self, calls: u64, floors: &Floors) -> Vec<Row> {
        let (n, million) = (calls as f64, calls as f64 / 1e6);
        let row = |what: &str, value, unit| Row::new(what, value, unit);
        vec![
            Row {
                goal: Some(CPU_S_GOAL),
                floor: Some(floors.repack_s),
                ..row("hub CPU for a million calls, all of it", self.cpu_s / million, "s")
            },
            row("hub CPU for a million calls, until they were acknowledged", self.sending_cpu_s / million, "s"),
            row("calls a second, acknowledged", self.sent.calls_per_second(), "calls/s"),
            row("sessions that had to begin again", self.sent.reconnects as f64, ""),
            Row {
                goal: Some(BYTES_GOAL),
                floor: Some(floors.packed_bytes),
                ..row("a call on disk, segments and what is in them", self.segment_bytes / n, "bytes")
            },
            // Segments that were merged are deleted some minutes later, when no question reads them any more.
            row("a call on disk, with all that is there for some minutes more", self.all_bytes as f64 / n, "bytes"),
            row("segments", self.segments, ""),
            row("bytes written by merging, to bytes of segments", self.merged_bytes / self.segment_bytes, "×"),
            Row {
                goal: Some(RESIDENT_MIB_GOAL),
                ..row("memory of the hub, most", self.resident.most as f64 / MIB, "MiB")
            },
            row("memory of the hub, when all was done", self.resident.now as f64 / MIB, "MiB"),
        ]
    }
}

/// What came of a question.
struct Found {
    warm_ms: f64,
    cold_ms: Option<f64>,
    answer: Answer,
}

/// A system beside ours, when it is done.
struct Other {
    name: &'static str,
    loaded: Loaded,
    found: Vec<Found>,
}

impl Other {
    fn rows(&self, calls: u64) -> Vec<Row> {
        let (n, million, Loaded { loaded_cpu_s, cpu_s, seconds, bytes, peak_bytes }) =
            (calls as f64, calls as f64 / 1e6, self.loaded);
        let row = |what: &str, value, unit| Row::new(format!("{}: {what}", self.name), value, unit);
        vec![
            row("CPU for a million calls from Parquet, all of it", cpu_s / million, "s"),
            row("CPU for a million calls from Parquet, unmerged", loaded_cpu_s / million, "s"),
            row("calls a second, from Parquet", n / seconds, "calls/s"),
            row("a call on disk", bytes as f64 / n, "bytes"),
            row("memory, most", peak_bytes as f64 / MIB, "MiB"),
        ]
    }
}

/// Asks the others the same questions.
///
/// # Errors
/// Above all where an answer is not the same.
fn others(
    python: Option<&Python>,
    folder: &Path,
    calls: u64,
    questions: &[Question],
    ours: &[Option<Found>],
) -> Outcome<Vec<Other>> {
    let Some(python) = python else { return Ok(Vec::new()) };
    tell("the same rows as Parquet");
    let rows = folder.join("rows.parquet");
    python.write_rows(calls, &rows)?;
    let names = [("ClickHouse", "clickhouse"), ("DuckDB", "duckdb")];
    names.into_iter().map(|(name, program)| other(python, name, program, &rows, questions, ours)).collect()
}

fn other(
    python: &Python,
    name: &'static str,
    program: &'static str,
    rows: &Path,
    questions: &[Question],
    ours: &[Option<Found>],
) -> Outcome<Other> {
    tell(name);
    let mut rival = Rival::start(python, program)?;
    let loaded = rival.load(rows)?;
    let sql = |question: &Question| match program {
        "clickhouse" => question.clickhouse.clone(),
        _ => question.duckdb.clone(),
    };
    let mut found = Vec::new();
    for (question, ours) in questions.iter().zip(ours) {
        let (times, answer) = rival.ask(&sql(question), ASKED + 1)?;
        let differs = ours.as_ref().and_then(|ours| question.differs(&answer, &ours.answer));
        if let Some(how) = differs {
            return Err(format!("{name} answers otherwise, {}: {how}", question.what).into());
        }
        found.push(Found { warm_ms: quantile(&times[1..], 0.5), cold_ms: None, answer });
    }
    for (question, found) in questions.iter().zip(&mut found).filter(|(question, _)| is_asked_cold(question)) {
        rival.restart()?;
        rival.ask("SELECT 1", 1)?;
        if forget_files() {
            found.cold_ms = rival.ask(&sql(question), 1)?.0.first().copied();
        }
    }
    Ok(Other { name, loaded, found })
}

/// Those with a goal for it.
fn is_asked_cold(question: &Question) -> bool {
    question.goal.cold(CALLS_PER_HOUR).is_some()
}

/// The rows of one question, all systems'.
fn of_question(
    question: &Question,
    calls: u64,
    at: usize,
    ours: &[Option<Found>],
    others: &[Other],
    floor_ms: f64,
    floors: &Floors,
) -> Vec<Row> {
    let row = |name: &str, how: &str, value| Row::new(format!("{name}{}, {how}", question.what), value, "ms");
    let floor = floor_ms + floors.reading_ms(question.bytes_of_each_call * calls as f64);
    let clickhouse = others.first().map(|other| other.found[at].warm_ms);
    let mut rows = Vec::new();
    if let Some(ours) = &ours[at] {
        let goal = question.goal.warm(calls, clickhouse);
        rows.push(Row { goal, floor: Some(floor), ..row("", "warm", ours.warm_ms) });
        let goal = question.goal.cold(calls);
        rows.extend(ours.cold_ms.map(|cold_ms| Row { goal, floor: Some(floor), ..row("", "cold", cold_ms) }));
    }
    for other in others {
        let (name, found) = (format!("{}: ", other.name), &other.found[at]);
        rows.push(row(&name, "warm", found.warm_ms));
        rows.extend(found.cold_ms.map(|cold_ms| row(&name, "cold", cold_ms)));
    }
    rows
}

/// A hub's answer to a question.
fn answer(mut body: Value) -> Outcome<Answer> {
    if !body["partial"].is_null() {
        return Err(format!("not all of the answer: {}", body["partial"]).into());
    }
    let columns = body["columns"].as_array().into_iter().flatten();
    let columns = columns.filter_map(|column| Some(column["name"].as_str()?.to_owned())).collect();
    Ok(Answer { columns, rows: serde_json::from_value(body["rows"].take())? })
}

/// Milliseconds of what succeeds.
fn timed<T>(what: impl FnOnce() -> Outcome<T>) -> Outcome<(f64, T)> {
    let began = Instant::now();
    let done = what()?;
    Ok((began.elapsed().as_secs_f64() * 1e3, done))
}

/// Waits until all calls are in segments and the hub has come to rest.
fn settle(hub: &HubProcess, calls: u64) -> Outcome {
    let deadline = Instant::now() + SETTLES_WITHIN;
    loop {
        let before_s = hub.cpu_seconds()?;
        std::thread::sleep(QUIET);
        let published = hub.metric("glasshull_live_calls")? == 0.0;
        if published && hub.cpu_seconds()? - before_s < IDLE_CPU_S {
            break;
        }
        if Instant::now() > deadline {
            return Err("the hub does not come to rest".into());
        }
    }
    match hub.metric("glasshull_segment_calls")? {
        stored if stored == calls as f64 => Ok(()),
        stored => Err(format!("{calls} calls were acknowledged, {stored} are in segments").into()),
    }
}

/// Has the system forget what it holds of files in memory; whether it may be told to.
fn forget_files() -> bool {
    let _ = std::process::Command::new("sync").status();
    let done = std::fs::write("/proc/sys/vm/drop_caches", "3");
    if done.is_err() {
        tell("not asked cold: only root may empty the page cache");
    }
    done.is_ok()
}
