//! The command line as it is typed, against real hubs.

#![cfg(feature = "hub")]
#![allow(clippy::expect_used, clippy::disallowed_methods, reason = "for tests")]

mod client;
mod memory;
mod up;

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Instant;

use glasshull_testkit::{PATIENCE, TestHub};

/// What a command wrote, and how it ended.
#[derive(Debug)]
struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

fn glasshull() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_glasshull"));
    let ours = std::env::vars().filter(|(name, _)| name.starts_with("GLASSHULL_"));
    ours.for_each(|(name, _)| {
        command.env_remove(name);
    });
    command
}

/// Runs a command that needs no hub of the test's own.
fn ran(command: &mut Command) -> Ran {
    Typed::start(command).end()
}

/// Runs a command against a hub, while the hub goes on working.
async fn run(hub: &TestHub, words: &[&str]) -> Ran {
    run_with_input(hub, words, "").await
}

async fn run_with_input(hub: &TestHub, words: &[&str], input: &str) -> Ran {
    let mut command = glasshull();
    command.args(words).env("GLASSHULL_HUB", format!("http://{}", hub.address()));
    let mut typed = Typed::start(command.stdin(Stdio::piped()));
    typed.child.stdin.take().expect("input").write_all(input.as_bytes()).expect("it reads");
    aside(typed, Typed::end).await
}

/// Waits for a command on a thread of its own.
async fn aside<T: Send + 'static>(typed: Typed, wait: impl FnOnce(Typed) -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(move || wait(typed)).await.expect("it is waited for")
}

/// A command that runs. One that takes too long is killed, and fails the test with what it wrote.
struct Typed {
    child: Child,
    out: Receiver<String>,
    err: Receiver<String>,
    told: String,
}

impl Typed {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        // Output comes as fast as it is asked for, so that who stops asking leaves some; errors must never be in its way.
        let out = lines(child.stdout.take().expect("output"), 1);
        let err = lines(child.stderr.take().expect("errors"), 10_000);
        Self { child, out, err, told: format!("{command:?}") }
    }

    /// The next line it writes.
    fn line(&mut self) -> String {
        self.out.recv_timeout(PATIENCE).unwrap_or_else(|_| self.give_up())
    }

    /// The rest of the next line on its standard error that begins so.
    fn told(&mut self, beginning: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.err.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    if let Some(rest) = line.strip_prefix(beginning) {
                        return rest.trim().to_owned();
                    }
                }
                Err(_) => self.give_up(),
            }
        }
    }

    /// Sends it a signal.
    fn signal(&self, signal: &str) {
        let mut kill = Command::new("kill");
        kill.args([format!("-{signal}"), self.child.id().to_string()]);
        assert!(kill.status().expect("kill").success());
    }

    /// Reads nothing of its output any more, and closes it.
    fn stop_reading(&mut self) {
        self.out = sync_channel(0).1;
    }

    /// The rest of what it writes, once it has ended.
    fn end(mut self) -> Ran {
        let deadline = Instant::now() + PATIENCE;
        let mut out = String::new();
        loop {
            match self.out.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => out.push_str(&line),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => self.give_up(),
            }
        }
        let err = self.err.iter().collect();
        Ran { code: self.child.wait().expect("it ends").code(), out, err }
    }

    fn give_up(&mut self) -> ! {
        let _ = self.child.kill();
        let (out, err): (String, String) = (self.out.iter().collect(), self.err.iter().collect());
        panic!("{} takes more than {PATIENCE:?}; it wrote {out:?} and {err:?}", self.told);
    }
}

impl Drop for Typed {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What comes out of a pipe, line by line, up to its end; so many lines wait.
fn lines(pipe: impl Read + Send + 'static, waiting: usize) -> Receiver<String> {
    let (sender, lines) = sync_channel(waiting);
    std::thread::spawn(move || {
        let mut pipe = BufReader::new(pipe);
        let mut line = Vec::new();
        while matches!(pipe.read_until(b'\n', &mut line), Ok(1..)) {
            let text = String::from_utf8(std::mem::take(&mut line)).expect("UTF-8");
            if sender.send(text).is_err() {
                break;
            }
        }
    });
    lines
}
