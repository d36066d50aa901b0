//! Under which licences others' work may be linked in: those `deny.toml` lists.

use std::collections::BTreeSet;

use super::{Finding, Source};
use crate::run::output;

const LIST: &str = "deny.toml";

/// Everything the workspace is built from on this machine may be given on under our own licences.
pub(super) fn licences_are_permissive(sources: &[Source]) -> Vec<Finding> {
    let list = sources.iter().find(|source| source.path == LIST).map(|source| allowed(&source.text));
    let arguments = ["tree", "--workspace", "--offline", "-e", "normal,build,dev", "--prefix", "none", "-f", "{p}|{l}"];
    let (Some(list), Some(tree)) = (list, output("cargo", &arguments)) else { return Vec::new() };
    let packages: BTreeSet<(&str, &str)> =
        tree.lines().filter_map(|line| line.trim_end_matches(" (*)").split_once('|')).collect();
    let refused = packages.into_iter().filter(|(_, licence)| !is_allowed(licence, &list));
    let told = refused.map(|(package, licence)| format!("{package} comes under `{licence}`, which is not listed here"));
    told.map(|what| Finding { path: LIST.into(), line: 0, what }).collect()
}

/// The quoted words of the list `allow`.
fn allowed(text: &str) -> BTreeSet<String> {
    let list = text.split_once("allow = [").and_then(|(_, rest)| rest.split_once(']')).map_or("", |(list, _)| list);
    list.split('"').skip(1).step_by(2).map(String::from).collect()
}

/// SPDX: one of the alternatives, and of it every part. Parentheses stand only around alternatives that are parts.
fn is_allowed(licence: &str, list: &BTreeSet<String>) -> bool {
    let licence = licence.replace(" / ", " OR ").replace('/', " OR ");
    let parts = licence.split(" AND ").map(|part| part.trim_matches(['(', ')', ' ']));
    let one_of = |part: &str| part.split(" OR ").any(|name| list.contains(name.trim()));
    // `A AND B OR C` without parentheses means `(A AND B) OR C`; read as `A AND (B OR C)` it is refused too often at worst.
    !licence.is_empty() && parts.into_iter().all(one_of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_alternative_and_every_part_must_be_listed() {
        let list = allowed("allow = [\n    \"MIT\",\n    \"Unicode-3.0\",\n]\nother = [\"GPL-3.0\"]");
        assert_eq!(list.len(), 2);
        for licence in ["MIT", "Unlicense OR MIT", "MIT/Apache-2.0", "(MIT OR Apache-2.0) AND Unicode-3.0"] {
            assert!(is_allowed(licence, &list), "{licence}");
        }
        for licence in ["", "GPL-3.0", "MIT AND GPL-3.0", "Apache-2.0", "(MIT OR Apache-2.0) AND Zlib"] {
            assert!(!is_allowed(licence, &list), "{licence}");
        }
    }
}
