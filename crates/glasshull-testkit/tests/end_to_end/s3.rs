//! A server that speaks S3, on a free port: `s3s-fs`, which others have made. `cargo xtask test` installs it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::hub_process::{eventually, free_address, target};

const KEY: &str = "AKIAGLASSHULL";
pub(crate) const SECRET: &str = "the-secret-of-the-bucket";
const BUCKET: &str = "hull";

/// A bucket, for as long as this lives.
pub(crate) struct Bucket {
    address: SocketAddr,
    folder: TempDir,
    server: Option<Child>,
}

impl Bucket {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::create_dir(folder.path().join(BUCKET)).expect("a bucket");
        let mut bucket = Self { address: free_address(), folder, server: None };
        bucket.goes_on();
        bucket
    }

    /// The server is there, or there again.
    pub(crate) fn goes_on(&mut self) {
        let program = target().join("tools/bin/s3s-fs");
        assert!(program.exists(), "{} is missing: `cargo xtask test` installs it", program.display());
        let (host, port) = (self.address.ip().to_string(), self.address.port().to_string());
        let mut command = Command::new(program);
        command.args(["--host", &host, "--port", &port, "--access-key", KEY, "--secret-key", SECRET]);
        command.arg(self.folder.path()).env("RUST_LOG", "error").stdin(Stdio::null()).stdout(Stdio::null());
        self.server = Some(command.spawn().expect("s3s-fs starts"));
        eventually("the S3 server listens", || std::net::TcpStream::connect(self.address).is_ok());
    }

    /// The server is gone; what it was given is still there.
    pub(crate) fn is_out(&mut self) {
        let mut server = self.server.take().expect("it runs");
        server.kill().expect("it can be killed");
        server.wait().expect("it ends");
    }

    /// What a hub is told of it.
    pub(crate) fn variables(&self) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_ENDPOINT_URL", format!("http://{}", self.address)),
            ("AWS_ALLOW_HTTP", "true".into()),
            ("AWS_ACCESS_KEY_ID", KEY.into()),
            ("AWS_SECRET_ACCESS_KEY", SECRET.into()),
            ("AWS_REGION", "eu-central-1".into()),
        ]
    }

    /// Where a hub may put its objects.
    pub(crate) fn url(&self, prefix: &str) -> String {
        format!("s3://{BUCKET}/{prefix}")
    }

    /// The objects whose names begin so, in order.
    pub(crate) fn objects(&self, prefix: &str) -> Vec<String> {
        let root = self.folder.path().join(BUCKET);
        let mut files = Vec::new();
        find_files(&root, &mut files);
        let names = files.iter().filter_map(|file| file.strip_prefix(&root).ok()?.to_str().map(str::to_owned));
        let mut names: Vec<String> = names.filter(|name| name.starts_with(prefix)).collect();
        names.sort();
        names
    }
}

impl Drop for Bucket {
    fn drop(&mut self) {
        if self.server.is_some() {
            self.is_out();
        }
    }
}

fn find_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => find_files(&entry.path(), files),
            _ => files.push(entry.path()),
        }
    }
}
