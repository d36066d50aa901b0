//! The shadow's lock file: the workspace's, with what the SDK needs on top.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use toml::{Table, Value};

use crate::metadata;
use crate::report::say;
use crate::shadow;

/// How often versions are freed that stand in the SDK's way; each time frees at least one more.
const MAX_ATTEMPTS: usize = 8;

pub(crate) struct LockFile<'a> {
    /// The workspace's folder.
    pub(crate) root: &'a Path,
    pub(crate) shadow: &'a Path,
    /// Where it is remembered which lock file was taken.
    pub(crate) taken: PathBuf,
    pub(crate) offline: bool,
}

impl LockFile<'_> {
    /// Takes the workspace's lock file, if it has changed since it was taken last.
    pub(crate) fn take(&self) -> Result<(), String> {
        let Ok(lock) = fs::read(self.root.join("Cargo.lock")) else { return Ok(()) };
        let own = self.shadow.join("Cargo.lock");
        if fs::read(&self.taken).is_ok_and(|taken| taken == lock) && own.exists() {
            return Ok(());
        }
        self.write(&own, &lock)?;
        self.make_room(&own)?;
        self.write(&self.taken, &lock)
    }

    /// Versions the SDK cannot do with are freed; cargo then takes newer ones. All others stay.
    fn make_room(&self, own: &Path) -> Result<(), String> {
        let mut freed = BTreeSet::new();
        for _ in 0..MAX_ATTEMPTS {
            // Whatever else is wrong, the build will say.
            let Some(conflict) = self.conflict() else { break };
            let before = freed.len();
            freed.extend(in_the_way(&conflict));
            if freed.len() == before {
                break;
            }
            let text = fs::read_to_string(own).map_err(|error| format!("{} cannot be read: {error}", own.display()))?;
            self.write(own, without(&text, &freed)?.as_bytes())?;
        }
        if !freed.is_empty() {
            let names: Vec<&str> = freed.iter().map(String::as_str).collect();
            say(&format!(
                "Glasshull: what is built here has other versions of {} than Cargo.lock says, as the SDK needs newer ones",
                names.join(", ")
            ));
        }
        Ok(())
    }

    /// What cargo says if versions exclude each other.
    fn conflict(&self) -> Option<String> {
        let mut cargo = metadata::cargo();
        cargo.args(["update", "--workspace", "--quiet", "--manifest-path"]).arg(self.shadow.join("Cargo.toml"));
        cargo.args(self.offline.then_some("--offline")).stdin(Stdio::null());
        let output = cargo.output().ok().filter(|output| !output.status.success())?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        said.contains("failed to select a version").then_some(said)
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), String> {
        shadow::write(path, bytes).map_err(|error| format!("{} cannot be written: {error}", path.display()))
    }
}

/// The packages cargo names as those that exclude each other, and those that want them so.
fn in_the_way(conflict: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut lines = conflict.lines();
    while let Some(line) = lines.next() {
        if line.contains("failed to select a version for") {
            names.extend(name_after(line, "for `"));
        }
        if line.contains("previously selected package `") {
            names.extend(name_after(line, "package `"));
            names.extend(lines.next().and_then(|wants| name_after(wants, "of package `")));
        }
    }
    names
}

fn name_after(line: &str, mark: &str) -> Option<String> {
    let name = line.split_once(mark)?.1.split(['`', ' ']).next()?;
    (!name.is_empty()).then(|| name.to_owned())
}

/// The lock file without these packages.
fn without(lock: &str, names: &BTreeSet<String>) -> Result<String, String> {
    let mut table: Table = lock.parse().map_err(|error| format!("Cargo.lock: {error}"))?;
    if let Some(packages) = table.get_mut("package").and_then(Value::as_array_mut) {
        packages.retain(|package| {
            let name = package.get("name").and_then(Value::as_str);
            name.is_none_or(|name| !names.contains(name))
        });
    }
    Ok(table.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFLICT: &str = r#"error: failed to select a version for `serde_derive`.
    ... required by package `serde_core v1.0.220`
    ... which satisfies dependency `serde_core = "^1"` of package `glasshull v0.1.0 (/sdk)`
versions that meet the requirements `=1.0.220` are: 1.0.220

all possible versions conflict with previously selected packages.

  previously selected package `serde_derive v1.0.214`
    ... which satisfies dependency `serde_derive = "=1.0.214"` (locked to 1.0.214) of package `serde v1.0.214`
    ... which satisfies dependency `serde = "^1.0.85"` (locked to 1.0.214) of package `bstr v1.10.0`

failed to select a version for `serde_derive` which could resolve this conflict
"#;

    #[test]
    fn those_that_exclude_each_other_are_freed_and_no_others() {
        let freed = in_the_way(CONFLICT);
        assert_eq!(freed, ["serde", "serde_derive"].map(str::to_owned).into());
        let lock = "version = 4\n[[package]]\nname = \"bstr\"\nversion = \"1.10.0\"\n[[package]]\nname = \"serde\"\nversion = \"1.0.214\"\n";
        let left: Table = without(lock, &freed).unwrap().parse().unwrap();
        assert_eq!(left["package"].as_array().unwrap().len(), 1);
        assert_eq!((left["version"].as_integer(), left["package"][0]["name"].as_str()), (Some(4), Some("bstr")));
    }

    #[test]
    fn other_errors_free_nothing() {
        assert!(in_the_way("error: failed to get `serde` as a dependency of package `x v0.1.0`").is_empty());
    }
}
