//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use glasshull_wire::pattern;

pub(crate) const HELP: &str = "\
Makes every function of a workspace traceable by Glasshull, and builds, runs or tests it; the source stays as it is.

    cargo glasshull build|run|test [OPTIONS] [cargo's own arguments]

Options:
    --functions PATTERN  instrument only functions of this name, such as `pricing::*`; may be repeated
    --except PATTERN     pass functions of this name over; may be repeated
    --list-skipped       name each function that was passed over, and why
    --sdk-path DIR       take the crate `glasshull` from this folder (or GLASSHULL_SDK_PATH); else it comes from the
                         checkout this program was built in, or from crates.io
    -h, --help           this text
    -V, --version        the version

A pattern names functions as in TRACE: `*` stands for any characters, and a path may begin at any `::`.
What is built lies in `glasshull/target` below the target folder. When it runs, GLASSHULL_HUB, GLASSHULL_SERVICE and
their like say where calls go; GLASSHULL_WAIT_MS=2000 has each process wait that long for the hub's probes.
Exit codes: 0 done, 1 failed, 2 bad usage; else that of cargo, or of the program.";

/// Options of cargo that take their value as the next argument.
const WITH_VALUE: &[&str] = &[
    "-p",
    "--package",
    "--exclude",
    "--bin",
    "--example",
    "--test",
    "--bench",
    "-F",
    "--features",
    "-j",
    "--jobs",
    "--profile",
    "--target",
    "--color",
    "--config",
    "-Z",
    "--lockfile-path",
    "--artifact-dir",
];

#[derive(Debug)]
pub(crate) enum Asked {
    Help,
    Version,
    Run(Options),
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Task {
    Build,
    Run,
    Test,
}

#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) task: Task,
    pub(crate) functions: Vec<String>,
    pub(crate) except: Vec<String>,
    pub(crate) list_skipped: bool,
    pub(crate) sdk_path: Option<PathBuf>,
    pub(crate) manifest_path: Option<PathBuf>,
    pub(crate) target_dir: Option<PathBuf>,
    pub(crate) offline: bool,
    /// In which form cargo is to tell what it did, if in another than for people.
    pub(crate) message_format: Option<String>,
    /// For cargo, as they came.
    pub(crate) cargo: Vec<String>,
    /// For the program or the tests: from `--` on, or from the first that is no option of `run`.
    pub(crate) program: Vec<String>,
}

impl Options {
    /// Takes the arguments behind the program's own name; cargo calls subcommands with their name as the first.
    pub(crate) fn parse(arguments: impl Iterator<Item = OsString>) -> Result<Asked, String> {
        let text = |argument: OsString| argument.into_string().map_err(|raw| format!("{raw:?} is no text"));
        let mut arguments = arguments.map(text).collect::<Result<Vec<_>, _>>()?.into_iter().peekable();
        arguments.next_if(|first| first == "glasshull");
        let task = match arguments.next().as_deref() {
            Some("build" | "b") => Task::Build,
            Some("run" | "r") => Task::Run,
            Some("test" | "t") => Task::Test,
            Some("-V" | "--version") => return Ok(Asked::Version),
            Some("-h" | "--help" | "help") => return Ok(Asked::Help),
            Some(other) => return Err(format!("`{other}` is none of build, run, test")),
            None => return Err("say what to do: build, run or test".into()),
        };
        let mut options = Self::of(task);
        while let Some(argument) = arguments.next() {
            if matches!(argument.as_str(), "-h" | "--help") {
                return Ok(Asked::Help);
            }
            let is_positional = !argument.starts_with('-');
            if argument == "--" || (is_positional && task == Task::Run) {
                options.program =
                    (argument != "--").then_some(argument).into_iter().chain(arguments.by_ref()).collect();
                break;
            }
            options.take(argument, &mut arguments)?;
        }
        Ok(Asked::Run(options))
    }

    fn of(task: Task) -> Self {
        let sdk_path = std::env::var_os("GLASSHULL_SDK_PATH").filter(|path| !path.is_empty()).map(PathBuf::from);
        Self {
            task,
            functions: Vec::new(),
            except: Vec::new(),
            list_skipped: false,
            sdk_path,
            manifest_path: None,
            target_dir: None,
            offline: false,
            message_format: None,
            cargo: Vec::new(),
            program: Vec::new(),
        }
    }

    fn take(&mut self, argument: String, rest: &mut impl Iterator<Item = String>) -> Result<(), String> {
        let (name, attached) = match argument.split_once('=') {
            Some((name, value)) if name.starts_with("--") => (name.to_owned(), Some(value.to_owned())),
            _ => (argument.clone(), None),
        };
        let mut value = || attached.clone().or_else(|| rest.next()).ok_or_else(|| format!("`{name}` wants a value"));
        match name.as_str() {
            "--functions" => self.functions.push(checked_pattern(value()?)?),
            "--except" => self.except.push(checked_pattern(value()?)?),
            "--list-skipped" => self.list_skipped = true,
            "--sdk-path" => self.sdk_path = Some(value()?.into()),
            "--manifest-path" => self.manifest_path = Some(value()?.into()),
            "--target-dir" => self.target_dir = Some(value()?.into()),
            "--message-format" => self.message_format = Some(value()?),
            // The shadow's lock file is the workspace's, and what the SDK needs on top.
            "--locked" => {}
            "--offline" | "--frozen" => self.offline = true,
            _ if WITH_VALUE.contains(&name.as_str()) && attached.is_none() => {
                let value = value()?;
                self.cargo.extend([argument, value]);
            }
            _ => self.cargo.push(argument),
        }
        Ok(())
    }

    /// Whether the function at this path is to be instrumented.
    pub(crate) fn wants(&self, path: &str) -> bool {
        let named = |patterns: &[String]| patterns.iter().any(|pattern| pattern::matches(pattern, path));
        (self.functions.is_empty() || named(&self.functions)) && !named(&self.except)
    }
}

fn checked_pattern(pattern: String) -> Result<String, String> {
    let too_long = pattern.len() > glasshull_wire::limits::MAX_NAME_BYTES;
    let sound = !too_long && !pattern.is_empty() && !pattern.contains(char::is_whitespace);
    if sound { Ok(pattern) } else { Err(format!("`{pattern}` is no pattern of functions")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Asked, String> {
        Options::parse(line.split_whitespace().map(OsString::from))
    }

    #[track_caller]
    fn options(line: &str) -> Options {
        match parse(line) {
            Ok(Asked::Run(options)) => options,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn what_is_ours_is_taken_out_and_the_rest_goes_to_cargo() {
        let options = options("glasshull test --functions a::* --release --except=b -p shop --lib name -- --nocapture");
        assert_eq!((options.task, options.list_skipped), (Task::Test, false));
        assert_eq!((options.functions, options.except), (vec!["a::*".to_owned()], vec!["b".to_owned()]));
        assert_eq!(options.cargo, ["--release", "-p", "shop", "--lib", "name"]);
        assert_eq!(options.program, ["--nocapture"]);
    }

    #[test]
    fn arguments_of_a_program_that_runs_are_its_own() {
        let options = options("run --bin shop serve --functions x --help");
        assert_eq!(options.cargo, ["--bin", "shop"]);
        assert_eq!(options.program, ["serve", "--functions", "x", "--help"]);
        assert!(options.functions.is_empty());
    }

    #[test]
    fn the_lock_is_kept_by_us_and_frozen_means_offline() {
        let options = options("build --frozen --locked");
        assert!(options.offline && options.cargo.is_empty());
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_what_there_is() {
        for (line, says) in [
            ("", "build, run or test"),
            ("bench", "`bench` is none"),
            ("build --functions", "`--functions` wants a value"),
            ("build --functions=", "`` is no pattern"),
        ] {
            let error = parse(line).unwrap_err();
            assert!(error.contains(says), "{line}: {error}");
        }
    }

    #[test]
    fn functions_and_except_name_functions_as_trace_does() {
        let options = options("build --functions pricing::* --except tax");
        assert!(options.wants("shop::pricing::quote"));
        assert!(!options.wants("shop::pricing::tax") && !options.wants("shop::cart::add"));
    }

    #[test]
    fn help_is_found_wherever_it_stands_before_the_programs_arguments() {
        assert!(matches!(parse("--help"), Ok(Asked::Help)));
        assert!(matches!(parse("glasshull test --help"), Ok(Asked::Help)));
        assert!(matches!(parse("-V"), Ok(Asked::Version)));
    }
}
