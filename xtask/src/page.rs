//! The page: built by npm into `web/dist`, from where the hub embeds it.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::Outcome;
use crate::cargo::{PROFILE, program, target};
use crate::run::{command, root, run, run_watched};
use crate::system;

/// What npm writes, and no source.
const MADE: &[&str] = &["node_modules", "dist", "test-results"];

/// Builds the page unless it stands as its sources say.
pub(crate) fn build() -> Outcome {
    let built = fingerprint(&web());
    if web().join("dist/index.html").exists() && fs::read_to_string(stamp("built")).ok().as_ref() == Some(&built) {
        eprintln!("The page is up to date.");
        return Ok(());
    }
    install()?;
    npm(&["run", "build"])?;
    write_stamp("built", &built)
}

/// The packages the page is made of, exactly as `package-lock.json` says.
pub(crate) fn install() -> Outcome {
    system::node()?;
    let wanted = fs::read_to_string(web().join("package-lock.json"))
        .map_err(|error| format!("web/package-lock.json cannot be read: {error}."))?;
    if web().join("node_modules").exists() && fs::read_to_string(stamp("installed")).ok().as_ref() == Some(&wanted) {
        return Ok(());
    }
    npm(&["ci", "--no-audit", "--no-fund"])?;
    write_stamp("installed", &wanted)
}

/// Runs npm in `web/`.
pub(crate) fn npm(arguments: &[&str]) -> Outcome {
    let mut npm = command("npm", arguments);
    npm.current_dir(web());
    run(npm)
}

/// The page's tests, in a headless Chromium against the real hub; `see` is handed each line.
pub(crate) fn tests(within: Duration, see: impl FnMut(&str)) -> Outcome {
    let chromium = system::chromium()?;
    let mut tests = command("npm", &["test"]);
    tests.current_dir(web()).env("CHROMIUM", chromium).env("GLASSHULL_PROGRAM", program("glasshull", PROFILE));
    run_watched(tests, within, see)
}

pub(crate) fn web() -> PathBuf {
    root().join("web")
}

fn stamp(name: &str) -> PathBuf {
    target().join("xtask").join(format!("page-{name}"))
}

fn write_stamp(name: &str, content: &str) -> Outcome {
    let write = || {
        fs::create_dir_all(target().join("xtask"))?;
        fs::write(stamp(name), content)
    };
    write().map_err(|error| format!("{} cannot be written: {error}.", stamp(name).display()))
}

/// A number for the sources' names and contents, the same as long as they are.
fn fingerprint(folder: &Path) -> String {
    let mut hasher = DefaultHasher::new();
    hash_folder(folder, &mut hasher);
    format!("{:016x}", hasher.finish())
}

fn hash_folder(folder: &Path, hasher: &mut DefaultHasher) {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && !MADE.contains(&name.as_str()) {
            hash_folder(&path, hasher);
        } else if path.is_file() {
            name.hash(hasher);
            fs::read(&path).unwrap_or_default().hash(hasher);
        }
    }
}
