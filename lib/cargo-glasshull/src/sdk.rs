//! Where the shadow's packages get the SDK from.

use std::io;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

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

impl Sdk {
    /// Lays the crate `glasshull-start` into the folder.
    pub(crate) fn install(folder: &Path, path: Option<&Path>) -> Result<Self, String> {
        let glasshull = match path.or_else(|| Some(Path::new(BESIDE)).filter(|path| path.join("Cargo.toml").is_file()))
        {
            Some(path) => Table::from_iter([("path".into(), text(&checked(path)?))]),
            None => Table::from_iter([("version".into(), Value::from(concat!("=", env!("CARGO_PKG_VERSION"))))]),
        };
        let sdk = Self { glasshull, start: folder.join("start") };
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

    /// Adds what instrumented code refers to. A package that has the SDK already keeps it as it asked for it.
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
