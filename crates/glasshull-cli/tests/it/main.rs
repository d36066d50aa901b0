//! The command line as it is typed, against real hubs.

#![cfg(feature = "hub")]
#![allow(clippy::expect_used, clippy::disallowed_methods, reason = "for tests")]

mod client;
mod up;

use std::io::Write;
use std::process::{Command, Output, Stdio};

use glasshull_testkit::TestHub;

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

fn ran(output: &Output) -> Ran {
    Ran {
        code: output.status.code(),
        out: String::from_utf8(output.stdout.clone()).expect("UTF-8"),
        err: String::from_utf8(output.stderr.clone()).expect("UTF-8"),
    }
}

/// Runs a command against a hub, while the hub goes on working.
async fn run(hub: &TestHub, words: &[&str]) -> Ran {
    run_with_input(hub, words, "").await
}

async fn run_with_input(hub: &TestHub, words: &[&str], input: &str) -> Ran {
    let mut command = glasshull();
    command.args(words).env("GLASSHULL_HUB", format!("http://{}", hub.address()));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let input = input.to_owned();
    let output = tokio::task::spawn_blocking(move || {
        let mut child = command.spawn().expect("it starts");
        child.stdin.take().expect("input").write_all(input.as_bytes()).expect("it reads");
        child.wait_with_output().expect("it ends")
    });
    ran(&output.await.expect("it ends"))
}
