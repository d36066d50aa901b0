//! Which features Cargo builds dependencies with.

use std::collections::{BTreeMap, BTreeSet};

use super::{Finding, Source};
use crate::cargo::ALL_BUT_SDK;
use crate::run::output;

const HACK: &str = "crates/workspace-hack/Cargo.toml";

/// Packages people build by themselves; the demo builds the last two.
const SELECTIONS: &[&[&str]] = &[
    &["-p", "glasshull-query", "-e", "normal,build,dev"],
    &["-p", "glasshull-hub", "-e", "normal,build,dev"],
    &["-p", "glasshull-cli", "-p", "shop", "-e", "normal,build"],
];

/// What rests on DataFusion is built with the same features whatever is selected, or it is built twice, ten minutes
/// each time.
pub(super) fn selections_agree_on_features(_: &[Source]) -> Vec<Finding> {
    let heavy = tree(&["-p", "glasshull-query", "-e", "normal,build"]);
    let whole = tree(&[ALL_BUT_SDK, &["-e", "normal,build,dev"]].concat());
    let (Some(heavy), Some(whole)) = (heavy, whole) else { return Vec::new() };
    let selected = SELECTIONS.iter().filter_map(|selection| Some((selection, tree(selection)?)));
    let differing = selected.flat_map(|(selection, packages)| {
        let theirs = packages.into_iter().filter(|(package, _)| heavy.contains_key(package));
        let differs =
            theirs.filter(|(package, features)| whole.get(package).is_some_and(|all| !features.is_subset(all)));
        differs.map(|(package, features)| told(selection, &package, &features, &whole)).collect::<Vec<_>>()
    });
    differing.map(|what| Finding { path: HACK.into(), line: 0, what }).collect()
}

fn told(selection: &[&str], package: &str, features: &BTreeSet<String>, whole: &Features) -> String {
    let sets = |sets: &BTreeSet<String>| sets.iter().map(|set| format!("[{set}]")).collect::<Vec<_>>().join(" and ");
    let all = whole.get(package).map(sets).unwrap_or_default();
    format!(
        "{package}: `{}` builds it with {}, the workspace with {all}; name the union here",
        selection.join(" "),
        sets(features)
    )
}

/// The sets of features each package is built with, one for the host and one for the target where they differ.
type Features = BTreeMap<String, BTreeSet<String>>;

/// Everything a selection of packages is built from, as Cargo resolves it without going to the network.
fn tree(selection: &[&str]) -> Option<Features> {
    let mut arguments = vec!["tree", "--offline", "--prefix", "none", "-f", "{p}|{f}"];
    arguments.extend(selection);
    Some(parse(&output("cargo", &arguments)?))
}

fn parse(tree: &str) -> Features {
    let mut packages = Features::new();
    for (package, features) in tree.lines().filter_map(|line| line.trim_end_matches(" (*)").split_once('|')) {
        packages.entry(package.to_owned()).or_default().insert(features.to_owned());
    }
    packages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_that_is_built_twice_has_two_sets_of_features() {
        let packages = parse("syn v2.0.1|full\nquote v1.0.1|\nsyn v2.0.1|derive (*)\n");
        assert_eq!(packages["syn v2.0.1"].len(), 2);
        assert_eq!(packages.len(), 2);
    }
}
