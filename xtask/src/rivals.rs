//! The Python in which the bench `store` runs ClickHouse and DuckDB: in a folder of its own below Cargo's target folder.

use std::fs;
use std::path::{Path, PathBuf};

use crate::Outcome;
use crate::cargo::target;
use crate::run::{command, output, root, run};

/// The packages, with their versions.
const PACKAGES: &str = "bench/rivals.txt";

/// The oldest Python they are made for.
const PYTHON: (u32, u32) = (3, 11);

/// A Python with exactly the packages of the list.
pub(crate) fn python() -> Outcome<PathBuf> {
    let (folder, stamp) = (target().join("rivals"), target().join("rivals/installed.txt"));
    let python = folder.join("bin/python");
    let wanted = fs::read_to_string(root().join(PACKAGES)).map_err(|error| format!("{PACKAGES}: {error}."))?;
    if fs::read_to_string(&stamp).ok().as_ref() == Some(&wanted) && python.exists() {
        return Ok(python);
    }
    is_new_enough()?;
    eprintln!("installing ClickHouse (chdb) and DuckDB into {}", folder.display());
    install(&folder, &python)?;
    fs::write(&stamp, wanted).map_err(|error| format!("{} cannot be written: {error}.", stamp.display()))?;
    Ok(python)
}

fn is_new_enough() -> Outcome {
    let (major, minor) = PYTHON;
    let told = output("python3", &["--version"]).ok_or_else(|| missing("no `python3` is found"))?;
    match version(&told) {
        Some(found) if found >= PYTHON => Ok(()),
        _ => Err(missing(&format!("`python3` is {told}, {major}.{minor} or later is needed"))),
    }
}

fn version(told: &str) -> Option<(u32, u32)> {
    let mut numbers = told.trim().strip_prefix("Python ")?.split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

fn install(folder: &Path, python: &Path) -> Outcome {
    let mut venv = command("python3", &["-m", "venv", "--clear"]);
    venv.arg(folder);
    run(venv).map_err(|_| missing("Python's `venv` is missing (`apt-get install python3-venv`)"))?;
    let mut pip = command(python, &["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    pip.args(["--no-deps", "--only-binary", ":all:", "--requirement", PACKAGES]);
    run(pip).map_err(|_| missing("pip cannot install them, as it says above: is there a network?"))
}

fn missing(what: &str) -> String {
    format!("ClickHouse and DuckDB cannot be measured: {what}. `cargo xtask bench store --alone` measures ours alone.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_as_python_tells_it() {
        assert_eq!(version("Python 3.11.7\n"), Some((3, 11)));
        assert!(version("Python 3.9.2").is_some_and(|found| found < PYTHON));
        assert_eq!(version("no Python"), None);
    }
}
