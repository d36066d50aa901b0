//! Why a build did not succeed, and which functions that may be about.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use serde_json::Value;

use crate::manifest::normal;
use crate::options::Options;
use crate::report::say;
use crate::rewrite;
use crate::workspace::{Blamed, Instrumented};

/// How much of what the compiler says is kept with a function, in characters: one line of a list.
const DETAIL_CHARACTERS: usize = 160;

/// How far from what the compiler points at a function can be that is to blame.
const SUSPICIONS: usize = 3;

/// A failed build.
#[derive(Default)]
pub(crate) struct Failure {
    pub(crate) status: ExitStatus,
    /// What the compiler said, for people.
    rendered: Vec<String>,
    /// First those the compiler points at; then those it mentions, such as the one whose future is not `Send`; then
    /// all of the package. By how they are remembered, with their path and what the compiler said.
    suspects: [BTreeMap<String, (String, String)>; SUSPICIONS],
}

/// What is known of the build that failed.
pub(crate) struct Scene<'a> {
    pub(crate) instrumented: &'a Instrumented,
    pub(crate) root: &'a Path,
    pub(crate) shadow: &'a Path,
}

/// Where in a file the compiler points at.
type Place = (PathBuf, usize);

impl Failure {
    /// Takes in one thing cargo said.
    pub(crate) fn add(&mut self, said: &Value, scene: &Scene<'_>) {
        let message = &said["message"];
        let is_error = message["level"].as_str().is_some_and(|level| level.starts_with("error"));
        if said["reason"] != "compiler-message" || !is_error {
            return;
        }
        self.rendered.extend(message["rendered"].as_str().map(rewrite::without_insertions));
        let (mut first, mut mentioned) = (Vec::new(), Vec::new());
        pointed_at(message, true, &mut first);
        pointed_at(message, false, &mut mentioned);
        let at = |places: Vec<Place>| places.into_iter().filter_map(|place| scene.function_at(&place)).collect();
        let suspects: [Vec<Blamed>; SUSPICIONS] = [at(first), at(mentioned), scene.package(&said["manifest_path"])];
        let detail = detail(message);
        for (all, found) in self.suspects.iter_mut().zip(suspects) {
            all.extend(found.into_iter().map(|Blamed { key, path }| (key, (path, detail.clone()))));
        }
    }

    /// The functions to try without: the nearest there are.
    pub(crate) fn suspects(&mut self) -> BTreeMap<String, (String, String)> {
        self.suspects.iter_mut().find(|suspects| !suspects.is_empty()).map(std::mem::take).unwrap_or_default()
    }

    /// What the compiler said, and what people can do.
    pub(crate) fn tell(&self, options: &Options) {
        self.rendered.iter().for_each(|error| say(error.trim_end()));
        if !self.rendered.is_empty() {
            say("Glasshull: these errors are there without instrumentation too; `cargo build` should show them");
        } else if options.offline {
            say(
                "Glasshull: if a crate cannot be found, it is one the SDK needs: let cargo fetch it once, without --offline",
            );
        } else {
            say("Glasshull: if it is the crate glasshull that cannot be found, say with --sdk-path DIR where it is");
        }
    }
}

impl Scene<'_> {
    fn function_at(&self, (file, byte): &Place) -> Option<Blamed> {
        let file = normal(file);
        let below = [self.root, self.shadow].iter().find_map(|folder| file.strip_prefix(folder).ok());
        self.instrumented.function_at(below.unwrap_or(&file), *byte, self.root)
    }

    fn package(&self, manifest: &Value) -> Vec<Blamed> {
        let folder = manifest.as_str().and_then(|manifest| Path::new(manifest).parent());
        let below = folder.and_then(|folder| folder.strip_prefix(self.shadow).ok());
        below.map(|below| self.instrumented.functions_below(below, self.root)).unwrap_or_default()
    }
}

/// The places an error points at first, or those it and its notes mention; and for what a macro made, the macro's.
fn pointed_at(error: &Value, only_primary: bool, places: &mut Vec<Place>) {
    let each = |value: &Value| value.as_array().cloned().unwrap_or_default();
    for mut span in each(&error["spans"]).into_iter().filter(|span| !only_primary || span["is_primary"] == true) {
        // Expansions nest as deep as the compiler's recursion limit at most.
        while span.is_object() {
            let byte = span["byte_start"].as_u64().and_then(|byte| usize::try_from(byte).ok());
            places.extend(span["file_name"].as_str().map(PathBuf::from).zip(byte));
            span = span["expansion"]["span"].take();
        }
    }
    if !only_primary {
        each(&error["children"]).iter().for_each(|note| pointed_at(note, false, places));
    }
}

/// The error in one line.
fn detail(message: &Value) -> String {
    let code = message["code"]["code"].as_str().map(|code| format!("{code}: ")).unwrap_or_default();
    let text = message["message"].as_str().unwrap_or_default();
    let line: String = format!("{code}{text}").split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().take(DETAIL_CHARACTERS).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_error_points_at_its_places_those_of_macros_and_those_of_its_notes() {
        let span = |byte: u64, is_primary: bool, expansion: Value| json!({"file_name": "a.rs", "byte_start": byte, "is_primary": is_primary, "expansion": expansion});
        let error = json!({
            "spans": [span(1, true, json!({"span": span(2, false, Value::Null)})), span(3, false, Value::Null)],
            "children": [{"spans": [span(4, true, Value::Null)]}],
        });
        let bytes = |only_primary| {
            let mut places = Vec::new();
            pointed_at(&error, only_primary, &mut places);
            places.into_iter().map(|(_, byte)| byte).collect::<Vec<_>>()
        };
        assert_eq!((bytes(true), bytes(false)), (vec![1, 2], vec![1, 2, 3, 4]));
    }

    #[test]
    fn an_error_is_kept_in_one_short_line() {
        let message = json!({"code": {"code": "E0277"}, "message": format!("no\n  way {}", "x".repeat(500))});
        let detail = detail(&message);
        assert!(detail.starts_with("E0277: no way xxx"), "{detail}");
        assert_eq!(detail.chars().count(), DETAIL_CHARACTERS);
    }

    #[test]
    fn those_nearest_to_the_error_are_tried_without_first() {
        let suspect = |key: &str| (key.to_owned(), (String::new(), String::new()));
        let mut failure = Failure::default();
        assert!(failure.suspects().is_empty());
        failure.suspects[2] = BTreeMap::from([suspect("package")]);
        failure.suspects[1] = BTreeMap::from([suspect("mentioned")]);
        assert_eq!(failure.suspects().keys().collect::<Vec<_>>(), ["mentioned"]);
        assert_eq!(failure.suspects().keys().collect::<Vec<_>>(), ["package"]);
    }
}
