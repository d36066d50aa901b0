//! `cargo glasshull build|run|test`: makes every function of a workspace traceable, without an attribute in its source.
//!
//! The workspace is mirrored into a shadow below its target folder. There, sources carry `#[glasshull::trace]` on their
//! functions, at places that leave all lines, and nearly all columns, where they were; manifests depend on the SDK;
//! everything else is linked. Cargo builds the shadow, with a target folder of its own.

mod attempts;
mod failure;
mod lock;
mod manifest;
mod metadata;
mod modules;
mod options;
mod report;
mod rewrite;
mod rustc;
mod sdk;
mod shadow;
mod workspace;

use std::process::ExitCode;

use options::{Asked, Options};

/// Done; a build, a program or a test failed; the arguments make no sense.
const FAILED: u8 = 1;
const BAD_USAGE: u8 = 2;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os();
    if let Some(wrapper) = rustc::Wrapper::called_as(arguments.next().as_deref()) {
        return wrapper.run(arguments);
    }
    match Options::parse(arguments) {
        Ok(Asked::Help) => tell(options::HELP),
        Ok(Asked::Version) => tell(concat!("cargo-glasshull ", env!("CARGO_PKG_VERSION"))),
        Ok(Asked::Run(options)) => attempts::run(&options).unwrap_or_else(|error| fail(FAILED, &error)),
        Err(error) => fail(BAD_USAGE, &format!("{error}\n`cargo glasshull --help` tells what there is")),
    }
}

#[allow(clippy::print_stdout)] // What was asked for.
fn tell(text: &str) -> ExitCode {
    println!("{text}");
    ExitCode::SUCCESS
}

fn fail(code: u8, error: &str) -> ExitCode {
    report::say(&format!("error: {error}"));
    ExitCode::from(code)
}
