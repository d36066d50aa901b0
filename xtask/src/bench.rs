//! `cargo xtask bench NAME [--json]`, `cargo xtask bench soak [--minutes N]`, `cargo xtask bench store [--calls N] [--alone | --load]`.

use crate::cargo::{cargo, program};
use crate::run::{command, run};
use crate::{Outcome, page, rivals, system};

/// A bench, and the programs it needs beside its own.
struct Bench {
    name: &'static str,
    packages: &'static [&'static str],
}

/// `capture`, `soak`, `tracing` and `web` need the SDK alone; the others drive the real hub, whose release build takes twenty minutes at first.
const BENCHES: &[Bench] = &[
    Bench { name: "capture", packages: &["bench"] },
    Bench { name: "hub", packages: &["bench", "glasshull-cli"] },
    Bench { name: "page", packages: &["bench", "glasshull-cli", "shop"] },
    Bench { name: "soak", packages: &["bench"] },
    Bench { name: "store", packages: &["bench", "glasshull-cli"] },
    Bench { name: "store-plot", packages: &["bench"] },
    Bench { name: "trace", packages: &["bench", "glasshull-cli"] },
    Bench { name: "tracing", packages: &["bench"] },
    Bench { name: "web", packages: &["bench"] },
];

/// Builds what the bench needs, optimised, and runs it.
pub(crate) fn bench(name: &str, flags: &[&str]) -> Outcome {
    let bench = BENCHES.iter().find(|bench| bench.name == name).ok_or_else(|| unknown(name))?;
    // Before the build, so that who lacks Python learns of it at once.
    let is_alone = flags.contains(&"--alone") || flags.contains(&"--load");
    let python = if name == "store" && !is_alone { Some(rivals::python()?) } else { None };
    // The hub's program has the page in it.
    let chromium = if name == "page" { Some(measured_page()?) } else { None };
    let mut build = cargo(&["build", "--release"]);
    for package in bench.packages {
        build.args(["--package", package]);
    }
    run(build)?;
    let mut measure = command(program("bench", "release"), &[name]);
    measure.env("GLASSHULL_PROGRAM", program("glasshull", "release"));
    measure.env("GLASSHULL_SHOP", program("shop", "release"));
    measure.envs(chromium.map(|chromium| ("CHROMIUM", chromium)));
    measure.envs(python.map(|python| ("RIVALS_PYTHON", python)));
    measure.args(flags);
    run(measure)
}

/// Builds the page, and finds the browser it is measured in.
fn measured_page() -> Outcome<String> {
    let chromium = system::chromium()?;
    page::build()?;
    Ok(chromium)
}

/// All there are.
pub(crate) fn names() -> Vec<&'static str> {
    BENCHES.iter().map(|bench| bench.name).collect()
}

fn unknown(name: &str) -> String {
    format!("There is no bench `{name}`; there are {}.", names().join(", "))
}
