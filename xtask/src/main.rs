//! The project's tasks.
//!
//! `cargo xtask demo` shows the product, `cargo xtask test` is everything that must hold before a change lands. Each
//! task checks what it needs and says in one sentence what is missing.

#![allow(clippy::disallowed_methods, reason = "a program of its own, with no clock to pass in")]

mod background;
mod bench;
mod cargo;
mod demo;
mod page;
mod rivals;
mod run;
mod s3;
mod screenshots;
mod system;
mod test;
mod tidy;

use std::process::ExitCode;

/// What a task comes to: done, or a sentence for people.
type Outcome<T = ()> = Result<T, String>;

const HELP: &str = "\
Glasshull's tasks:

  cargo xtask demo                  a hub and a shop under load, to try it all on
  cargo xtask test [--fast]         everything that must hold; --fast leaves out DataFusion and the browser
  cargo xtask web                   builds the page (Node 20.19 or later)
  cargo xtask tidy                  the rules of the house that a program can check
  cargo xtask bench NAME [--json]   measures: capture, hub, trace, tracing, web
  cargo xtask bench store [--json] [--calls N] [--alone | --load]   the store beside ClickHouse and DuckDB, or alone
  cargo xtask bench store-plot FILE..   a picture (SVG) of what `bench store --json` said of several numbers of calls
  cargo xtask bench soak [--minutes N]   a traced program under load while its hub fails, ten minutes long
  cargo xtask screenshots           takes README's pictures again
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match perform(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("\n{sentence}");
            ExitCode::FAILURE
        }
    }
}

fn perform(words: &[&str]) -> Outcome {
    match words {
        ["demo"] => demo::demo(),
        ["test"] => test::test(test::Extent::Everything),
        ["test", "--fast"] => test::test(test::Extent::Fast),
        ["web"] => page::build(),
        ["tidy"] => tidy::tidy(),
        ["bench", name @ ("store" | "store-plot"), flags @ ..] => bench::bench(name, flags),
        ["bench", name] => bench::bench(name, &[]),
        ["bench", name, "--json"] => bench::bench(name, &["--json"]),
        ["bench", "soak", "--minutes", minutes] => bench::bench("soak", &["--minutes", minutes]),
        ["screenshots"] => screenshots::screenshots(),
        [] | ["help" | "--help" | "-h"] => {
            run::say(HELP);
            Ok(())
        }
        other => Err(format!("There is no task `{}`.\n\n{HELP}", other.join(" "))),
    }
}
