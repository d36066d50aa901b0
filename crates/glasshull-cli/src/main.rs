//! `glasshull`: the hub, and the command line that talks to one.
//!
//! Data goes to standard output, everything else to standard error. The exit code is 0 when the thing was done, 1 when
//! it failed, 2 when the command line itself was wrong.

mod args;
mod client;
mod commands;
mod cost;
mod doctor;
mod failed;
mod losses;
mod output;
mod plain;
mod tail;
mod tree;
#[cfg(feature = "hub")]
mod up;

use std::process::ExitCode;

use clap::Parser;

use args::{Args, Command};
use client::Client;
use failed::Failed;
use output::Output;

fn main() -> ExitCode {
    let args = Args::parse();
    match run(args) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read our output has seen enough.
        Err(Failed::Output(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(failed) => {
            failed.tell();
            ExitCode::FAILURE
        }
    }
}

fn run(args: Args) -> Result<(), Failed> {
    let output = Output::new(args.format);
    let client = || Client::new(&args.hub, args.key.as_deref());
    match args.command {
        #[cfg(feature = "hub")]
        Command::Up(up) => up::up(*up, args.key.as_deref()),
        Command::Trace(order) => commands::trace(&client()?, output, &order),
        Command::Untrace { which } => commands::untrace(&client()?, output, &which),
        Command::Probes => commands::probes(&client()?, output),
        Command::Functions { like } => commands::functions(&client()?, output, like.as_deref()),
        Command::Instances => commands::instances(&client()?, output),
        Command::Query { statement, max_rows } => commands::query(&client()?, output, &statement, max_rows),
        Command::Tree(which) => commands::tree(&client()?, output, &which),
        Command::Tail(which) => tail::tail(&client()?, output, &which),
        Command::Doctor { service } => doctor::doctor(&client()?, output, service.as_deref()),
    }
}
