//! Where the files of modules lie.

use std::path::{Path, PathBuf};

use crate::manifest::normal;
use crate::rewrite::NamedFile;

/// A source file, and where its modules are looked for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct SourceFile {
    pub(crate) path: PathBuf,
    /// The path of its module.
    pub(crate) module: String,
    /// Modules in files of their own lie in here.
    children: PathBuf,
    /// The root of its crate.
    pub(crate) is_root: bool,
}

impl SourceFile {
    pub(crate) fn root(path: &Path, crate_name: &str) -> Self {
        Self { path: path.to_owned(), module: crate_name.into(), children: folder(path), is_root: true }
    }

    /// A file that this one names, if it is there.
    pub(crate) fn named(&self, file: &NamedFile) -> Option<Self> {
        match file {
            NamedFile::Module { names, path } => self.module(names, path.as_deref()),
            NamedFile::Included { inside, path } => {
                let path = folder(&self.path).join(path);
                let children = folder(&path);
                self.file(inside, path, children)
            }
        }
    }

    fn file(&self, names: &[String], path: PathBuf, children: PathBuf) -> Option<Self> {
        let module = [std::slice::from_ref(&self.module), names].concat().join("::");
        // By its text, as everywhere: one file has one name.
        path.is_file().then(|| Self { path: normal(&path), module, children: normal(&children), is_root: false })
    }

    fn module(&self, names: &[String], path: Option<&str>) -> Option<Self> {
        let (name, around) = names.split_last()?;
        let of = |path, children| self.file(names, path, children);
        let inside = around.iter().fold(self.children.clone(), |inside, name| inside.join(name));
        if let Some(path) = path {
            // It is relative to the file itself, unless an inline module stands around.
            let path = if around.is_empty() { folder(&self.path) } else { inside }.join(path);
            let children = folder(&path);
            return of(path, children);
        }
        let children = inside.join(name);
        let nested = children.join("mod.rs");
        of(inside.join(format!("{name}.rs")), children.clone()).or_else(|| of(nested, children))
    }
}

fn folder(path: &Path) -> PathBuf {
    path.parent().unwrap_or(Path::new("")).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared(names: &[&str], path: Option<&str>) -> NamedFile {
        NamedFile::Module { names: names.iter().map(|&name| name.into()).collect(), path: path.map(str::to_owned) }
    }

    #[test]
    fn modules_are_found_where_the_compiler_looks() {
        let folder = tempfile::tempdir().unwrap();
        for path in [
            "lib.rs",
            "a.rs",
            "a/b.rs",
            "a/in/c.rs",
            "d/mod.rs",
            "d/e.rs",
            "other/f.rs",
            "other/g.rs",
            "up.rs",
            "sub/x.rs",
        ] {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let root = SourceFile::root(&folder.path().join("lib.rs"), "x");
        let found = |file: &SourceFile, names: &[&str], path: Option<&str>| {
            let found = file.named(&declared(names, path)).unwrap();
            let below = found.path.strip_prefix(folder.path()).unwrap().to_string_lossy().into_owned();
            (found.module.clone(), below)
        };
        let a = root.named(&declared(&["a"], None)).unwrap();
        assert_eq!(found(&a, &["b"], None), ("x::a::b".into(), "a/b.rs".into()));
        assert_eq!(found(&a, &["in", "c"], None), ("x::a::in::c".into(), "a/in/c.rs".into()));
        let d = root.named(&declared(&["d"], None)).unwrap();
        assert_eq!(found(&d, &["e"], None), ("x::d::e".into(), "d/e.rs".into()));
        let f = root.named(&declared(&["f"], Some("other/f.rs"))).unwrap();
        assert_eq!(found(&f, &["g"], None), ("x::f::g".into(), "other/g.rs".into()));
        assert_eq!(found(&a, &["up"], Some("sub/../up.rs")), ("x::a::up".into(), "up.rs".into()));
        assert_eq!(root.named(&declared(&["missing"], None)), None);
        let included =
            root.named(&NamedFile::Included { inside: vec!["in".into()], path: "other/f.rs".into() }).unwrap();
        assert_eq!(found(&included, &["g"], None), ("x::in::g".into(), "other/g.rs".into()));
    }
}
