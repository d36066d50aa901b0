//! Cargo builds the shadow; functions the compiler does not accept with the attribute are passed over, and it builds
//! again.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus, Stdio};

use serde_json::Value;

use crate::failure::{Failure, Scene};
use crate::lock::LockFile;
use crate::metadata::{self, Metadata};
use crate::options::{Options, Task};
use crate::report::{self, say};
use crate::rustc::{self, Wrapper};
use crate::sdk::{Place, Sdk};
use crate::shadow::{self, Mirror};
use crate::workspace::{self, Failed, Instrumented};

/// How often the workspace is built anew without functions that did not compile. The compiler tells of most at once,
/// but stops after each of its stages.
const MAX_ATTEMPTS: usize = 12;

/// How many functions are named in one line.
const MAX_NAMES: usize = 5;

/// The first line of the file that says which functions failed: what another version could not instrument, this one may.
const FAILED_HEAD: &str = concat!("cargo-glasshull ", env!("CARGO_PKG_VERSION"));

/// What cargo ends with when code does not compile.
const CARGO_FAILED: u8 = 101;

/// Where everything of one workspace lies.
struct Places {
    folder: PathBuf,
    shadow: PathBuf,
    wrapper: PathBuf,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode, String> {
    let metadata = Metadata::read(options)?;
    let folder = folder(options, &metadata)?;
    let unwritable = |error| format!("{} cannot be written: {error}", folder.display());
    fs::create_dir_all(&folder).map_err(unwritable)?;
    // Two at a time would mirror into the same shadow.
    let lock = fs::File::create(folder.join("lock")).and_then(|file| file.lock().map(|()| file)).map_err(unwritable)?;
    let wrapper = Wrapper::install(&folder, &metadata.root).map_err(unwritable)?;
    let shadow = shadow::source_of(&folder);
    let sdk = Sdk::install(&folder, &Place::of(options.sdk_path.as_deref(), &metadata, &shadow)?)?;
    let places = Places { shadow, folder, wrapper };
    let built = places.build(options, &metadata, &sdk)?;
    drop(lock);
    match built {
        Err(code) => Ok(code),
        Ok(instrumented) => places.finish(options, &metadata, &instrumented),
    }
}

fn folder(options: &Options, metadata: &Metadata) -> Result<PathBuf, String> {
    let target = match &options.target_dir {
        Some(target) => std::path::absolute(target).map_err(|error| format!("{}: {error}", target.display()))?,
        None => metadata.target.clone(),
    };
    Ok(target.join("glasshull"))
}

impl Places {
    /// Builds until the compiler accepts what is instrumented, or refuses what is not.
    fn build(
        &self,
        options: &Options,
        metadata: &Metadata,
        sdk: &Sdk,
    ) -> Result<Result<Instrumented, ExitCode>, String> {
        let mut failed = self.failed();
        for attempt in 1..=MAX_ATTEMPTS {
            let instrumented = workspace::instrument(metadata, options, &failed)?;
            self.mirror(options, metadata, &instrumented.changed(metadata, sdk)?)?;
            let Err(mut failure) = self.attempt(options, metadata, &instrumented)? else {
                self.remember(&failed)?;
                return Ok(Ok(instrumented));
            };
            let suspects = failure.suspects();
            if suspects.is_empty() || attempt == MAX_ATTEMPTS {
                failure.tell(options);
                return Ok(Err(code(failure.status)));
            }
            say(&format!("Glasshull: building again without {}", names(suspects.values().map(|(path, _)| path))));
            failed.extend(suspects.into_iter().map(|(key, (_, why))| (key, why)));
        }
        unreachable!("the last attempt returns")
    }

    /// The program or the tests, now that everything is built.
    fn finish(&self, options: &Options, metadata: &Metadata, instrumented: &Instrumented) -> Result<ExitCode, String> {
        report::tell(instrumented, options.list_skipped);
        let no_run = options.cargo.iter().any(|argument| argument == "--no-run");
        if (options.task == Task::Build || no_run) && options.message_format.is_none() {
            say(&format!("Glasshull: built into {}", self.target().display()));
            return Ok(ExitCode::SUCCESS);
        }
        let mut cargo = self.cargo(options.task, options, metadata);
        cargo.args(&options.cargo);
        cargo.args(options.message_format.iter().map(|format| format!("--message-format={format}")));
        if !options.program.is_empty() {
            cargo.arg("--").args(&options.program);
        }
        let status = cargo.status().map_err(|error| format!("cargo cannot be run: {error}"))?;
        Ok(code(status))
    }

    fn mirror(
        &self,
        options: &Options,
        metadata: &Metadata,
        changed: &BTreeMap<PathBuf, Vec<u8>>,
    ) -> Result<(), String> {
        let root = &metadata.root;
        let left_out = [metadata.target.clone(), root.join(".git"), root.join("Cargo.lock"), self.folder.clone()];
        let mirror = Mirror { root, shadow: &self.shadow, changed, left_out: &left_out };
        mirror.update().map_err(|error| {
            format!("{} cannot be mirrored into {}: {error}", root.display(), self.shadow.display())
        })?;
        let taken = self.folder.join("Cargo.lock.taken");
        LockFile { root, shadow: &self.shadow, taken, offline: options.offline }.take()
    }

    fn attempt(
        &self,
        options: &Options,
        metadata: &Metadata,
        instrumented: &Instrumented,
    ) -> Result<Result<(), Failure>, String> {
        let cannot = |error: std::io::Error| format!("cargo cannot be run: {error}");
        let mut child = self.builder(options, metadata).stdout(Stdio::piped()).spawn().map_err(cannot)?;
        let mut failure = Failure::default();
        let scene = Scene { instrumented, root: &metadata.root, shadow: &self.shadow };
        for line in child.stdout.take().into_iter().flat_map(|stdout| BufReader::new(stdout).lines()) {
            if let Ok(said) = serde_json::from_str::<Value>(&line.map_err(cannot)?) {
                failure.add(&said, &scene);
            }
        }
        failure.status = child.wait().map_err(cannot)?;
        Ok(if failure.status.success() { Ok(()) } else { Err(failure) })
    }

    /// Cargo as it builds everything the task needs, and tells what the compiler says.
    fn builder(&self, options: &Options, metadata: &Metadata) -> Command {
        let only_docs = options.cargo.iter().any(|argument| argument == "--doc");
        let tests = options.task == Task::Test && !only_docs;
        let mut cargo = self.cargo(if tests { Task::Test } else { Task::Build }, options, metadata);
        let no_run = tests && options.cargo.iter().all(|argument| argument != "--no-run");
        cargo.args(no_run.then_some("--no-run"));
        let form = if std::io::stderr().is_terminal() { "json-diagnostic-rendered-ansi" } else { "json" };
        cargo.arg(format!("--message-format={form}"));
        cargo.args(options.cargo.iter().filter(|argument| !["--doc", "--no-fail-fast"].contains(&argument.as_str())));
        cargo
    }

    /// Cargo in the shadow. People's own folder stays the current one, as configuration is looked for from there.
    fn cargo(&self, task: Task, options: &Options, metadata: &Metadata) -> Command {
        let mut cargo = metadata::cargo();
        cargo.arg(match task {
            Task::Build => "build",
            Task::Run => "run",
            Task::Test => "test",
        });
        let manifest = metadata.manifest.strip_prefix(&metadata.root).unwrap_or(Path::new("Cargo.toml"));
        cargo.arg("--manifest-path").arg(self.shadow.join(manifest)).arg("--target-dir").arg(self.target());
        let wrapper = toml::Value::from(self.wrapper.to_string_lossy().into_owned());
        // Not by the environment, which programs and tests that call cargo would inherit; but it would come first.
        rustc::take_wrapper_from_environment(&mut cargo);
        cargo.arg("--config").arg(format!("build.rustc-workspace-wrapper={wrapper}"));
        cargo.args(options.offline.then_some("--offline"));
        cargo
    }

    fn target(&self) -> PathBuf {
        self.folder.join("target")
    }

    /// What an earlier run found, if it was one of this version.
    fn failed(&self) -> Failed {
        let text = fs::read_to_string(self.folder.join("failed")).unwrap_or_default();
        let mut lines = text.lines();
        let is_ours = lines.next() == Some(FAILED_HEAD);
        let functions = lines.filter_map(|line| line.split_once('\t'));
        functions.filter(|_| is_ours).map(|(key, why)| (key.to_owned(), why.to_owned())).collect()
    }

    fn remember(&self, failed: &Failed) -> Result<(), String> {
        let lines: String = failed.iter().map(|(key, why)| format!("{key}\t{why}\n")).collect();
        let path = self.folder.join("failed");
        shadow::write(&path, format!("{FAILED_HEAD}\n{lines}").as_bytes())
            .map_err(|error| format!("{} cannot be written: {error}", path.display()))
    }
}

/// Some of many, by name.
fn names<'a>(all: impl ExactSizeIterator<Item = &'a String>) -> String {
    let more = all.len().saturating_sub(MAX_NAMES);
    let named: Vec<&str> = all.take(MAX_NAMES).map(String::as_str).collect();
    if more == 0 { named.join(", ") } else { format!("{}, and {more} more", named.join(", ")) }
}

/// How cargo, a program or a test ended.
pub(crate) fn code(status: ExitStatus) -> ExitCode {
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    ExitCode::from(code.unwrap_or(CARGO_FAILED))
}
