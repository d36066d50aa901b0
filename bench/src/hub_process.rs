//! The real hub, as a process of its own.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use ureq::Agent;

use crate::Outcome;
use crate::killed::Killed;

/// How long a hub may take to be ready, and to stop.
const PATIENCE: Duration = Duration::from_secs(60);

/// The longest answer that is read, in bytes: what a hub answers at most.
const MAX_ANSWER_BYTES: u64 = 80 << 20;

/// Ticks of Linux's process accounting in a second; fixed for user space on every architecture Rust runs on.
const TICKS_PER_SECOND: f64 = 100.0;

/// A hub on a free port with an empty data folder, killed when dropped.
pub(crate) struct HubProcess {
    child: Killed,
    address: String,
    data: TempDir,
    /// Keeps its connections, as a page does.
    agent: Agent,
}

/// What a process holds in memory, in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Resident {
    pub(crate) now: u64,
    pub(crate) most: u64,
}

impl HubProcess {
    /// Starts the program that GLASSHULL_PROGRAM names.
    pub(crate) fn start() -> Outcome<Self> {
        let data = tempfile::tempdir()?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let listen = format!("127.0.0.1:{port}");
        let child = spawn(&listen, data.path())?;
        let agent = Agent::config_builder().http_status_as_error(false).build().into();
        let hub = Self { child, address: format!("http://{listen}"), data, agent };
        hub.wait_ready()?;
        Ok(hub)
    }

    /// Stops it politely and starts it again on its data.
    pub(crate) fn restart(&mut self) -> Outcome {
        self.terminate()?;
        let listen = self.address.trim_start_matches("http://");
        self.child = spawn(listen, self.data.path())?;
        self.wait_ready()
    }

    fn wait_ready(&self) -> Outcome {
        let deadline = Instant::now() + PATIENCE;
        while ureq::get(format!("{}/readyz", self.address)).call().is_err() {
            if Instant::now() > deadline {
                return Err("The hub did not become ready.".into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// `http://HOST:PORT`.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Carries out a statement.
    pub(crate) fn statement(&self, statement: &str) -> Outcome<Value> {
        let url = format!("{}/api/v1/statements", self.address);
        let mut answer = self.agent.post(url).send_json(json!({ "statement": statement }))?;
        let body = answer.body_mut().with_config().limit(MAX_ANSWER_BYTES).read_json::<Value>()?;
        if answer.status().is_success() { Ok(body) } else { Err(format!("{statement}: {body}").into()) }
    }

    /// The rows a question is answered with.
    pub(crate) fn rows(&self, question: &str) -> Outcome<Vec<Vec<Value>>> {
        Ok(serde_json::from_value(self.statement(question)?["rows"].take())?)
    }

    /// Each call of a function as soon as the hub shows it.
    pub(crate) fn tail(&self, function: &str) -> Outcome<impl Iterator<Item = Value> + use<>> {
        let url = format!("{}/api/v1/tail?function={function}&max_per_second=1000", self.address);
        let lines = BufReader::new(ureq::get(url).call()?.into_body().into_reader()).lines();
        Ok(lines.map_while(Result::ok).filter_map(|line| serde_json::from_str(line.strip_prefix("data:")?).ok()))
    }

    /// Seconds of CPU the process has used.
    pub(crate) fn cpu_seconds(&self) -> Outcome<f64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        let ticks: Vec<u64> = after_name.split_whitespace().skip(11).take(2).flat_map(str::parse).collect();
        Ok(ticks.iter().sum::<u64>() as f64 / TICKS_PER_SECOND)
    }

    /// One of the hub's figures, by the name under which `docs/metrics.md` has it.
    pub(crate) fn metric(&self, name: &str) -> Outcome<f64> {
        let text = self.agent.get(format!("{}/metrics", self.address)).call()?.body_mut().read_to_string()?;
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok());
        value.ok_or_else(|| format!("the hub has no metric {name}").into())
    }

    pub(crate) fn resident(&self) -> Outcome<Resident> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let kib = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_suffix(" kB"));
            line.and_then(|kib| kib.trim().parse::<u64>().ok()).unwrap_or(0)
        };
        Ok(Resident { now: kib("VmRSS:") << 10, most: kib("VmHWM:") << 10 })
    }

    /// Bytes of the files whose names end so, of everything it keeps.
    pub(crate) fn bytes(&self, ending: &str) -> u64 {
        bytes_in(self.data.path(), ending)
    }

    /// Stops it politely, so that it publishes what it holds; returns the bytes of everything it kept, and of the
    /// segments alone.
    pub(crate) fn stop(mut self) -> Outcome<(u64, u64)> {
        self.terminate()?;
        Ok((self.bytes(""), self.bytes(".parquet")))
    }

    fn terminate(&mut self) -> Outcome {
        Command::new("sh").args(["-c", &format!("kill -TERM {}", self.child.id())]).status()?;
        let deadline = Instant::now() + PATIENCE;
        while self.child.try_wait()?.is_none() {
            if Instant::now() > deadline {
                return Err("The hub did not stop.".into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

/// Starts the program that GLASSHULL_PROGRAM names.
fn spawn(listen: &str, data: &Path) -> Outcome<Killed> {
    let program =
        std::env::var_os("GLASSHULL_PROGRAM").ok_or("GLASSHULL_PROGRAM names no hub: use `cargo xtask bench`.")?;
    let mut command = Command::new(&program);
    command.args(["up", "--log", "warn", "--listen", listen, "--data"]).arg(data);
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
    Ok(Killed(child.map_err(|error| format!("{} cannot be started: {error}", program.to_string_lossy()))?))
}

/// Bytes of the files whose names end so, in a folder and all below.
fn bytes_in(folder: &Path, ending: &str) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let bytes = entries.map(|entry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => bytes_in(&entry.path(), ending),
        Ok(metadata) if entry.file_name().to_string_lossy().ends_with(ending) => metadata.len(),
        _ => 0,
    });
    bytes.sum()
}
