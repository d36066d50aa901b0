//! Failure codes: one place, one page each (ARCHITECTURE.md, invariant 5).

use super::{Finding, Source};

/// Where codes are declared.
const PLACE: &str = "crates/glasshull-api/src/failure.rs";

/// Where each has its page, `GH1001.md`.
const PAGES: &str = "docs/failures/";

/// Elsewhere they are named by `Code`'s variants, so that a code cannot come to mean two things.
pub(super) fn a_code_stands_in_one_place(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let code = sources.iter().filter(|source| source.is_rust() && !source.is_test() && !source.is_generated());
    for source in code.filter(|source| source.path != PLACE) {
        let written = source.lines_of_code().filter(|(_, line)| !is_comment(line));
        let lines = written.filter_map(|(line, text)| Some((line, codes(text).next()?)));
        findings.extend(lines.map(|(line, code)| source.finding(line, format!("{code} is declared in {PLACE}"))));
    }
    for (line, code) in repeated(sources) {
        findings.push(Finding { path: PLACE.into(), line, what: format!("{code} stands here twice") });
    }
    findings
}

/// Whoever meets a code finds a page that says what it means and what to do; no page outlives its code.
pub(super) fn a_code_has_a_page(sources: &[Source]) -> Vec<Finding> {
    let declared = declared(sources);
    let pages: Vec<&Source> = sources.iter().filter(|source| is_page(&source.path)).collect();
    let path = |code: &str| format!("{PAGES}{code}.md");
    let missing = declared.iter().filter(|(_, code)| pages.iter().all(|page| page.path != path(code)));
    let orphans = pages.iter().filter(|page| declared.iter().all(|(_, code)| page.path != path(code)));
    let missing = missing.map(|(_, code)| Finding { path: path(code), line: 0, what: format!("{code} has no page") });
    missing.chain(orphans.map(|page| page.finding(0, format!("no such code in {PLACE}")))).collect()
}

fn is_page(path: &str) -> bool {
    path.strip_prefix(PAGES).is_some_and(|name| name.starts_with("GH"))
}

fn repeated(sources: &[Source]) -> Vec<(usize, &str)> {
    let declared = declared(sources);
    let earlier = |index: usize| declared[..index].iter().map(|(_, code)| *code).collect::<Vec<_>>();
    let twice = declared.iter().enumerate().filter(|(index, (_, code))| earlier(*index).contains(code));
    twice.map(|(_, found)| *found).collect()
}

/// Line and text of each code that is declared.
fn declared(sources: &[Source]) -> Vec<(usize, &str)> {
    let place = sources.iter().find(|source| source.path == PLACE);
    let lines = place.into_iter().flat_map(Source::lines_of_code).filter(|(_, line)| !is_comment(line));
    lines.flat_map(|(number, line)| codes(line).map(move |code| (number, code))).collect()
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with("//")
}

/// Codes in quotes: `"GH` and four digits.
fn codes(line: &str) -> impl Iterator<Item = &str> {
    let begins = line.match_indices("\"GH").map(|(at, _)| at + 1);
    let whole = begins.filter_map(|at| line.get(at..at + 6));
    whole.filter(|code| code[2..].bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, text: &str) -> Source {
        Source { path: path.into(), text: text.into() }
    }

    #[test]
    fn a_code_written_out_elsewhere_is_found_unless_a_test_does_it() {
        let written = "// \"GH1001\"\nlet code = \"GH1001\";\n#[cfg(test)]\nlet code = \"GH1001\";\n";
        let sources = [source(PLACE, "A = \"GH1001\", 400;"), source("crates/x/src/a.rs", written)];
        assert_eq!(a_code_stands_in_one_place(&sources).iter().map(|f| f.line).collect::<Vec<_>>(), [2]);
    }

    #[test]
    fn codes_and_pages_are_told_apart_by_name() {
        let sources =
            [source(PLACE, "A = \"GH1001\", 400;\nB = \"GH1002\", 400;"), source("docs/failures/GH1002.md", "")];
        assert_eq!(a_code_has_a_page(&sources)[0].path, "docs/failures/GH1001.md");
        assert_eq!(a_code_has_a_page(&[source("docs/failures/GH7.md", "")]).len(), 1);
    }
}
