//! Who may depend on whom (ARCHITECTURE.md, invariants 1 and 2).

use super::{Finding, Source};

/// Crates that weigh much or pull a design with them, and the one crate of `crates/` that may name each.
const HOMES: &[(&str, &str)] = &[
    ("axum", "glasshull-hub"),
    ("chitchat", "glasshull-cluster"),
    ("datafusion", "glasshull-query"),
    ("sqlx", "glasshull-catalog"),
];

/// The wire, the macros, the SDK, its adapter: all that `lib/` may know of ours.
const IN_LIB: &[&str] = &["glasshull", "glasshull-macros", "glasshull-tracing", "glasshull-wire"];

/// What is linked into people's programs must not pull the hub in.
pub(super) fn the_sdk_knows_nothing_of_the_hub(sources: &[Source]) -> Vec<Finding> {
    let breach = |(line, name): (usize, &str)| {
        (name.starts_with("glasshull") && !IN_LIB.contains(&name))
            .then(|| (line, format!("`lib/` must not know `{name}`")))
    };
    let in_lib = sources.iter().filter(|source| source.path.starts_with("lib/") && is_manifest(source));
    in_lib
        .flat_map(|source| dependencies(source).filter_map(breach).map(|(line, what)| source.finding(line, what)))
        .collect()
}

/// What only one crate names can be replaced, and is compiled by few.
pub(super) fn heavy_crates_have_one_home(sources: &[Source]) -> Vec<Finding> {
    let inside = |source: &&Source| source.path.starts_with("crates/") || source.path.starts_with("lib/");
    sources.iter().filter(inside).filter(|source| is_manifest(source)).flat_map(strangers).collect()
}

fn strangers(manifest: &Source) -> Vec<Finding> {
    let owner = manifest.path.split('/').nth(1).unwrap_or_default();
    let stranger = |(line, name): (usize, &str)| {
        let (_, home) = HOMES.iter().find(|(heavy, _)| *heavy == name)?;
        (*home != owner).then(|| manifest.finding(line, format!("`{name}` is named in {home} only")))
    };
    dependencies(manifest).filter_map(stranger).collect()
}

fn is_manifest(source: &Source) -> bool {
    source.path.ends_with("Cargo.toml")
}

/// Line and name of each dependency, for tests and builds too.
fn dependencies(manifest: &Source) -> impl Iterator<Item = (usize, &str)> {
    let mut inside = false;
    manifest.text.lines().enumerate().filter_map(move |(index, line)| {
        if line.starts_with('[') {
            inside = line.trim_end_matches(']').ends_with("dependencies");
            return None;
        }
        let name = line.split(['=', '.', ' ']).next().unwrap_or_default();
        (inside && !name.is_empty() && !name.starts_with('#')).then_some((index + 1, name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(path: &str, text: &str) -> Vec<Source> {
        vec![Source { path: path.into(), text: text.into() }]
    }

    #[test]
    fn the_sdk_may_name_the_wire_and_not_the_store() {
        let text = "[dependencies]\nglasshull-wire.workspace = true\n\n[dev-dependencies]\nglasshull-store = \"1\"\n";
        let found = the_sdk_knows_nothing_of_the_hub(&manifest("lib/glasshull/Cargo.toml", text));
        assert_eq!(found.iter().map(|finding| finding.line).collect::<Vec<_>>(), [5]);
    }

    #[test]
    fn sqlx_lives_in_the_catalog() {
        let text = "[package]\naxum = 1\n[dependencies]\nsqlx.workspace = true\n";
        assert_eq!(heavy_crates_have_one_home(&manifest("crates/glasshull-catalog/Cargo.toml", text)), []);
        assert_eq!(heavy_crates_have_one_home(&manifest("crates/glasshull-store/Cargo.toml", text)).len(), 1);
    }
}
