//! Manifests as they go into the shadow.

use std::path::{Component, Path, PathBuf};

use toml::{Table, Value};

use crate::sdk::Sdk;

/// One manifest.
pub(crate) struct Manifest<'a> {
    pub(crate) text: &'a str,
    /// The folder it lies in.
    pub(crate) folder: &'a Path,
    /// The workspace's.
    pub(crate) root: &'a Path,
}

impl Manifest<'_> {
    /// The SDK is a dependency people switch on by a feature: attributes must not name it.
    pub(crate) fn has_sdk_as_an_option(&self) -> bool {
        let table: Table = self.text.parse().unwrap_or_default();
        let sdk = table.get("dependencies").and_then(|dependencies| dependencies.get("glasshull"));
        sdk.and_then(|sdk| sdk.get("optional")).and_then(Value::as_bool).unwrap_or(false)
    }

    /// With the SDK, if its code is instrumented, and with paths that hold in the shadow too. Where the SDK is a
    /// dependency already, it is the same one: two in a program would not know of each other.
    pub(crate) fn rewrite(&self, sdk: &Sdk, is_instrumented: bool) -> Result<String, String> {
        let mut table: Table = self.text.parse().map_err(|error| format!("{}: {error}", self.folder.display()))?;
        self.keep_paths(&mut table);
        if self.folder == self.root {
            // Or cargo would look for the workspace above, where the original lies.
            table.entry("workspace").or_insert_with(|| Value::Table(Table::new()));
        }
        sdk.replace_in(&mut table);
        if is_instrumented {
            let dependencies = table.entry("dependencies").or_insert_with(|| Value::Table(Table::new()));
            sdk.add_to(dependencies.as_table_mut().ok_or("`dependencies` is no table")?);
        }
        Ok(table.to_string())
    }

    /// Each `path` that leads out of the workspace, wherever it stands, begins at the root of the file system.
    fn keep_paths(&self, table: &mut Table) {
        for (key, value) in table.iter_mut() {
            match value {
                Value::String(path) if key == "path" => {
                    let whole = normal(&self.folder.join(&*path));
                    if !whole.starts_with(self.root) {
                        *path = whole.to_string_lossy().into_owned();
                    }
                }
                Value::Table(inner) => self.keep_paths(inner),
                Value::Array(inner) => {
                    inner.iter_mut().filter_map(Value::as_table_mut).for_each(|table| self.keep_paths(table));
                }
                _ => {}
            }
        }
    }
}

/// Without `.` and `..`, as cargo understands paths: by their text.
pub(crate) fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => drop(normal.pop()),
            Component::CurDir => {}
            other => normal.push(other),
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sdk::Place;

    fn rewritten(text: &str, is_instrumented: bool) -> Table {
        rewritten_in(Path::new("/a/ws/one"), text, is_instrumented)
    }

    fn rewritten_in(folder: &Path, text: &str, is_instrumented: bool) -> Table {
        let place = tempfile::tempdir().unwrap();
        let sdk = Sdk::install(place.path(), &Place::Given("/sdk".into())).unwrap();
        let manifest = Manifest { text, folder, root: Path::new("/a/ws") };
        manifest.rewrite(&sdk, is_instrumented).unwrap().parse().unwrap()
    }

    #[test]
    fn paths_out_of_the_workspace_are_made_whole_and_others_stay() {
        let text = "[dependencies]\nnear = { path = \"../two\" }\n[target.'cfg(unix)'.dependencies.far]\npath = \"../../far\"\n\
                    [[bin]]\nname = \"x\"\npath = \"src/x.rs\"\n";
        let table = rewritten(text, false);
        assert_eq!(table["dependencies"]["near"]["path"].as_str(), Some("../two"));
        assert_eq!(table["target"]["cfg(unix)"]["dependencies"]["far"]["path"].as_str(), Some("/a/far"));
        assert_eq!(table["bin"][0]["path"].as_str(), Some("src/x.rs"));
    }

    #[test]
    fn the_sdk_is_added_and_is_the_same_one_where_it_is_there() {
        let table = rewritten("[package]\nname = \"x\"\n", true);
        let sdk = |dependencies: &Value| dependencies["glasshull"]["path"].as_str().map(str::to_owned);
        assert_eq!(sdk(&table["dependencies"]), Some("/sdk".into()));
        assert!(table["dependencies"]["glasshull-start"]["path"].is_str());
        let text = "[dependencies]\nglasshull = \"0.1\"\n[dev-dependencies]\nglasshull = { path = \"x\", features = [\"testing\"] }\n\
                    [target.'cfg(unix)'.dependencies]\nglasshull = { git = \"x\", branch = \"y\" }\n\
                    [workspace.dependencies]\nglasshull = \"0.1\"\n";
        let table = rewritten(text, false);
        let all = [&table["dependencies"], &table["dev-dependencies"], &table["workspace"]["dependencies"]];
        assert!(all.into_iter().all(|dependencies| sdk(dependencies) == Some("/sdk".into())), "{table}");
        assert_eq!(table["dev-dependencies"]["glasshull"]["features"][0].as_str(), Some("testing"));
        assert_eq!(table["target"]["cfg(unix)"]["dependencies"]["glasshull"].as_table().unwrap().len(), 1);
        let table = rewritten("[dependencies]\nglasshull.workspace = true\n", true);
        assert_eq!(table["dependencies"]["glasshull"].as_table().unwrap().len(), 1);
    }

    #[test]
    fn the_root_is_a_workspace_of_its_own() {
        let table = rewritten_in(Path::new("/a/ws"), "[package]\nname = \"x\"\n", false);
        assert!(table["workspace"].is_table());
    }

    #[test]
    fn an_optional_sdk_is_noticed() {
        let noticed = |text| Manifest { text, folder: Path::new("/a"), root: Path::new("/a") }.has_sdk_as_an_option();
        assert!(noticed("[dependencies]\nglasshull = { version = \"1\", optional = true }"));
        assert!(!noticed("[dependencies]\nglasshull = \"1\""));
    }
}
