//! Glasshull measured: `cargo xtask bench capture | hub | page | soak | store | trace | tracing | web [--json]`.
//!
//! Nothing here passes or fails, but for `soak`. A bench prints what it found beside what it is to be compared with, in one
//! run on one machine; figures of two machines are never compared.

#![allow(clippy::disallowed_methods, reason = "measuring is asking the clock")]

mod capture;
mod chance;
mod firehose;
mod hub;
mod hub_process;
mod killed;
mod layer;
mod page;
mod report;
mod rounds;
mod soak;
mod stand_in;
mod store;
mod trace;
mod web;

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use report::Report;

/// How long `soak` takes where nothing else is said.
const SOAK: Duration = Duration::from_secs(600);

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
        // What `web` measures, and what it loads that with.
        ["server", name] => web::be_a_server(name),
        // What `soak` soaks.
        ["soaked", seed] => soak::be_soaked(seed),
        ["load", address, connections, rest, within] => web::be_a_load(address, [connections, rest, within]),
        ["store-plot", ref files @ ..] => store::plot::draw(files).map(|svg| report::say(svg.trim_end())),
        ["store", ref flags @ ..] => store(flags),
        ["soak", flag @ ("--minutes" | "--seconds"), number] => soak(flag, number),
        [name] => measure(name).map(|report| report.print_table()),
        [name, "--json"] => measure(name).map(|report| report.print_json()),
        _ => Err("usage: bench capture | hub | page | soak | store | trace | tracing | web [--json]".into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Soaks for a while; fails where something is not as it should be.
fn soak(unit: &str, number: &str) -> Outcome {
    let seconds = number.parse::<u64>()? * if unit == "--minutes" { 60 } else { 1 };
    let report = soak::measure(Duration::from_secs(seconds))?;
    report.print_table();
    report.check()
}

/// Takes flags of its own.
fn store(flags: &[&str]) -> Outcome {
    let options = store::Options::read(flags)?;
    let report = store::measure(options)?;
    if options.json {
        report.print_json()
    } else {
        report.print_table()
    }
    Ok(())
}

fn measure(name: &str) -> Outcome<Report> {
    match name {
        "capture" => capture::measure(),
        "hub" => hub::measure(),
        "page" => page::measure(),
        "trace" => trace::measure(),
        "tracing" => layer::measure(),
        "soak" => soak::measure(SOAK),
        "web" => web::measure(),
        other => {
            Err(format!("There is no bench `{other}`; there are capture, hub, page, soak, store, trace, tracing, web.")
                .into())
        }
    }
}
