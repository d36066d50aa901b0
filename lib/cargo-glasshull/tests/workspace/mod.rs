//! Workspaces in temporary folders, and cargo and `cargo glasshull` in them. What is built is kept from run to run.
#![allow(unreachable_pub)]

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::hub::TestHub;

/// How long cargo may take, with all of the SDK to build on a slow machine.
const LONGEST_BUILD: Duration = Duration::from_secs(600);

/// All of them share what is built, so they take turns.
static TURNS: Mutex<()> = Mutex::new(());

pub struct Workspace {
    folder: TempDir,
    root: PathBuf,
    _turn: MutexGuard<'static, ()>,
}

/// How a command ended.
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Workspace {
    /// A workspace with a member for each thing that is difficult, in a folder with a space in its name.
    pub fn harbour() -> Self {
        let workspace = Self::empty();
        copy(&here().join("tests/harbour"), &workspace.folder.path().join("a folder"));
        Self { root: workspace.folder.path().join("a folder/harbour"), ..workspace }
    }

    /// The source of a crate of crates.io.
    pub fn published(name: &str, version: &str) -> Self {
        let workspace = Self::empty();
        let asks = workspace.folder.path().join("asks");
        let manifest = format!(
            "[package]\nname = \"asks\"\n[lib]\npath = \"lib.rs\"\n[workspace]\n[dependencies]\n{name} = \"={version}\"\n"
        );
        write(&asks.join("Cargo.toml"), &manifest);
        write(&asks.join("lib.rs"), "");
        let source = source_of(&asks, name);
        copy(&source, &workspace.root);
        workspace
    }

    fn empty() -> Self {
        let turn = TURNS.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("a workspace");
        Self { folder, root, _turn: turn }
    }

    pub fn path(&self, below: &str) -> PathBuf {
        self.root.join(below)
    }

    pub fn read(&self, below: &str) -> String {
        fs::read_to_string(self.path(below)).unwrap()
    }

    pub fn change(&self, below: &str, from: &str, to: &str) {
        let text = self.read(below);
        assert!(text.contains(from), "{below} has no {from}");
        fs::write(self.path(below), text.replacen(from, to, 1)).unwrap();
    }

    /// All files but the lock file, which is cargo's.
    pub fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        let mut folders = vec![self.root.clone()];
        while let Some(folder) = folders.pop() {
            for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
                if path.is_dir() {
                    folders.push(path);
                } else if !path.ends_with("Cargo.lock") {
                    files.insert(path.clone(), fs::read(path).unwrap());
                }
            }
        }
        files
    }

    /// Cargo itself.
    pub fn cargo(&self, arguments: &[&str]) -> Command {
        let mut command = cargo();
        command.args(arguments).arg("--offline").current_dir(&self.root).env("CARGO_TARGET_DIR", target());
        command
    }

    /// `cargo glasshull`, without the network.
    pub fn glasshull(&self, task: &str, arguments: &[&str]) -> Command {
        // The versions that are here already.
        let _ = fs::copy(here().join("../../Cargo.lock"), self.path("Cargo.lock"));
        let mut command = clean(Command::new(env!("CARGO_BIN_EXE_cargo-glasshull")));
        command.current_dir(&self.root).env("CARGO_TARGET_DIR", target()).env("GLASSHULL_HUB", "off");
        command.args(["glasshull", task, "--offline"]).args(arguments);
        command
    }

    /// The same, with a hub that captures everything the moment the program starts, whatever that costs.
    pub fn captured(&self, hub: &TestHub, task: &str, arguments: &[&str]) -> Command {
        let mut command = self.glasshull(task, arguments);
        command.env("GLASSHULL_HUB", hub.url()).env("GLASSHULL_WAIT_MS", "20000").env("GLASSHULL_CPU_BUDGET", "0");
        command
    }
}

pub fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Where all is built.
pub fn target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("built workspaces")
}

fn cargo() -> Command {
    clean(Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())))
}

/// Without what the cargo that runs these tests says of them.
fn clean(mut command: Command) -> Command {
    let foreign = ["CARGO_PKG_", "CARGO_MANIFEST_", "RUSTFLAGS", "RUSTC_WORKSPACE_WRAPPER", "GLASSHULL_"];
    for (name, _) in std::env::vars_os() {
        if foreign.iter().any(|start| name.to_string_lossy().starts_with(start)) {
            command.env_remove(name);
        }
    }
    command
}

/// Where cargo keeps the source of a dependency; it is fetched if it is not there.
fn source_of(package: &Path, name: &str) -> PathBuf {
    let ask = |offline: &[&str]| {
        let mut command = cargo();
        command.args(["metadata", "--format-version=1"]).args(offline).current_dir(package);
        end(&mut command)
    };
    let mut asked = ask(&["--offline"]);
    if asked.code != Some(0) {
        asked = ask(&[]);
    }
    let said: serde_json::Value =
        serde_json::from_str(&asked.stdout).unwrap_or_else(|error| panic!("{error}: {}", asked.stderr));
    let found = said["packages"].as_array().unwrap().iter().find(|package| package["name"] == name).unwrap();
    Path::new(found["manifest_path"].as_str().unwrap()).parent().unwrap().to_owned()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            // Not `fs::copy`, which would copy that it may only be read.
            fs::write(to, fs::read(entry.path()).unwrap()).unwrap();
        }
    }
}

pub fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// Runs a command to its end, and ends it if that takes too long.
#[track_caller]
#[allow(clippy::print_stdout)] // Shown when the test fails.
pub fn end(command: &mut Command) -> Ended {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (stdout, stderr) = (reader(child.stdout.take().unwrap()), reader(child.stderr.take().unwrap()));
    let code = wait(&mut child);
    let text = |reader: std::thread::JoinHandle<Vec<u8>>| String::from_utf8(reader.join().unwrap()).unwrap();
    let ended = Ended { code, stdout: text(stdout), stderr: text(stderr) };
    println!("{command:?}: {:?}", ended.code);
    // Not at the beginning of a line, where it would be taken for what this test itself says.
    ended.stdout.lines().chain(ended.stderr.lines()).for_each(|line| println!("| {line}"));
    ended
}

fn reader(mut from: impl Read + Send + 'static) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = from.read_to_end(&mut bytes);
        bytes
    })
}

#[track_caller]
fn wait(child: &mut Child) -> Option<i32> {
    let deadline = Instant::now() + LONGEST_BUILD;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        if Instant::now() > deadline {
            let _ = child.kill();
            panic!("it does not end within {LONGEST_BUILD:?}");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
