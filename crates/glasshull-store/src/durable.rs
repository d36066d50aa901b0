//! Bytes and names that survive a power cut. A file that was synced is lost all the same where its folder was not synced
//! since it got its name there.

use std::fs::{self, File};
use std::io;
use std::path::Path;

/// Syncs a file, or a folder with the names in it.
pub(crate) fn sync(path: &Path) -> io::Result<()> {
    let file = File::open(path)?;
    file.sync_all()?;
    noted::synced(path, &file)
}

/// Syncs what a file holds and how long it is; times are left out.
pub(crate) fn sync_data(file: &File) -> io::Result<()> {
    file.sync_data()?;
    noted::synced(Path::new(""), file)
}

/// Makes a folder and those above it, all of which are there after a power cut.
pub(crate) fn create_dir_all(path: &Path) -> io::Result<()> {
    let missing: Vec<&Path> = path.ancestors().take_while(|folder| !folder.exists()).collect();
    fs::create_dir_all(path)?;
    missing.iter().filter_map(|folder| folder.parent()).try_for_each(|parent| {
        match sync(if parent.as_os_str().is_empty() { Path::new(".") } else { parent }) {
            // Where one may make a folder and not look into the one it is in, nobody can do more.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
            synced => synced,
        }
    })
}

#[cfg(not(test))]
mod noted {
    use super::{File, Path, io};

    pub(super) fn synced(_: &Path, _: &File) -> io::Result<()> {
        Ok(())
    }
}

/// What a power cut would leave: tests cannot cut it.
#[cfg(test)]
pub(crate) mod noted {
    use std::collections::{BTreeMap, BTreeSet, HashMap};
    use std::ffi::OsString;
    use std::os::unix::fs::MetadataExt;
    use std::path::PathBuf;
    use std::sync::{LazyLock, Mutex};

    use super::{File, Path, fs, io};

    /// Of each file the bytes, of each folder the names that were synced, by device and inode.
    static SYNCED: LazyLock<Mutex<HashMap<(u64, u64), Synced>>> = LazyLock::new(Mutex::default);

    #[derive(Clone)]
    enum Synced {
        File(u64),
        Folder(BTreeSet<OsString>),
    }

    fn key(metadata: &fs::Metadata) -> (u64, u64) {
        (metadata.dev(), metadata.ino())
    }

    pub(super) fn synced(path: &Path, file: &File) -> io::Result<()> {
        let metadata = file.metadata()?;
        let what = if metadata.is_dir() {
            Synced::Folder(fs::read_dir(path)?.map(|entry| Ok(entry?.file_name())).collect::<io::Result<_>>()?)
        } else {
            Synced::File(metadata.len())
        };
        SYNCED.lock().unwrap().insert(key(&metadata), what);
        Ok(())
    }

    /// The files below a folder that a power cut would leave there, each with what it would hold.
    pub(crate) fn left_in(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut left = BTreeMap::new();
        let synced = SYNCED.lock().unwrap().get(&key(&fs::metadata(folder).unwrap())).cloned();
        let Some(Synced::Folder(names)) = synced else { return left };
        for path in names.iter().map(|name| folder.join(name)).filter(|path| path.exists()) {
            if path.is_dir() {
                left.extend(left_in(&path));
                continue;
            }
            let synced = SYNCED.lock().unwrap().get(&key(&fs::metadata(&path).unwrap())).cloned();
            let bytes = if let Some(Synced::File(bytes)) = synced { bytes } else { 0 };
            let mut content = fs::read(&path).unwrap();
            content.truncate(bytes as usize);
            left.insert(path, content);
        }
        left
    }
}
