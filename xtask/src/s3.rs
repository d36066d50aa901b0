//! The S3 server that tests put objects into: in a folder of its own below Cargo's target folder.

use crate::Outcome;
use crate::cargo::{cargo, target};
use crate::run::{output, run};

/// Made by those who make S3 servers of it; Apache-2.0. No dependency: only a program, beside the tests.
const PACKAGE: &str = "s3s-fs";
const VERSION: &str = "0.14.1";

/// The server, as `tools/bin/s3s-fs` below the target folder.
pub(crate) fn server() -> Outcome {
    let tools = target().join("tools");
    let program = tools.join("bin").join(PACKAGE);
    if output(&program.to_string_lossy(), &["--version"]).is_some_and(|told| told.contains(VERSION)) {
        return Ok(());
    }
    eprintln!("installing {PACKAGE} {VERSION} into {}", tools.display());
    let mut install = cargo(&["install", "--quiet", "--locked", PACKAGE, "--version", VERSION, "--features", "binary"]);
    install.arg("--root").arg(&tools).arg("--target-dir").arg(tools.join("build"));
    run(install).map_err(|_| format!("{PACKAGE} {VERSION} cannot be installed, as it says above: is there a network?"))
}
