//! Words that must not stand in the sources.

use super::{Finding, Source};

/// Macros that mark what is not done.
const UNDONE: &[&str] = &["dbg", "todo", "unimplemented"];

/// Names that say nothing of what is inside; each would take in anything.
const NAMELESS: &[&str] = &["common", "helper", "helpers", "manager", "misc", "types", "util", "utils"];

/// Where people's files lie on their machines.
const HOMES: &[&str] = &[concat!("/", "home/"), concat!("/", "root/"), concat!("/", "Users/"), concat!("/", "work/")];

/// What is merged is finished; a test that does not run proves nothing.
pub(super) fn nothing_is_left_half_done(sources: &[Source]) -> Vec<Finding> {
    let ignored = concat!("#[", "ignore");
    let undone = |line: &str| UNDONE.iter().any(|word| line.contains(&format!("{word}!("))) || line.contains(ignored);
    let rust = sources.iter().filter(|source| source.is_rust());
    each_line(rust, |line| undone(line).then(|| "left half done".into()))
}

pub(super) fn modules_have_names_of_their_own(sources: &[Source]) -> Vec<Finding> {
    let rust = sources.iter().filter(|source| source.is_rust());
    let nameless = rust.filter(|source| {
        let mut parts = source.path.split('/');
        parts.any(|part| NAMELESS.contains(&part.trim_end_matches(".rs")))
    });
    nameless.map(|source| source.finding(0, "a module's name says what is inside")).collect()
}

/// What is true on one machine only is of no use to others, and tells them more than it should.
pub(super) fn no_path_of_somebodys_machine(sources: &[Source]) -> Vec<Finding> {
    let begins = |line: &str, home: &&&str| {
        let inside_a_word = |at: usize| line[..at].ends_with(|c: char| c.is_alphanumeric() || "._-~/*}>".contains(c));
        line.match_indices(**home).any(|(at, _)| !inside_a_word(at))
    };
    let found = |line: &str| HOMES.iter().find(|home| begins(line, home));
    each_line(sources.iter(), |line| found(line).map(|home| format!("a path of somebody's machine ({home})")))
}

fn each_line<'a>(sources: impl Iterator<Item = &'a Source>, check: impl Fn(&str) -> Option<String>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources {
        let lines = source.text.lines().enumerate();
        findings.extend(lines.filter_map(|(index, line)| Some(source.finding(index + 1, check(line)?))));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, text: &str) -> Vec<Source> {
        vec![Source { path: path.into(), text: text.into() }]
    }

    #[test]
    fn an_undone_function_is_found_and_the_word_alone_is_not() {
        let undone = format!("fn f() {{\n    {}!()\n}}\n", UNDONE[1]);
        assert_eq!(nothing_is_left_half_done(&source("lib/a.rs", &undone))[0].line, 2);
        assert_eq!(nothing_is_left_half_done(&source("lib/a.rs", "// nothing to do\n")), []);
    }

    #[test]
    fn a_module_called_utils_is_found_wherever_it_lies() {
        assert_eq!(modules_have_names_of_their_own(&source("crates/x/src/utils.rs", "")).len(), 1);
        assert_eq!(modules_have_names_of_their_own(&source("crates/x/src/utils/mod.rs", "")).len(), 1);
        assert_eq!(modules_have_names_of_their_own(&source("crates/x/src/utilities_of_light.rs", "")), []);
    }

    #[test]
    fn a_home_folder_is_found_and_a_route_of_that_name_is_not() {
        let path = format!("let path = \"{}ada/x\";", HOMES[0]);
        assert_eq!(no_path_of_somebodys_machine(&source("a.rs", &path)).len(), 1);
        assert_eq!(no_path_of_somebodys_machine(&source("a.md", "example.org/home/ada")), []);
    }
}
