//! What the layer brings into a program beside the SDK, written down: each line is a decision.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// The names of all packages a package links, from its tree of normal dependencies.
fn linked(package: &str) -> BTreeSet<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
        .args(["tree", "--offline", "--prefix", "none", "--format", "{p}", "--edges", "normal,no-proc-macro"])
        .args(["--target", "x86_64-unknown-linux-gnu", "--package", package])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

#[test]
fn beside_the_sdk_it_links_what_a_registry_needs() {
    let sdk = linked("glasshull");
    let whole = linked("glasshull-tracing");
    let further: Vec<&str> = whole.difference(&sdk).map(String::as_str).collect();
    let expected = [
        "glasshull-tracing",
        // Where spans are kept.
        "lazy_static",
        "sharded-slab",
        "thread_local",
        // What this is about.
        "once_cell",
        "tracing-core",
        "tracing-subscriber",
    ];
    let expected: BTreeSet<&str> = expected.into_iter().collect();
    assert_eq!(further, expected.into_iter().collect::<Vec<_>>());
}
