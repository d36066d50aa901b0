//! The servers and loads as processes of their own, each on its cores.

use std::cell::Cell;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::figures::Sample;
use super::load::{Load, Loaded};
use crate::Outcome;
use crate::killed::Killed;

/// Within such a time a server that has nothing to do takes less than a hundredth of it. Longer than batches wait.
const QUIET: Duration = Duration::from_millis(75);

/// How long a server may go on working after its load.
const PATIENCE: Duration = Duration::from_secs(10);

/// Who runs where.
#[derive(Clone, Debug)]
pub(crate) struct Cores {
    server: String,
    others: String,
}

impl Cores {
    /// The first core for the servers, the rest for everybody else, this process among them.
    pub(crate) fn part() -> Outcome<Self> {
        let allowed = allowed_cores()?;
        let [server, others @ ..] = &allowed[..] else { return Err("no core is allowed".into()) };
        if others.is_empty() {
            return Err("The servers and their load need a core each; there is one.".into());
        }
        let cores = Self {
            server: server.to_string(),
            others: others.iter().map(u32::to_string).collect::<Vec<_>>().join(","),
        };
        let process = std::process::id().to_string();
        let moved = Command::new("taskset").args(["-apc", &cores.others, &process]).stdout(Stdio::null()).status();
        match moved {
            Ok(status) if status.success() => Ok(cores),
            _ => Err("`taskset` of util-linux is needed to give the servers a core of their own.".into()),
        }
    }
}

fn allowed_cores() -> Outcome<Vec<u32>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    numbers(list.ok_or("which cores are allowed?")?)
}

/// From a list such as `0-3,8`.
fn numbers(list: &str) -> Outcome<Vec<u32>> {
    let mut numbers = Vec::new();
    for part in list.trim().split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        numbers.extend(first.parse::<u32>()?..=last.parse()?);
    }
    Ok(numbers)
}

/// A server, until it is dropped.
pub(crate) struct Server {
    child: Killed,
    address: String,
    requests: Cell<u64>,
}

/// Nanoseconds of CPU a server has taken.
#[derive(Clone, Copy, Debug, Default)]
struct Cpu {
    /// In the threads that answer requests.
    answering: u64,
    /// In threads that send what was captured.
    sending: u64,
}

impl Server {
    pub(crate) fn start(name: &str, cores: &Cores, environment: Vec<(&str, String)>) -> Outcome<Self> {
        let program = std::env::current_exe()?;
        let mut command = Command::new("taskset");
        command.args(["-c", &cores.server]).arg(program).args(["server", name]).envs(environment);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut address = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut address)?;
        }
        if address.is_empty() {
            return Err(format!("the server `{name}` does not start").into());
        }
        Ok(Self { child: Killed(child), address: address.trim().into(), requests: Cell::new(0) })
    }

    /// Requests it has answered.
    pub(crate) fn requests(&self) -> u64 {
        self.requests.get()
    }

    /// Loads it once, and waits until it is done with what that left it to do.
    pub(crate) fn load(&self, load: Load, cores: &Cores) -> Outcome<Sample> {
        let before = self.cpu()?;
        let mut command = Command::new("taskset");
        command.args(["-c", &cores.others]).arg(std::env::current_exe()?).args(["load", &self.address]);
        let output = command.args(load.arguments()).stderr(Stdio::inherit()).output()?;
        let loaded = Loaded::parse(&String::from_utf8(output.stdout)?)?;
        self.requests.set(self.requests.get() + loaded.requests);
        let after = self.wait_until_quiet()?;
        let us = |after: u64, before: u64| after.saturating_sub(before) as f64 / 1e3;
        let us_per_request = |after: u64, before: u64| us(after, before) / loaded.requests.max(1) as f64;
        Ok(Sample {
            per_second: loaded.requests as f64 / loaded.seconds,
            p50_us: loaded.p50_us,
            p99_us: loaded.p99_us,
            answering_us: us_per_request(after.answering, before.answering),
            sending_us: us_per_request(after.sending, before.sending),
            busy: us(after.answering + after.sending, before.answering + before.sending) / 1e6 / loaded.seconds,
            arrived: 0.0,
        })
    }

    fn wait_until_quiet(&self) -> Outcome<Cpu> {
        let deadline = Instant::now() + PATIENCE;
        let mut before = self.cpu()?;
        loop {
            std::thread::sleep(QUIET);
            let now = self.cpu()?;
            let taken = (now.answering + now.sending).saturating_sub(before.answering + before.sending);
            if u128::from(taken) < QUIET.as_nanos() / 100 || Instant::now() > deadline {
                return Ok(now);
            }
            before = now;
        }
    }

    fn cpu(&self) -> Outcome<Cpu> {
        let mut cpu = Cpu::default();
        for thread in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let thread = thread?.path();
            let name = fs::read_to_string(thread.join("comm"))?;
            let schedule = fs::read_to_string(thread.join("schedstat"))?;
            let nanoseconds: u64 = schedule.split(' ').next().unwrap_or_default().parse()?;
            let is_sending = ["glasshull", "OpenTelemetry"].iter().any(|sender| name.starts_with(sender));
            *if is_sending { &mut cpu.sending } else { &mut cpu.answering } += nanoseconds;
        }
        Ok(cpu)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_cores_has_ranges() {
        assert_eq!(numbers(" 0-3,8\n").unwrap(), [0, 1, 2, 3, 8]);
        assert!(numbers("0-x").is_err());
    }
}
