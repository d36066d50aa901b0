//! ClickHouse and DuckDB, each in a Python process of its own that `rivals.py` drives.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::questions::Answer;
use super::workload::{self, Call, Workload};
use crate::Outcome;
use crate::killed::Killed;

/// How long it may take to close its files.
const ENDS_WITHIN: Duration = Duration::from_secs(60);

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/rivals.py");

/// Makes a file of rows, and the processes that take them.
#[derive(Clone, Debug)]
pub(super) struct Python(OsString);

/// What loading took.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Loaded {
    /// Until the rows were in.
    pub(super) loaded_cpu_s: f64,
    /// Until merging had come to rest as well.
    pub(super) cpu_s: f64,
    /// Until the rows were in, by the clock.
    pub(super) seconds: f64,
    pub(super) bytes: u64,
    pub(super) peak_bytes: u64,
}

/// A system beside ours.
pub(super) struct Rival {
    python: Python,
    name: &'static str,
    folder: TempDir,
    process: Process,
}

struct Process {
    child: Killed,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Python {
    /// The Python with the packages of `rivals.txt`, as `cargo xtask bench store` has made it.
    pub(super) fn find() -> Outcome<Self> {
        let python = std::env::var_os("RIVALS_PYTHON");
        python.map(Self).ok_or_else(|| {
            "RIVALS_PYTHON names no Python with ClickHouse and DuckDB: use `cargo xtask bench store`, or `--alone`."
                .into()
        })
    }

    fn command(&self, what: &str, path: &Path) -> Command {
        let mut command = Command::new(&self.0);
        command.arg(SCRIPT).arg(what).arg(path).stdin(Stdio::piped());
        command
    }

    /// The workload as a Parquet file.
    pub(super) fn write_rows(&self, calls: u64, path: &Path) -> Outcome {
        let mut child = Killed(self.command("rows", path).stdout(Stdio::null()).spawn()?);
        let input = child.stdin.take().ok_or("no standard input")?;
        write_lines(calls, &mut BufWriter::with_capacity(1 << 20, input))?;
        let ended = child.wait()?;
        if ended.success() { Ok(()) } else { Err(format!("the rows could not be written ({ended})").into()) }
    }
}

/// Each call as a line of texts between tabs: the columns of `rivals.py`.
fn write_lines(calls: u64, to: &mut impl Write) -> Outcome {
    let (mut workload, mut trace) = (Workload::of(calls), Vec::new());
    let names: Vec<String> = (0..workload::FUNCTIONS).map(workload::function).collect();
    let instances: Vec<String> = (0..workload::INSTANCES).map(workload::instance).collect();
    for hour in 0..workload.hours() {
        while workload.next(hour, &mut trace) {
            let of = trace.first().map_or(0, |call| call.trace);
            let (id, order) = (workload::guid(workload::trace_id(of)), workload::order(of));
            for call in &trace {
                let function = &names[usize::from(call.function)];
                write_line(call, [&id, &order, function, &instances[usize::from(call.instance)]], to)?;
            }
        }
    }
    Ok(to.flush()?)
}

fn write_line(call: &Call, [trace_id, order, function, instance]: [&str; 4], to: &mut impl Write) -> Outcome {
    let [mut args, mut returned, mut error] = [const { String::new() }; 3];
    call.args(order, &mut args);
    let returned = if call.returned(&mut returned) { returned.as_str() } else { "" };
    let (outcome, error) = if call.error(&mut error) { ("error", error.as_str()) } else { ("returned", "") };
    let Call { id, started_at_ns, duration_ns, depth, position, .. } = call;
    let (parent, service) = (call.parent.unwrap_or(0), workload::service(call.instance));
    let [class, release] = [workload::class(call.instance), workload::RELEASE];
    let (file, line) = (workload::file(call.function), workload::line(call.function));
    writeln!(
        to,
        "{trace_id}\t{id}\t{parent}\t{service}\t{instance}\t{class}\t{release}\t{function}\t{file}\t{line}\t\
         tokio-rt-worker\t{started_at_ns}\t{duration_ns}\t{duration_ns}\t{outcome}\t{args}\t{returned}\t{error}\t\
         {depth}\t{position}"
    )?;
    Ok(())
}

impl Rival {
    pub(super) fn start(python: &Python, name: &'static str) -> Outcome<Self> {
        let folder = tempfile::tempdir()?;
        let process = Process::start(python, name, folder.path())?;
        Ok(Self { python: python.clone(), name, folder, process })
    }

    /// Takes the rows of a Parquet file.
    pub(super) fn load(&mut self, rows: &Path) -> Outcome<Loaded> {
        let rows: PathBuf = rows.to_owned();
        Ok(serde_json::from_value(self.order(&json!({ "load": rows }))?)?)
    }

    /// Asks so many times: the milliseconds of each, and the last answer.
    pub(super) fn ask(&mut self, sql: &str, times: usize) -> Outcome<(Vec<f64>, Answer)> {
        let mut done = self.order(&json!({ "ask": sql, "times": times }))?;
        let [milliseconds, columns, rows] = ["milliseconds", "columns", "rows"].map(|name| done[name].take());
        let answer = Answer { columns: serde_json::from_value(columns)?, rows: serde_json::from_value(rows)? };
        Ok((serde_json::from_value(milliseconds)?, answer))
    }

    /// A new process on the same data.
    pub(super) fn restart(&mut self) -> Outcome {
        self.process.end()?;
        self.process = Process::start(&self.python, self.name, self.folder.path())?;
        Ok(())
    }

    fn order(&mut self, order: &Value) -> Outcome<Value> {
        let done = self.process.order(order)?;
        match done["failed"].as_str() {
            Some(why) => Err(format!("{}: {why}", self.name).into()),
            None => Ok(done),
        }
    }
}

impl Process {
    fn start(python: &Python, name: &str, folder: &Path) -> Outcome<Self> {
        let mut child = Killed(python.command(name, folder).stdout(Stdio::piped()).spawn()?);
        let orders = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().ok_or("no standard output")?);
        Ok(Self { child, orders, answers })
    }

    fn order(&mut self, order: &Value) -> Outcome<Value> {
        writeln!(self.orders.as_mut().ok_or("it has ended")?, "{order}")?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        Ok(serde_json::from_str(&line)?)
    }

    /// It ends when there is nothing more to read, and gives its files free.
    fn end(&mut self) -> Outcome {
        drop(self.orders.take());
        let deadline = Instant::now() + ENDS_WITHIN;
        while self.child.try_wait()?.is_none() {
            if Instant::now() > deadline {
                return Err("a Python does not end".into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}
