//! Glasshull measured: `cargo xtask bench capture | hub | trace | tracing [--json]`.
//!
//! Nothing here passes or fails. A bench prints what it found beside what it is to be compared with, in one run on one
//! machine; figures of two machines are never compared.

#![allow(clippy::disallowed_methods, reason = "measuring is asking the clock")]

mod capture;
mod firehose;
mod hub;
mod hub_process;
mod layer;
mod report;
mod rounds;
mod stand_in;
mod trace;

use std::error::Error;
use std::process::ExitCode;

use report::Report;

/// What a bench comes to.
type Outcome<T = ()> = Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words[..] {
        // What `trace` starts fifty of.
        ["instance"] => trace::be_an_instance(),
        // What `tracing` starts one after the other.
        ["program", name] => layer::be_a_program(name),
        [name] => measure(name).map(|report| report.print_table()),
        [name, "--json"] => measure(name).map(|report| report.print_json()),
        _ => Err("usage: bench capture | hub | trace | tracing [--json]".into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(name: &str) -> Outcome<Report> {
    match name {
        "capture" => capture::measure(),
        "hub" => hub::measure(),
        "trace" => trace::measure(),
        "tracing" => layer::measure(),
        other => Err(format!("There is no bench `{other}`; there are capture, hub, trace, tracing.").into()),
    }
}
