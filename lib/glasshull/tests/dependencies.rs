//! What linking the SDK brings into a program, written down: each line is a decision.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// The names of all packages in the SDK's tree of normal dependencies; proc-macros and what only they need are built
/// but not linked.
fn linked(features: &[&str]) -> BTreeSet<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new(cargo)
        .current_dir(root)
        .args(["tree", "--offline", "--prefix", "none", "--format", "{p}", "--edges", "normal,no-proc-macro"])
        .args(["--target", "x86_64-unknown-linux-gnu", "--package", "glasshull"])
        .args(features)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

#[track_caller]
fn check(features: &[&str], expected: &[&str]) {
    let linked = linked(features);
    let linked: Vec<&str> = linked.iter().map(String::as_str).collect();
    assert_eq!(linked, expected);
}

#[test]
fn the_sdk_links_these_and_no_others() {
    let expected = [
        // The wire: protobuf and zstd.
        "bytes",
        "glasshull",
        "glasshull-wire",
        "libc",
        "prost",
        "zstd",
        "zstd-safe",
        "zstd-sys",
        // The list of functions.
        "linkme",
        // The traits of what is captured by structure.
        "serde_core",
        // WebSocket, synchronous, without TLS.
        "block-buffer",
        "cfg-if",
        "cpufeatures",
        "crypto-common",
        "data-encoding",
        "digest",
        "generic-array",
        "getrandom",
        "http",
        "httparse",
        "itoa",
        "log",
        "ppv-lite86",
        "rand",
        "rand_chacha",
        "rand_core",
        "sha1",
        "thiserror",
        "tungstenite",
        "typenum",
        "zerocopy",
    ];
    let sorted: BTreeSet<&str> = expected.into_iter().collect();
    let sorted: Vec<&str> = sorted.into_iter().collect();
    check(&[], &sorted);
    check(&["--features", "testing"], &sorted);
}

#[test]
fn without_the_feature_enabled_nothing_is_linked() {
    check(&["--no-default-features"], &["glasshull"]);
}
