//! What the prose tells people to type must exist.

use super::{Finding, Source};
use crate::HELP;

/// Each `cargo xtask NAME` in a Markdown file is a task, each `cargo xtask bench NAME` a bench.
pub(super) fn commands_in_prose_exist(sources: &[Source]) -> Vec<Finding> {
    let prose = sources.iter().filter(|source| source.path.ends_with(".md"));
    let mut findings = Vec::new();
    for source in prose {
        for (index, line) in source.text.lines().enumerate() {
            let unknown = named(line, "cargo xtask ").filter(|name| !tasks().contains(name));
            let unmeasured = named(line, "cargo xtask bench ").filter(|name| !crate::bench::names().contains(name));
            findings.extend(
                unknown.chain(unmeasured).map(|name| source.finding(index + 1, format!("there is no `{name}`"))),
            );
        }
    }
    findings
}

fn tasks() -> Vec<&'static str> {
    HELP.lines().filter_map(|line| line.trim_start().strip_prefix("cargo xtask ")?.split_whitespace().next()).collect()
}

/// The lower-case words that follow a command wherever it stands in a line.
fn named<'a>(line: &'a str, command: &'a str) -> impl Iterator<Item = &'a str> {
    let rest = line.match_indices(command).map(move |(at, _)| &line[at + command.len()..]);
    let words = rest.filter_map(|rest| rest.split(|c: char| !c.is_ascii_lowercase()).next());
    words.filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_that_nobody_wrote_is_found() {
        let text =
            "`cargo xtask demo`, `cargo xtask bench NAME`, `cargo xtask bench capture --json`\ncargo xtask dance\n";
        let sources = [Source { path: "README.md".into(), text: text.into() }];
        assert_eq!(commands_in_prose_exist(&sources).iter().map(|f| f.line).collect::<Vec<_>>(), [2]);
    }
}
