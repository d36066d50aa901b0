//! `cargo xtask test`: everything that must hold, and one closing line.

use std::process::Command;
use std::time::Duration;

use crate::cargo::{ALL_BUT_SDK, PROFILE, SDK, build_everything, cargo, target};
use crate::run::{heading, output, root, run, run_watched, say};
use crate::{Outcome, page, s3, system, tidy};

/// How much is tested.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Extent {
    Everything,
    /// Without DataFusion and what stands above it, and without the browser: some minutes.
    Fast,
}

/// What needs DataFusion, or a hub that does.
const HEAVY: &[&str] = &["glasshull-query", "glasshull-hub", "glasshull-cli", "glasshull-testkit"];

/// What the build of everything takes on disk at most, in GiB.
const BUILD_GIB: u64 = 14;

/// How long one run of tests may take, with what it has to build. They take some minutes; a test that hangs must not
/// keep the report of all others from coming.
const TESTS_WITHIN: Duration = Duration::from_secs(25 * 60);

/// Tests so far.
#[derive(Debug, Default, Eq, PartialEq)]
struct Count {
    passed: u64,
    failed: u64,
    /// The steps that failed, for the end.
    sentences: Vec<String>,
}

/// Runs every step even when one fails, and fails in the end if any did.
pub(crate) fn test(extent: Extent) -> Outcome {
    let mut count = Count::default();
    count.step("Formatting", || run(cargo(&["fmt", "--all", "--check"])));
    count.step("Rules of the house", tidy::tidy);
    if output("cargo-deny", &["--version"]).is_some() {
        count.step("Sources and bans", || run(cargo(&["deny", "--offline", "check", "licenses", "bans", "sources"])));
    }
    match extent {
        Extent::Everything => everything(&mut count),
        Extent::Fast => fast(&mut count),
    }
    say(&count.closing_line());
    count.outcome()
}

fn everything(count: &mut Count) {
    count.step("Room on the disk", || system::disk_space(&target(), BUILD_GIB));
    // Before the hub, which takes it in.
    let page = count.step("The page", page::build);
    if !count.step("Build (the first takes a quarter of an hour on two cores)", build_everything) {
        return;
    }
    count.tests("The SDK's tests", SDK);
    count.model();
    count.step("An S3 server for the tests", s3::server);
    count.tests("Tests", ALL_BUT_SDK);
    count.step("The SDK's lints", || clippy(SDK));
    count.step("Lints", || clippy(ALL_BUT_SDK));
    if page {
        count.page();
    }
}

fn fast(count: &mut Count) {
    let heavy = HEAVY.iter().flat_map(|package| ["--exclude", package]);
    let light: Vec<&str> = ALL_BUT_SDK.iter().copied().chain(heavy).collect();
    count.tests("The SDK's tests", SDK);
    count.model();
    count.tests("Tests", &light);
    count.step("The SDK's lints", || clippy(SDK));
    count.step("Lints", || clippy(&light));
}

fn clippy(packages: &[&str]) -> Outcome {
    let mut clippy = cargo(&["clippy", "--profile", PROFILE, "--all-targets"]);
    clippy.args(packages).args(["--", "-D", "warnings"]);
    run(clippy)
}

impl Count {
    /// A step that passes or fails as a whole; whether it passed.
    fn step(&mut self, name: &str, step: impl FnOnce() -> Outcome) -> bool {
        heading(name);
        match step() {
            Ok(()) => self.passed += 1,
            Err(sentence) => self.fail(name, &sentence),
        }
        self.sentences.last().is_none_or(|last| !last.starts_with(name))
    }

    /// A run of cargo's tests, counted one by one.
    fn tests(&mut self, name: &str, packages: &[&str]) {
        let mut tests = cargo(&["test", "--profile", PROFILE, "--no-fail-fast"]);
        tests.args(packages);
        self.run(name, tests);
    }

    /// The model of the SDK's ring, which is no part of the workspace.
    fn model(&mut self) {
        let mut tests = cargo(&["test", "--locked", "--no-fail-fast", "--manifest-path"]);
        tests.arg(root().join("model/Cargo.toml")).arg("--target-dir").arg(target().join("model"));
        self.run("The ring, in every order its threads can get into", tests);
    }

    fn run(&mut self, name: &str, tests: Command) {
        heading(name);
        let failed_before = self.failed;
        let ended = run_watched(tests, TESTS_WITHIN, |line| self.add(cargo_counts(line)));
        self.settle(name, ended, failed_before);
    }

    /// The page's own checks and tests, the latter in a real browser against a real hub.
    fn page(&mut self) {
        if !self.step("The page's types and API", || page::npm(&["run", "check"])) {
            return;
        }
        heading("The page's tests");
        let failed_before = self.failed;
        let ended = page::tests(TESTS_WITHIN, |line| self.add(vitest_counts(line)));
        self.settle("The page's tests", ended, failed_before);
    }

    fn add(&mut self, counts: Option<(u64, u64)>) {
        let (passed, failed) = counts.unwrap_or_default();
        self.passed += passed;
        self.failed += failed;
    }

    /// A run that failed without a failed test (it did not build, it crashed) is a failure too.
    fn settle(&mut self, name: &str, ended: Outcome, failed_before: u64) {
        match ended {
            Err(sentence) if self.failed == failed_before => self.fail(name, &sentence),
            Err(sentence) => self.sentences.push(format!("{name}: {sentence}")),
            Ok(()) => {}
        }
    }

    fn fail(&mut self, name: &str, sentence: &str) {
        eprintln!("{sentence}");
        self.failed += 1;
        self.sentences.push(format!("{name}: {sentence}"));
    }

    fn closing_line(&self) -> String {
        format!("\n{} passed, {} failed", self.passed, self.failed)
    }

    fn outcome(self) -> Outcome {
        if self.failed == 0 { Ok(()) } else { Err(self.sentences.join("\n")) }
    }
}

/// Passed and failed, from the line `test result: ok. 12 passed; 0 failed; ...`.
fn cargo_counts(line: &str) -> Option<(u64, u64)> {
    let counts = line.trim_start().strip_prefix("test result: ")?.split_once(". ")?.1;
    Some((number_before(counts, " passed")?, number_before(counts, " failed")?))
}

/// Passed and failed, from the line `Tests  1 failed | 12 passed (13)`, which comes in colour.
fn vitest_counts(line: &str) -> Option<(u64, u64)> {
    let plain = without_colour(line);
    let counts = plain.trim_start().strip_prefix("Tests ")?;
    Some((number_before(counts, " passed").unwrap_or(0), number_before(counts, " failed").unwrap_or(0)))
}

fn number_before(text: &str, word: &str) -> Option<u64> {
    let before = &text[..text.find(word)?];
    before.rsplit(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

fn without_colour(line: &str) -> String {
    let mut parts = line.split('\u{1b}');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |plain, part| plain + part.split_once('m').map_or("", |(_, text)| text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_counted_as_cargo_prints_them() {
        let line = "test result: FAILED. 12 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.02s";
        assert_eq!(cargo_counts(line), Some((12, 3)));
        assert_eq!(cargo_counts("test result_is_told ... ok"), None);
    }

    #[test]
    fn tests_are_counted_as_vitest_prints_them() {
        assert_eq!(
            vitest_counts("\u{1b}[2m      Tests \u{1b}[22m \u{1b}[1m\u{1b}[32m12 passed\u{1b}[39m (12)"),
            Some((12, 0))
        );
        assert_eq!(vitest_counts("      Tests  1 failed | 12 passed (13)"), Some((12, 1)));
        assert_eq!(vitest_counts(" Test Files  3 passed (3)"), None);
    }

    #[test]
    fn a_run_that_crashed_counts_as_a_failure() {
        let mut count = Count::default();
        count.settle("Tests", Err("`cargo test` failed.".into()), 0);
        assert_eq!(count.closing_line(), "\n0 passed, 1 failed");
        assert_eq!(count.outcome(), Err("Tests: `cargo test` failed.".into()));
    }
}
