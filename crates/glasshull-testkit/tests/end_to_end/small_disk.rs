//! A real filesystem that can be made really full.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// What the test's ballast is written in: a page, so that no file can be made longer afterwards.
const BALLAST_BYTES: usize = 4_096;

/// A filesystem in memory, in a mount namespace that lives as long as this value. It takes no privilege where the
/// kernel lets everybody make namespaces of their own.
pub(crate) struct SmallDisk {
    /// Where it lies, for those who entered the namespace.
    folder: TempDir,
    /// Keeps the namespace; ends when its input does, also where the test is killed.
    keeper: Child,
    enters: &'static [&'static str],
}

impl SmallDisk {
    /// A disk of so many bytes.
    pub(crate) fn new(bytes: usize) -> Self {
        const AS_ANYBODY: (&[&str], &[&str]) =
            (&["--map-root-user", "--mount"], &["--preserve-credentials", "--user", "--mount"]);
        const AS_ROOT: (&[&str], &[&str]) = (&["--mount"], &["--mount"]);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let found = [AS_ANYBODY, AS_ROOT].into_iter().find_map(|(makes, enters)| {
            let keeper = keep(makes, folder.path(), bytes)?;
            Some((keeper, enters))
        });
        let (keeper, enters) = found.expect(
            "this machine lets nobody mount a filesystem in a namespace of his own, so that what a hub does on a full \
             disk cannot be tried: allow user namespaces (sysctl kernel.unprivileged_userns_clone=1 or \
             kernel.apparmor_restrict_unprivileged_userns=0), or run the tests as root",
        );
        Self { folder, keeper, enters }
    }

    /// Where it lies, for what [`Self::command`] runs.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A program that sees the disk. It becomes the program's process: whoever kills one kills the other.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.keeper.id().to_string()]).args(self.enters).arg("--").arg(program);
        command
    }

    /// Fills it to the last byte.
    pub(crate) fn fill(&self) {
        let mut ballast = File::create(self.ballast()).expect("the ballast");
        loop {
            match ballast.write_all(&[7; BALLAST_BYTES]) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => return,
                Err(error) => panic!("the disk cannot be filled: {error}"),
            }
        }
    }

    /// Makes room again.
    pub(crate) fn free(&self) {
        fs::remove_file(self.ballast()).expect("the ballast can go");
    }

    /// Every file and folder with its content but the ballast, in order.
    pub(crate) fn content(&self) -> Vec<(PathBuf, Option<Vec<u8>>)> {
        let mut content = Vec::new();
        let mut folders = vec![self.seen_from_here()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                let bytes = if path.is_dir() { None } else { Some(fs::read(&path).expect("a file")) };
                folders.extend(path.is_dir().then(|| path.clone()));
                content.push((path, bytes));
            }
        }
        content.retain(|(path, _)| *path != self.ballast());
        content.sort();
        content
    }

    fn ballast(&self) -> PathBuf {
        self.seen_from_here().join("ballast")
    }

    fn seen_from_here(&self) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.keeper.id()));
        root.join(self.path().strip_prefix("/").expect("an absolute path"))
    }
}

/// Mounts a disk in a new namespace; `None` where this is not allowed.
fn keep(makes: &[&str], at: &Path, bytes: usize) -> Option<Child> {
    let script = format!("mount -t tmpfs -o size={bytes} tmpfs \"$0\" && echo mounted && exec cat");
    let mut unshare = Command::new("unshare");
    unshare.args(makes).args(["sh", "-c", &script]).arg(at);
    let mut keeper = unshare.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().ok()?;
    let mut line = String::new();
    // It ends, or says so.
    BufReader::new(keeper.stdout.take()?).read_line(&mut line).ok()?;
    if line == "mounted\n" {
        return Some(keeper);
    }
    let _ = keeper.wait();
    None
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = self.keeper.kill();
        let _ = self.keeper.wait();
    }
}
