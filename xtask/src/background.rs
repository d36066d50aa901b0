//! A program that runs beside the task: started, watched, stopped.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::Outcome;
use crate::run::{GLANCE, output, own_group};

/// Lines kept to be shown when a program dies.
const LAST_LINES: usize = 12;

/// How long a program may take to stop before it is killed.
const STOP_WITHIN: Duration = Duration::from_secs(15);

/// A running program, stopped when dropped. It is a process group of its own, so that Ctrl-C reaches the task alone,
/// which then stops its programs in order.
pub(crate) struct Background {
    name: &'static str,
    child: Child,
    last_lines: Arc<Mutex<VecDeque<String>>>,
    log: PathBuf,
}

impl Background {
    /// Starts a program; all it says goes to `logs/NAME.log`.
    pub(crate) fn start(name: &'static str, mut command: Command, logs: &Path) -> Outcome<Self> {
        let log = logs.join(format!("{name}.log"));
        let file = std::fs::create_dir_all(logs).and_then(|()| File::create(&log));
        let file =
            Arc::new(Mutex::new(file.map_err(|error| format!("{} cannot be written: {error}.", log.display()))?));
        own_group(&mut command);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| format!("{name} cannot be started: {error}."))?;
        let last_lines = Arc::default();
        let outputs: [Option<Box<dyn Read + Send>>; 2] =
            [child.stdout.take().map(|out| Box::new(out) as _), child.stderr.take().map(|err| Box::new(err) as _)];
        for output in outputs.into_iter().flatten() {
            keep_lines(output, file.clone(), Arc::clone(&last_lines));
        }
        Ok(Self { name, child, last_lines, log })
    }

    /// Waits until `GET path` at the address is answered with 200.
    pub(crate) fn wait_ready(&mut self, address: SocketAddr, path: &str, within: Duration) -> Outcome {
        let deadline = Instant::now() + within;
        while !answers(address, path) {
            self.check()?;
            if Instant::now() > deadline {
                return Err(format!("{} is not ready after {} s.{}", self.name, within.as_secs(), self.last_words()));
            }
            sleep(GLANCE);
        }
        Ok(())
    }

    /// Waits for a line that contains `part`, and returns it.
    pub(crate) fn wait_line(&mut self, part: &str, within: Duration) -> Outcome<String> {
        let deadline = Instant::now() + within;
        loop {
            if let Some(line) = self.lines().into_iter().find(|line| line.contains(part)) {
                return Ok(line);
            }
            self.check()?;
            if Instant::now() > deadline {
                return Err(format!("{} did not say \"{part}\".{}", self.name, self.last_words()));
            }
            sleep(GLANCE);
        }
    }

    /// An error with its last lines where the program has ended.
    pub(crate) fn check(&mut self) -> Outcome {
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(format!("{} ended by itself ({status}).{}", self.name, self.last_words())),
            Err(error) => Err(format!("{} cannot be watched: {error}.", self.name)),
        }
    }

    /// Asks the program to stop, and kills it if it does not.
    pub(crate) fn stop(&mut self) {
        drop(self.child.stdin.take());
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = output("sh", &["-c", &format!("kill -TERM {}", self.child.id())]);
        }
        let deadline = Instant::now() + STOP_WITHIN;
        while matches!(self.child.try_wait(), Ok(None)) {
            if Instant::now() > deadline {
                let _ = self.child.kill();
                let _ = self.child.wait();
                return;
            }
            sleep(GLANCE);
        }
    }

    fn lines(&self) -> Vec<String> {
        self.last_lines.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    fn last_words(&self) -> String {
        let lines: String = self.lines().iter().map(|line| format!("\n    {line}")).collect();
        format!(" Its last words (all are in {}):{lines}", self.log.display())
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.stop();
    }
}

fn keep_lines(output: Box<dyn Read + Send>, log: Arc<Mutex<File>>, last: Arc<Mutex<VecDeque<String>>>) {
    std::thread::spawn(move || {
        for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).into_owned();
            let _ = writeln!(log.lock().unwrap_or_else(PoisonError::into_inner), "{line}");
            let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
            last.push_back(line);
            if last.len() > LAST_LINES {
                last.pop_front();
            }
        }
    });
}

fn answers(address: SocketAddr, path: &str) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
        let mut status = String::new();
        BufReader::new(stream).take(256).read_line(&mut status)?;
        Ok(status.split_whitespace().nth(1) == Some("200"))
    };
    ask().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Background {
        let logs = std::env::temp_dir().join(format!("glasshull-xtask-{}", std::process::id()));
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Background::start("script", command, &logs).expect("sh starts")
    }

    #[test]
    fn a_program_that_dies_is_reported_with_its_last_words() {
        let mut script = shell("echo the disk is full >&2; exit 3");
        let sentence = loop {
            match script.check() {
                Ok(()) => sleep(GLANCE),
                Err(sentence) if sentence.contains("the disk is full") => break sentence,
                // The process has ended; its last line is still on its way to us.
                Err(_) => sleep(GLANCE),
            }
        };
        assert!(sentence.starts_with("script ended by itself (exit status: 3)."), "{sentence}");
    }

    #[test]
    fn a_program_stops_when_asked_to() {
        let mut script = shell("trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.05; done");
        script.wait_line("ready", Duration::from_secs(10)).expect("it says so");
        script.stop();
        assert!(matches!(script.child.try_wait(), Ok(Some(status)) if status.success()));
    }
}
