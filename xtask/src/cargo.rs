//! Cargo, always with the same profile, so that nothing is built twice. That the demo's few packages and the tests' whole
//! workspace agree on the features of what they share is `crates/workspace-hack`'s work.

use std::path::PathBuf;
use std::process::Command;

use crate::Outcome;
use crate::run::{command, root, run};

/// What the demo and the tests are built with; see docs/decisions.
pub(crate) const PROFILE: &str = "quick";

/// Cargo with these arguments, in the checkout's root.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()), arguments);
    // `cargo xtask` sets these for the package xtask; a build of others must not depend on them.
    for (key, _) in std::env::vars_os() {
        let name = key.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            command.env_remove(key);
        }
    }
    command
}

/// The SDK is tested by itself: its tests ask for features of serde_json that nothing else has, and DataFusion would be
/// built a second time for them.
pub(crate) const SDK: &[&str] = &["--package", "glasshull", "--all-features"];

/// Everything else.
pub(crate) const ALL_BUT_SDK: &[&str] = &["--workspace", "--exclude", "glasshull"];

/// Builds every program and test there is, but for the SDK's.
pub(crate) fn build_everything() -> Outcome {
    let mut build = cargo(&["build", "--profile", PROFILE, "--all-targets"]);
    build.args(ALL_BUT_SDK);
    run(build)
}

/// Builds hub and shop, and no tests.
pub(crate) fn build_programs() -> Outcome {
    run(cargo(&["build", "--profile", PROFILE, "--package", "glasshull-cli", "--package", "shop"]))
}

/// Where a program of the workspace lies once it is built.
pub(crate) fn program(name: &str, profile: &str) -> PathBuf {
    target().join(profile).join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}

/// Cargo's target folder.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |target| root().join(target))
}
