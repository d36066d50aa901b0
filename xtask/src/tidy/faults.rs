//! The list of faults (docs/faults.md) names the tests that try them.

use super::{Finding, Source};

/// Where the list is.
const LIST: &str = "docs/faults.md";

/// Each test that the list names exists, and each fault has one.
pub(super) fn faults_have_their_tests(sources: &[Source]) -> Vec<Finding> {
    let tests: Vec<&str> = sources.iter().filter(|source| source.is_rust()).flat_map(functions).collect();
    let mut findings = Vec::new();
    for source in sources.iter().filter(|source| source.path == LIST) {
        for (line, row) in source.text.lines().enumerate().filter_map(|(line, text)| Some((line + 1, last_cell(text)?)))
        {
            let named: Vec<&str> = row.split('`').skip(1).step_by(2).filter(|name| is_name(name)).collect();
            if named.is_empty() {
                findings.push(source.finding(line, "a fault without a test"));
            }
            let missing = named.into_iter().filter(|name| !tests.contains(name));
            findings.extend(missing.map(|name| source.finding(line, format!("there is no test {name}"))));
        }
    }
    findings
}

/// The last cell of a table's row, but for those of headings and the line below them.
fn last_cell(line: &str) -> Option<&str> {
    let cells = line.strip_prefix("| ")?.strip_suffix(" |")?;
    let cell = cells.rsplit(" | ").next()?;
    (!cells.starts_with("---") && !cell.starts_with("tried by")).then_some(cell)
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

fn functions(source: &Source) -> impl Iterator<Item = &str> {
    let begins = source.text.lines().filter_map(|line| line.trim_start().split_once("fn ").map(|(_, rest)| rest));
    begins.filter_map(|rest| rest.split(['(', '<']).next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_that_is_not_there_is_found() {
        let list = "| fault | tried by |\n| --- | --- |\n| fire | `it_burns` |\n| flood | `it_swims`, `it_dives` |\n| frost |  |\n";
        let tests = "#[test]\nfn it_burns() {\n    pub(crate) async fn it_swims(catalog: Backend) {\n";
        let source = |path: &str, text: &str| Source { path: path.into(), text: text.into() };
        let sources = [source(LIST, list), source("crates/x/tests/a.rs", tests)];
        let found = faults_have_their_tests(&sources);
        let found: Vec<_> = found.iter().map(|finding| (finding.line, finding.what.as_str())).collect();
        assert_eq!(found, [(4, "there is no test it_dives"), (5, "a fault without a test")]);
    }
}
