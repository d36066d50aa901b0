//! What cargo says of the workspace.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::manifest::normal;
use crate::options::Options;

/// The workspace people stand in.
#[derive(Debug)]
pub(crate) struct Metadata {
    pub(crate) root: PathBuf,
    pub(crate) target: PathBuf,
    /// The manifest cargo would take: of the package people stand in, or of the workspace.
    pub(crate) manifest: PathBuf,
    pub(crate) packages: Vec<Package>,
}

/// One package of the workspace.
#[derive(Debug)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) manifest: PathBuf,
    pub(crate) targets: Vec<Target>,
}

/// A crate of a package.
#[derive(Debug)]
pub(crate) struct Target {
    /// The name of the crate.
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) source: PathBuf,
    pub(crate) edition: String,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Library,
    /// It has a `main`, or tests.
    Program,
    BuildScript,
    ProcMacro,
}

/// The cargo that called this program, or the one that is found.
pub(crate) fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

impl Metadata {
    pub(crate) fn read(options: &Options) -> Result<Self, String> {
        let manifest = locate(options)?;
        let mut command = cargo();
        command.args(["metadata", "--format-version=1", "--no-deps", "--manifest-path"]).arg(&manifest);
        command.args(options.offline.then_some("--offline"));
        let said: Value =
            serde_json::from_str(&output(command)?).map_err(|error| format!("cargo metadata: {error}"))?;
        Self::of(&said, manifest).ok_or_else(|| "cargo metadata says what this version does not understand".into())
    }

    fn of(said: &Value, manifest: PathBuf) -> Option<Self> {
        let path = |value: &Value| value.as_str().map(PathBuf::from);
        Some(Self {
            root: path(&said["workspace_root"])?,
            target: path(&said["target_directory"])?,
            manifest,
            packages: said["packages"].as_array()?.iter().map(Package::of).collect::<Option<_>>()?,
        })
    }
}

impl Package {
    fn of(said: &Value) -> Option<Self> {
        Some(Self {
            name: said["name"].as_str()?.into(),
            manifest: said["manifest_path"].as_str()?.into(),
            targets: said["targets"].as_array()?.iter().map(Target::of).collect::<Option<_>>()?,
        })
    }

    pub(crate) fn folder(&self) -> &Path {
        self.manifest.parent().unwrap_or(Path::new(""))
    }
}

impl Target {
    fn of(said: &Value) -> Option<Self> {
        let kind = match said["kind"].get(0)?.as_str()? {
            "custom-build" => Kind::BuildScript,
            "proc-macro" => Kind::ProcMacro,
            "bin" | "example" | "test" | "bench" => Kind::Program,
            _ => Kind::Library,
        };
        Some(Self {
            name: said["name"].as_str()?.replace('-', "_"),
            kind,
            // By its text, as everywhere: one file has one name.
            source: normal(Path::new(said["src_path"].as_str()?)),
            edition: said["edition"].as_str()?.into(),
        })
    }
}

/// The manifest people mean.
fn locate(options: &Options) -> Result<PathBuf, String> {
    let mut command = cargo();
    command.args(["locate-project", "--message-format=plain"]);
    if let Some(path) = &options.manifest_path {
        command.arg("--manifest-path").arg(path);
    }
    Ok(output(command)?.trim_end().into())
}

fn output(mut command: Command) -> Result<String, String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("cargo cannot be run: {error}"))?;
    if output.status.success() {
        return String::from_utf8(output.stdout).map_err(|_| "cargo says what is no text".into());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(said.trim().trim_start_matches("error: ").to_owned())
}
