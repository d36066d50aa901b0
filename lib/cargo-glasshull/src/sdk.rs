//! Where the shadow's packages get the SDK from.

use std::io;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use crate::metadata::Metadata;
use crate::shadow;

/// The crate that programs start with, kept as a file here so that it can be read.
const START: &str = include_str!("../start/lib.rs");
const START_MANIFEST: &str = include_str!("../start/Cargo.toml.in");

/// The crate `glasshull` where this program was built from a checkout, and that is still there.
const BESIDE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../glasshull");

/// What an instrumented package depends on.
pub(crate) struct Sdk {
    /// Of the crate `glasshull`: a path, or the version that is this program's own.
    glasshull: Table,
    start: PathBuf,
}

/// Where the crate `glasshull` is taken from.
#[derive(Debug)]
pub(crate) enum Place {
    /// A folder somebody named, or beside which this program was built.
    Given(PathBuf),
    /// The workspace itself has it: that of the shadow.
    Shadow(PathBuf),
    CratesIo,
}

impl Place {
    pub(crate) fn of(asked: Option<&Path>, metadata: &Metadata, shadow: &Path) -> Result<Self, String> {
        let own = metadata.packages.iter().find(|package| package.name == "glasshull");
        if let Some(below) = own.and_then(|own| own.folder().strip_prefix(&metadata.root).ok()) {
            return Ok(Self::Shadow(shadow.join(below)));
        }
        match asked {
            Some(path) => checked(path).map(Self::Given),
            None => Ok(checked(Path::new(BESIDE)).map_or(Self::CratesIo, Self::Given)),
        }
    }
}

impl Sdk {
    /// Lays the crate `glasshull-start` into the folder.
    pub(crate) fn install(folder: &Path, place: &Place) -> Result<Self, String> {
        let glasshull = match place {
            Place::Given(path) | Place::Shadow(path) => ("path".into(), text(path)),
            Place::CratesIo => ("version".into(), Value::from(concat!("=", env!("CARGO_PKG_VERSION")))),
        };
        let sdk = Self { glasshull: Table::from_iter([glasshull]), start: folder.join("start") };
        sdk.write().map_err(|error| format!("{} cannot be written: {error}", sdk.start.display()))?;
        Ok(sdk)
    }

    fn write(&self) -> io::Result<()> {
        let dependencies = Table::from_iter([("glasshull".into(), Value::Table(self.glasshull.clone()))]);
        let mut manifest: Table = START_MANIFEST.parse().map_err(io::Error::other)?;
        manifest.insert("dependencies".into(), Value::Table(dependencies));
        shadow::write(&self.start.join("Cargo.toml"), manifest.to_string().as_bytes())?;
        shadow::write(&self.start.join("lib.rs"), START.as_bytes())
    }

    /// Takes it from one place wherever the manifest names it.
    pub(crate) fn replace_in(&self, manifest: &mut Table) {
        for (key, value) in manifest.iter_mut() {
            let Some(table) = value.as_table_mut() else { continue };
            match key.as_str() {
                "dependencies" | "dev-dependencies" | "build-dependencies" => self.replace_one(table),
                "workspace" => self.replace_in(table),
                "target" => table.iter_mut().filter_map(|(_, of)| of.as_table_mut()).for_each(|of| self.replace_in(of)),
                _ => {}
            }
        }
    }

    fn replace_one(&self, dependencies: &mut Table) {
        let Some(own) = dependencies.get_mut("glasshull") else { return };
        let mut table = own.as_table().cloned().unwrap_or_default();
        if table.get("workspace").and_then(Value::as_bool) == Some(true) {
            return;
        }
        for source in ["version", "path", "git", "branch", "tag", "rev", "registry"] {
            table.remove(source);
        }
        table.extend(self.glasshull.clone());
        *own = Value::Table(table);
    }

    /// Adds what instrumented code refers to. A package that has the SDK already keeps the features it asked for.
    pub(crate) fn add_to(&self, dependencies: &mut Table) {
        dependencies.entry("glasshull").or_insert_with(|| Value::Table(self.glasshull.clone()));
        let start = Table::from_iter([("path".into(), text(&self.start))]);
        dependencies.insert("glasshull-start".into(), Value::Table(start));
    }
}

fn checked(path: &Path) -> Result<PathBuf, String> {
    let wrong = |why: String| format!("--sdk-path: {} is not the folder of the crate glasshull: {why}", path.display());
    let path = path.canonicalize().map_err(|error| wrong(error.to_string()))?;
    let manifest =
        std::fs::read_to_string(path.join("Cargo.toml")).map_err(|_| wrong("it has no Cargo.toml".into()))?;
    let table: Table = manifest.parse().unwrap_or_default();
    let name = table.get("package").and_then(|package| package.get("name")).and_then(Value::as_str);
    if name == Some("glasshull") { Ok(path) } else { Err(wrong("its Cargo.toml is of another package".into())) }
}

fn text(path: &Path) -> Value {
    Value::from(path.to_string_lossy().into_owned())
}
