//! The whole workspace: all source files of its crates, instrumented.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

use crate::manifest::Manifest;
use crate::metadata::{Kind, Metadata, Package, Target};
use crate::modules::SourceFile;
use crate::options::Options;
use crate::rewrite::{self, Function, PassedOver, Rewritten, Why};
use crate::sdk::Sdk;

/// Packages the instrumented code itself rests on.
const OURS: &[&str] = &["cargo-glasshull", "glasshull", "glasshull-macros", "glasshull-wire"];

/// Functions that did not compile when they were instrumented, each by its file, its path and its text (when one of
/// them changes, it is tried again), with what the compiler said.
pub(crate) type Failed = BTreeMap<String, String>;

/// A function the compiler did not accept.
pub(crate) struct Blamed {
    /// How it is remembered.
    pub(crate) key: String,
    pub(crate) path: String,
}

/// The workspace's source, by path from its root.
#[derive(Default)]
pub(crate) struct Instrumented {
    files: BTreeMap<PathBuf, Rewritten>,
    /// Packages whose manifest needs the SDK.
    packages: BTreeSet<PathBuf>,
}

struct Walk<'a> {
    root: &'a Path,
    options: &'a Options,
    failed: &'a Failed,
    out: Instrumented,
}

pub(crate) fn instrument(metadata: &Metadata, options: &Options, failed: &Failed) -> Result<Instrumented, String> {
    let mut walk = Walk { root: &metadata.root, options, failed, out: Instrumented::default() };
    let mut crates = Vec::new();
    for package in &metadata.packages {
        let blocked = walk.package(package)?;
        crates.extend(package.targets.iter().map(|target| (target, blocked.or(blocks(target.kind)))));
    }
    // A file that is part of several crates is left alone if one of them must be; else the library names it.
    crates.sort_by_key(|(target, blocked)| (blocked.is_none(), target.kind != Kind::Library));
    for (target, blocked) in crates {
        walk.target(target, blocked)?;
    }
    Ok(walk.out)
}

fn blocks(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::BuildScript => Some("of a build script"),
        Kind::ProcMacro => Some("of a procedural macro"),
        Kind::Library | Kind::Program => None,
    }
}

impl Walk<'_> {
    /// Whether, and why, all of the package is passed over.
    fn package(&mut self, package: &Package) -> Result<Option<&'static str>, String> {
        let folder = package.folder();
        let Ok(below) = folder.strip_prefix(self.root) else {
            let (folder, root) = (folder.display(), self.root.display());
            return Err(format!("{folder} is a member of the workspace, and lies outside of its folder {root}"));
        };
        if OURS.contains(&package.name.as_str()) {
            return Ok(Some("of Glasshull"));
        }
        let text = read(&package.manifest)?;
        if (Manifest { text: &text, folder, root: self.root }).has_sdk_as_an_option() {
            return Ok(Some("of a package that has the crate glasshull as an option"));
        }
        // What only builds others links nothing of ours.
        if package.targets.iter().any(|target| blocks(target.kind).is_none()) {
            self.out.packages.insert(below.to_owned());
        }
        Ok(None)
    }

    fn target(&mut self, target: &Target, blocked: Option<&'static str>) -> Result<(), String> {
        let mut instrumented = false;
        let mut files = vec![SourceFile::root(&target.source, &target.name)];
        while let Some(file) = files.pop() {
            // Outside of the workspace's folder nothing can be changed.
            let Ok(below) = file.path.strip_prefix(self.root).map(Path::to_owned) else { continue };
            if self.out.files.contains_key(&below) {
                continue;
            }
            let rewritten = self.file(&file, &below, target, blocked)?;
            files.extend(rewritten.files.iter().rev().filter_map(|named| file.named(named)));
            instrumented |= rewritten.is_instrumented();
            self.out.files.insert(below, rewritten);
        }
        if !instrumented {
            self.leave_alone(target);
        }
        Ok(())
    }

    /// The root of a crate in which nothing is instrumented declares nothing either.
    fn leave_alone(&mut self, target: &Target) {
        let root = target.source.strip_prefix(self.root).ok().and_then(|below| self.out.files.get_mut(below));
        root.into_iter().for_each(Rewritten::leave_alone);
    }

    fn file(
        &self,
        file: &SourceFile,
        below: &Path,
        target: &Target,
        blocked: Option<&'static str>,
    ) -> Result<Rewritten, String> {
        let text = read(&file.path)?;
        let pass_over = |path: &str, text: &str| {
            if !self.options.wants(path) {
                return Some("not asked for".into());
            }
            let detail = self.failed.get(&key(below, path, text))?;
            Some(Why { reason: "that would not compile with the attribute", detail: detail.clone() })
        };
        let whole = rewrite::File {
            text: &text,
            module: &file.module,
            is_program: file.is_root && target.kind == Kind::Program,
            declares_crates: file.is_root && target.edition == "2015",
            blocked,
        };
        Ok(rewrite::rewrite(&whole, &pass_over).unwrap_or_else(|error| Rewritten::not_understood(&file.module, &error)))
    }
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))
}

fn blamed(file: &Path, function: &Function, root: &Path) -> Option<Blamed> {
    let text = fs::read_to_string(root.join(file)).ok()?;
    let text = text.get(function.range.clone())?;
    Some(Blamed { key: key(file, &function.path, text), path: function.path.clone() })
}

/// How a function that failed is remembered.
fn key(file: &Path, path: &str, text: &str) -> String {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    format!("{} {path} {:016x}", file.display(), hasher.finish())
}

impl Instrumented {
    pub(crate) fn functions(&self) -> usize {
        self.files.values().map(|file| file.functions.len()).sum()
    }

    /// With their file, by its path from the root.
    pub(crate) fn passed_over(&self) -> Vec<(&str, &PassedOver)> {
        let files = self.files.iter();
        files
            .flat_map(|(path, file)| {
                let path = path.to_str().unwrap_or("?");
                file.passed_over.iter().map(move |function| (path, function))
            })
            .collect()
    }

    /// All files of the shadow that are not those of the workspace.
    pub(crate) fn changed(&self, metadata: &Metadata, sdk: &Sdk) -> Result<BTreeMap<PathBuf, Vec<u8>>, String> {
        let sources = self.files.iter().filter(|(_, file)| file.is_changed());
        let mut changed: BTreeMap<_, _> =
            sources.map(|(path, file)| (path.clone(), file.text.clone().into_bytes())).collect();
        let folders = metadata.packages.iter().map(Package::folder).chain([metadata.root.as_path()]);
        for folder in folders {
            let Ok(below) = folder.strip_prefix(&metadata.root) else { continue };
            let text = read(&folder.join("Cargo.toml"))?;
            let manifest = Manifest { text: &text, folder, root: &metadata.root };
            let is_instrumented = self.packages.contains(below);
            changed.insert(below.join("Cargo.toml"), manifest.rewrite(sdk, is_instrumented)?.into_bytes());
        }
        Ok(changed)
    }

    pub(crate) fn starts(&self) -> usize {
        self.files.values().map(|file| file.starts).sum()
    }

    /// The instrumented function at a byte of a file of the shadow.
    pub(crate) fn function_at(&self, file: &Path, byte: usize, root: &Path) -> Option<Blamed> {
        blamed(file, self.files.get(file)?.function_at(byte)?, root)
    }

    /// All instrumented functions of the packages in a folder.
    pub(crate) fn functions_below(&self, folder: &Path, root: &Path) -> Vec<Blamed> {
        let files = self.files.iter().filter(|(path, _)| path.starts_with(folder));
        files
            .flat_map(|(path, file)| file.functions.iter().filter_map(|function| blamed(path, function, root)))
            .collect()
    }
}
