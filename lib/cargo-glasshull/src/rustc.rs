//! What cargo calls instead of rustc, for the workspace's own crates: rustc with two more arguments.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{fs, io};

/// The name by which this program knows that it is called as a wrapper.
const NAME: &str = "glasshull-rustc";

/// Beside the wrapper: the folder of which the shadow is one.
const ORIGIN: &str = "origin";

/// The environment's variable for a wrapper that somebody else asked for, as cargo knows it, and as this program does.
const CARGOS: &str = "RUSTC_WORKSPACE_WRAPPER";
const NEXT: &str = "GLASSHULL_NEXT_RUSTC_WRAPPER";

/// Cargo is to call our wrapper, and that one the other.
pub(crate) fn take_wrapper_from_environment(cargo: &mut Command) {
    cargo.env_remove(CARGOS);
    if let Some(next) = std::env::var_os(CARGOS) {
        cargo.env(NEXT, next);
    }
}

pub(crate) struct Wrapper {
    /// Where the wrapper lies, and the shadow.
    folder: PathBuf,
}

impl Wrapper {
    pub(crate) fn called_as(name: Option<&OsStr>) -> Option<Self> {
        let path = Path::new(name?);
        let is_wrapper = path.file_stem() == Some(OsStr::new(NAME));
        is_wrapper.then(|| Self { folder: path.parent().unwrap_or(Path::new("")).to_owned() })
    }

    /// Lays a copy of this program into the folder under the wrapper's name, as the program itself may be replaced while
    /// cargo builds. Where it lies is part of what cargo goes by when it decides what to build again.
    pub(crate) fn install(folder: &Path, root: &Path) -> io::Result<PathBuf> {
        let wrapper = folder.join(format!("{NAME}{}", std::env::consts::EXE_SUFFIX));
        crate::shadow::write(&folder.join(ORIGIN), root.as_os_str().as_encoded_bytes())?;
        let program = std::env::current_exe()?;
        // Replaced already; Linux has it still.
        let program = if program.exists() { program } else { "/proc/self/exe".into() };
        crate::shadow::write(&wrapper, &fs::read(program)?)?;
        #[cfg(unix)]
        make_executable(&wrapper)?;
        Ok(wrapper)
    }

    /// Ends as rustc does, or does not return at all.
    pub(crate) fn run(&self, mut arguments: impl Iterator<Item = OsString>) -> ExitCode {
        // A wrapper somebody else asked for comes next.
        let next = std::env::var_os(NEXT).filter(|next| !next.is_empty());
        let Some(rustc) = next.or_else(|| arguments.next()) else { return ExitCode::FAILURE };
        let mut command = Command::new(rustc);
        command.args(arguments);
        // What lints have to say of the code they say in an ordinary build; `deny` of what the attribute makes must not
        // end this one.
        command.arg("--cap-lints=allow");
        command.args(self.remap());
        replace(command)
    }

    /// Debuggers and backtraces are told of the source people edit.
    fn remap(&self) -> Option<OsString> {
        let origin = fs::read_to_string(self.folder.join(ORIGIN)).ok()?;
        let mut argument = OsString::from("--remap-path-prefix=");
        argument.push(crate::shadow::source_of(&self.folder));
        argument.push("=");
        argument.push(origin);
        Some(argument)
    }
}

#[cfg(unix)]
fn make_executable(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}

#[cfg(unix)]
fn replace(mut command: Command) -> ExitCode {
    use std::os::unix::process::CommandExt as _;
    let error = command.exec();
    crate::report::say(&format!("error: {:?} cannot be run: {error}", command.get_program()));
    ExitCode::FAILURE
}

#[cfg(not(unix))]
fn replace(mut command: Command) -> ExitCode {
    match command.status() {
        Ok(status) => crate::attempts::code(status),
        Err(error) => {
            crate::report::say(&format!("error: {:?} cannot be run: {error}", command.get_program()));
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_tells_whether_it_is_the_wrapper() {
        let called = |name: &str| Wrapper::called_as(Some(OsStr::new(name))).map(|wrapper| wrapper.folder);
        assert_eq!(called("target/glasshull/glasshull-rustc"), Some("target/glasshull".into()));
        assert_eq!(called("/bin/cargo-glasshull"), None);
    }
}
