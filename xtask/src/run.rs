//! Running programs and watching what they say.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use signal_hook::SigId;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::Outcome;

/// How often a running command is looked at.
pub(crate) const GLANCE: Duration = Duration::from_millis(50);

/// The checkout.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// A command in the checkout's root.
pub(crate) fn command(program: impl AsRef<OsStr>, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root());
    command
}

/// Runs a command whose output people read as it comes.
pub(crate) fn run(mut command: Command) -> Outcome {
    if INTERRUPTED.get().is_some_and(|interrupted| interrupted.load(Ordering::Relaxed)) {
        return Err(format!("`{}` was not begun: the task was interrupted.", told(&command)));
    }
    let status = command.status().map_err(|error| cannot_start(&command, &error))?;
    if status.success() { Ok(()) } else { Err(format!("`{}` failed ({status}).", told(&command))) }
}

/// Runs a command, passing its standard output on and handing each line to `see` as well. One that hangs is ended with
/// all it started, so that a report comes of it.
pub(crate) fn run_watched(mut command: Command, within: Duration, mut see: impl FnMut(&str)) -> Outcome {
    let interrupted = interrupted_while_watching()?;
    own_group(&mut command);
    let mut child = command.stdout(Stdio::piped()).spawn().map_err(|error| cannot_start(&command, &error))?;
    let lines = lines(child.stdout.take());
    let deadline = Instant::now() + within;
    loop {
        match lines.recv_timeout(GLANCE) {
            Ok(line) => {
                say(&line);
                see(&line);
            }
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) if interrupted.load(Ordering::Relaxed) => {
                kill_group(&mut child);
                return Err(format!("`{}` was interrupted.", told(&command)));
            }
            Err(RecvTimeoutError::Timeout) if Instant::now() < deadline => {}
            Err(RecvTimeoutError::Timeout) => {
                kill_group(&mut child);
                let minutes = within.as_secs() / 60;
                return Err(format!("`{}` is not done after {minutes} minutes: something hangs.", told(&command)));
            }
        }
    }
    let status = child.wait().map_err(|error| cannot_start(&command, &error))?;
    if status.success() { Ok(()) } else { Err(format!("`{}` failed ({status}).", told(&command))) }
}

/// Set by Ctrl-C once a command has been watched: in a group of its own, it does not feel it itself.
static INTERRUPTED: OnceLock<Arc<AtomicBool>> = OnceLock::new();

fn interrupted_while_watching() -> Outcome<&'static AtomicBool> {
    if INTERRUPTED.get().is_none() {
        let _ = INTERRUPTED.set(stop_flag()?);
    }
    INTERRUPTED.get().map(|flag| &**flag).ok_or_else(|| "Ctrl-C cannot be caught.".into())
}

/// Set by Ctrl-C, a polite kill, and the terminal's end; the second of them ends the task.
pub(crate) fn stop_flag() -> Outcome<Arc<AtomicBool>> {
    StopFlag::register().map(|stop| stop.flag)
}

pub(crate) struct StopFlag {
    pub(crate) flag: Arc<AtomicBool>,
    /// What ends the task at the second signal.
    second: Vec<SigId>,
}

impl StopFlag {
    pub(crate) fn register() -> Outcome<Self> {
        let (flag, mut second) = (Arc::new(AtomicBool::new(false)), Vec::new());
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(&flag))
                .map(|id| second.push(id))
                .and_then(|()| signal_hook::flag::register(signal, Arc::clone(&flag)))
                .map_err(|error| format!("Ctrl-C cannot be caught: {error}."))?;
        }
        Ok(Self { flag, second })
    }

    /// From now on further signals change nothing: programs run that would be left behind.
    pub(crate) fn only_once(&mut self) {
        for id in self.second.drain(..) {
            signal_hook::low_level::unregister(id);
        }
    }
}

#[cfg(unix)]
pub(crate) fn own_group(command: &mut Command) {
    std::os::unix::process::CommandExt::process_group(command, 0);
}

#[cfg(not(unix))]
pub(crate) fn own_group(_command: &mut Command) {}

/// Ends a command and all it started.
fn kill_group(child: &mut Child) {
    let _ = output("sh", &["-c", &format!("kill -KILL -{}", child.id())]);
    let _ = child.kill();
    let _ = child.wait();
}

fn lines(stdout: Option<ChildStdout>) -> Receiver<String> {
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        let all = stdout.into_iter().flat_map(|stdout| BufReader::new(stdout).split(b'\n'));
        for line in all.map_while(Result::ok) {
            if sender.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                return;
            }
        }
    });
    lines
}

/// What a command prints, without the last line's end; `None` where it is missing or fails.
pub(crate) fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = command(program, arguments).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
}

/// One line for people. That nobody reads it is no reason to stop.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// A heading on standard error, between the output of others.
pub(crate) fn heading(text: &str) {
    eprintln!("\n── {text}");
}

fn cannot_start(command: &Command, error: &std::io::Error) -> String {
    format!("`{}` cannot be started: {error}.", told(command))
}

fn told(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        command("sh", &["-c", script])
    }

    #[test]
    fn lines_are_seen_and_the_end_is_told() {
        let mut seen = Vec::new();
        let within = Duration::from_secs(60);
        let ended = run_watched(shell("echo one; echo two; exit 3"), within, |line| seen.push(line.to_owned()));
        assert_eq!(seen, ["one", "two"]);
        assert!(ended.is_err_and(|sentence| sentence.contains("exit status: 3")));
    }

    #[test]
    fn what_hangs_is_ended_with_all_it_started() {
        let began = Instant::now();
        let mut seen = String::new();
        let ended =
            run_watched(shell("sleep 300 & echo $!; wait"), Duration::from_millis(300), |line| seen = line.into());
        assert!(ended.is_err_and(|sentence| sentence.contains("something hangs")));
        assert!(began.elapsed() < Duration::from_secs(60));
        let is_gone = || output("sh", &["-c", &format!("kill -0 {seen}")]).is_none();
        while !is_gone() {
            assert!(began.elapsed() < Duration::from_secs(60), "it runs on");
            std::thread::sleep(GLANCE);
        }
    }
}
