//! `cargo xtask tidy`: the rules of the house that a program can check. Each rule says why it is there.

mod commands;
mod crates;
mod failures;
mod faults;
mod features;
mod licences;
mod size;
mod words;

use std::fs;
use std::path::Path;

use crate::Outcome;
use crate::run::{root, say};

/// Folders that hold nothing written by hand.
const PASSED_OVER: &[&str] = &[".git", ".glasshull", "dist", "node_modules", "target"];

/// Endings of the files that are text.
const TEXT: &[&str] = &[
    "css", "html", "json", "lock", "md", "mjs", "proto", "rs", "sh", "sql", "svelte", "toml", "ts", "txt", "yaml",
    "yml",
];

/// A file of the checkout.
struct Source {
    /// From the root, with `/`.
    path: String,
    text: String,
}

/// A breach of a rule.
#[derive(Debug, Eq, PartialEq)]
struct Finding {
    path: String,
    /// From 1; 0 where it is the file as a whole.
    line: usize,
    what: String,
}

type Rule = fn(&[Source]) -> Vec<Finding>;

const RULES: &[Rule] = &[
    crates::the_sdk_knows_nothing_of_the_hub,
    crates::heavy_crates_have_one_home,
    size::files_are_short,
    size::lines_are_short,
    words::nothing_is_left_half_done,
    words::modules_have_names_of_their_own,
    words::no_path_of_somebodys_machine,
    failures::a_code_stands_in_one_place,
    failures::a_code_has_a_page,
    faults::faults_have_their_tests,
    commands::commands_in_prose_exist,
    features::selections_agree_on_features,
    licences::licences_are_permissive,
];

/// Checks all rules, and reports how long functions are.
pub(crate) fn tidy() -> Outcome {
    let sources = sources();
    say(&size::report(&sources));
    let findings: Vec<Finding> = RULES.iter().flat_map(|rule| rule(&sources)).collect();
    for Finding { path, line, what } in &findings {
        say(&format!("{path}:{line}: {what}"));
    }
    if findings.is_empty() { Ok(()) } else { Err(format!("{} breaches of the rules of the house.", findings.len())) }
}

/// All text in the checkout that people write, by path.
fn sources() -> Vec<Source> {
    let mut sources = Vec::new();
    collect(&root(), "", &mut sources);
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    sources
}

fn collect(folder: &Path, prefix: &str, into: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}/{name}") };
        if entry.path().is_dir() {
            if !PASSED_OVER.contains(&name.as_str()) {
                collect(&entry.path(), &path, into);
            }
        } else if let Some(text) = is_text(&name).then(|| fs::read_to_string(entry.path()).ok()).flatten() {
            into.push(Source { path, text });
        }
    }
}

fn is_text(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, ending)| TEXT.contains(&ending))
}

impl Source {
    fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Written by a program: what it says it is, in its first lines, or JSON that a test proves fresh.
    fn is_generated(&self) -> bool {
        let head: Vec<&str> = self.text.lines().take(3).collect();
        let says_so = ["generated", "Generated"].iter().any(|word| head.iter().any(|line| line.contains(word)));
        says_so || self.path.ends_with(".json") || self.path.ends_with(".lock")
    }

    /// A test, or a sample for one.
    fn is_test(&self) -> bool {
        self.path.ends_with("tests.rs") || self.path.contains("/tests/") || self.path.contains("glasshull-testkit")
    }

    /// Lines from 1; of Rust files only those before the tests at their end.
    fn lines_of_code(&self) -> impl Iterator<Item = (usize, &str)> {
        let numbered = self.text.lines().enumerate().map(|(index, line)| (index + 1, line));
        numbered.take_while(|(_, line)| !self.is_rust() || *line != "#[cfg(test)]")
    }

    fn finding(&self, line: usize, what: impl Into<String>) -> Finding {
        Finding { path: self.path.clone(), line, what: what.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_house_is_tidy() {
        assert_eq!(tidy(), Ok(()), "`cargo xtask tidy` tells what is wrong");
    }

    #[test]
    fn the_checkout_is_read_without_what_is_built() {
        let paths: Vec<String> = sources().into_iter().map(|source| source.path).collect();
        assert!(paths.contains(&"xtask/src/tidy.rs".into()));
        assert!(paths.iter().all(|path| !path.contains("node_modules/") && !path.starts_with("target/")));
    }
}
