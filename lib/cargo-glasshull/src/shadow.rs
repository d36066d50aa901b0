//! The mirror of the workspace: what is changed lies there as a file, everything else is linked.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// Where in Glasshull's folder the shadow lies.
pub(crate) fn source_of(folder: &Path) -> PathBuf {
    folder.join("source")
}

/// What is mirrored.
pub(crate) struct Mirror<'a> {
    pub(crate) root: &'a Path,
    /// Where to.
    pub(crate) shadow: &'a Path,
    /// Files that differ, by their path from the root.
    pub(crate) changed: &'a BTreeMap<PathBuf, Vec<u8>>,
    /// What is not mirrored.
    pub(crate) left_out: &'a [PathBuf],
}

impl Mirror<'_> {
    /// Brings the shadow up to date. What did not change keeps its time, so that cargo builds only what did.
    pub(crate) fn update(&self) -> io::Result<()> {
        let folders: BTreeSet<&Path> = self.changed.keys().flat_map(|path| path.ancestors().skip(1)).collect();
        self.folder(Path::new(""), &folders)
    }

    fn folder(&self, below: &Path, folders: &BTreeSet<&Path>) -> io::Result<()> {
        let (original, shadow) = (self.root.join(below), self.shadow.join(below));
        make_folder(&shadow)?;
        let mut names: BTreeSet<OsString> = BTreeSet::new();
        for entry in fs::read_dir(&original)? {
            let name = entry?.file_name();
            let path = below.join(&name);
            if self.left_out.contains(&self.root.join(&path)) {
                continue;
            }
            if let Some(bytes) = self.changed.get(&path) {
                write(&self.shadow.join(&path), bytes)?;
            } else if folders.contains(path.as_path()) {
                self.folder(&path, folders)?;
            } else {
                link(&self.root.join(&path), &self.shadow.join(&path))?;
            }
            names.insert(name);
        }
        self.remove_all_but(&names, &shadow)
    }

    /// What is gone from the original goes from the shadow, but for cargo's own lock file.
    fn remove_all_but(&self, names: &BTreeSet<OsString>, shadow: &Path) -> io::Result<()> {
        for entry in fs::read_dir(shadow)? {
            let entry = entry?;
            let is_lock = shadow == self.shadow && entry.file_name() == "Cargo.lock";
            if !names.contains(&entry.file_name()) && !is_lock {
                remove(&entry.path())?;
            }
        }
        Ok(())
    }
}

/// Writes the file unless it says so already. It never writes through a link, which would lead to the original.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let is_file = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file());
    if is_file && fs::read(path).is_ok_and(|written| written == bytes) {
        return Ok(());
    }
    remove(path)?;
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, bytes)
}

fn make_folder(path: &Path) -> io::Result<()> {
    if !fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir()) {
        remove(path)?;
        fs::create_dir_all(path)?;
    }
    Ok(())
}

/// Removes a file, a link (not what it leads to) or a folder; it is no error if there is none.
fn remove(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(_) => Ok(()),
    }
}

#[cfg(unix)]
fn link(original: &Path, path: &Path) -> io::Result<()> {
    if fs::read_link(path).is_ok_and(|target| target == original) {
        return Ok(());
    }
    remove(path)?;
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    std::os::unix::fs::symlink(original, path)
}

/// Links need a privilege here: files are copied.
#[cfg(not(unix))]
fn link(original: &Path, path: &Path) -> io::Result<()> {
    if !original.is_dir() {
        return write(path, &fs::read(original)?);
    }
    make_folder(path)?;
    for entry in fs::read_dir(original)? {
        let entry = entry?;
        link(&entry.path(), &path.join(entry.file_name()))?;
    }
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    struct Folders {
        _folder: tempfile::TempDir,
        root: PathBuf,
        shadow: PathBuf,
    }

    fn folders(files: &[&str]) -> Folders {
        let folder = tempfile::tempdir().unwrap();
        let (root, shadow) = (folder.path().join("ws"), folder.path().join("shadow"));
        for file in files {
            write(&root.join(file), b"original").unwrap();
        }
        Folders { _folder: folder, root, shadow }
    }

    fn update(folders: &Folders, changed: &[(&str, &str)]) {
        let changed = changed.iter().map(|(path, text)| (path.into(), text.as_bytes().to_vec())).collect();
        let left_out = [folders.root.join("target")];
        let mirror = Mirror { root: &folders.root, shadow: &folders.shadow, changed: &changed, left_out: &left_out };
        mirror.update().unwrap();
    }

    #[test]
    fn changed_files_are_written_and_the_rest_is_linked() {
        let folders = folders(&["src/lib.rs", "src/text.txt", "tests/data/a.json", "target/x"]);
        update(&folders, &[("src/lib.rs", "changed")]);
        let read = |path: &str| fs::read_to_string(folders.shadow.join(path)).unwrap();
        assert_eq!(read("src/lib.rs"), "changed");
        assert_eq!(read("src/text.txt"), "original");
        assert_eq!(read("tests/data/a.json"), "original");
        assert!(folders.shadow.join("tests").is_symlink());
        assert!(!folders.shadow.join("target").exists());
        assert_eq!(fs::read_to_string(folders.root.join("src/lib.rs")).unwrap(), "original");
    }

    #[test]
    fn a_link_is_never_written_through() {
        let folders = folders(&["src/lib.rs", "tests/a.rs"]);
        update(&folders, &[]);
        assert!(folders.shadow.join("src").is_symlink());
        update(&folders, &[("src/lib.rs", "changed"), ("tests/a.rs", "changed")]);
        update(&folders, &[("src/lib.rs", "changed again")]);
        for file in ["src/lib.rs", "tests/a.rs"] {
            assert_eq!(fs::read_to_string(folders.root.join(file)).unwrap(), "original");
        }
    }

    #[test]
    fn what_is_the_same_keeps_its_time_and_what_is_gone_goes() {
        let folders = folders(&["src/lib.rs", "src/gone.rs"]);
        update(&folders, &[("src/lib.rs", "changed"), ("src/gone.rs", "changed")]);
        write(&folders.shadow.join("Cargo.lock"), b"cargo's").unwrap();
        let past = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
        let file = fs::File::options().write(true).open(folders.shadow.join("src/lib.rs")).unwrap();
        file.set_modified(past).unwrap();
        fs::remove_file(folders.root.join("src/gone.rs")).unwrap();
        update(&folders, &[("src/lib.rs", "changed")]);
        assert_eq!(fs::metadata(folders.shadow.join("src/lib.rs")).unwrap().modified().unwrap(), past);
        assert!(!folders.shadow.join("src/gone.rs").exists());
        assert!(folders.shadow.join("Cargo.lock").exists());
    }
}
