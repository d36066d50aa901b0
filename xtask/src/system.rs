//! What this machine must have, each said in one sentence where it is missing.

use std::net::TcpListener;
use std::path::Path;

use crate::Outcome;
use crate::run::{command, output, run};

/// The oldest Node that builds the page.
const NODE: (u32, u32) = (20, 19);

/// Node and npm, new enough. Installed where we may: as root on a machine with apt-get.
pub(crate) fn node() -> Outcome {
    if node_version().is_none() {
        // Node from a distribution may still be too old; the check below says so.
        let _ = install(&["nodejs", "npm"]);
    }
    let (major, minor) = NODE;
    match node_version() {
        None => {
            Err(format!("The page needs Node {major}.{minor} or later with npm: install it from https://nodejs.org."))
        }
        Some(version) if version < NODE => Err(format!(
            "The page needs Node {major}.{minor} or later, this is {}.{}: update it from https://nodejs.org.",
            version.0, version.1
        )),
        Some(_) => Ok(()),
    }
}

fn node_version() -> Option<(u32, u32)> {
    output("npm", &["--version"])?;
    parse_node_version(&output("node", &["--version"])?)
}

fn parse_node_version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.trim_start_matches('v').split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

/// A Chromium for the page's tests and pictures: its path. Installed where we may.
pub(crate) fn chromium() -> Outcome<String> {
    let missing =
        "The page's tests need Chromium: install it (`apt-get install chromium`), or set CHROMIUM to its path.";
    find_chromium().or_else(|| install(&["chromium"]).ok().and_then(|()| find_chromium())).ok_or_else(|| missing.into())
}

fn find_chromium() -> Option<String> {
    let set = std::env::var("CHROMIUM").ok().filter(|path| Path::new(path).exists());
    let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    set.or_else(|| names.iter().find_map(|name| output("sh", &["-c", &format!("command -v {name}")])))
}

/// Installs Debian packages, as root only: nobody is asked for a password in the middle of a build.
fn install(packages: &[&str]) -> Outcome {
    if output("id", &["-u"]).as_deref() != Some("0") || output("apt-get", &["--version"]).is_none() {
        return Err(format!("{} cannot be installed from here.", packages.join(" and ")));
    }
    eprintln!("installing {}", packages.join(" and "));
    let apt = |arguments: &[&str]| {
        let mut command = command("apt-get", arguments);
        command.env("DEBIAN_FRONTEND", "noninteractive");
        run(command)
    };
    apt(&["update", "-qq"])?;
    apt(&[&["install", "-y", "-qq", "--no-install-recommends"], packages].concat())
}

/// Nobody else listens on the port.
pub(crate) fn port_is_free(port: u16) -> Outcome {
    match TcpListener::bind(("127.0.0.1", port)) {
        Ok(_) => Ok(()),
        Err(_) => Err(format!("Port {port} is in use: stop what listens there (another demo?) and try again.")),
    }
}

/// At least so many GiB are free where the folder is.
pub(crate) fn disk_space(folder: &Path, gib: u64) -> Outcome {
    let Some(free) = free_bytes(folder) else { return Ok(()) };
    if free >= gib << 30 {
        return Ok(());
    }
    let free = free as f64 / f64::from(1 << 30);
    Err(format!(
        "{free:.1} GiB are free where {} is, the build takes up to {gib}: make room, or point CARGO_TARGET_DIR elsewhere.",
        folder.display()
    ))
}

/// Asks `df`; a machine without it is taken to have room.
fn free_bytes(folder: &Path) -> Option<u64> {
    let existing = folder.ancestors().find(|folder| folder.exists())?;
    let table = output("df", &["-Pk", &existing.to_string_lossy()])?;
    let kib: u64 = table.lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()?;
    Some(kib << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_is_taken_is_told_in_a_sentence() {
        let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = taken.local_addr().expect("its address").port();
        let sentence = port_is_free(port).expect_err("it is taken");
        assert!(sentence.starts_with(&format!("Port {port} is in use: ")), "{sentence}");
    }

    #[test]
    fn a_disk_without_room_is_told_in_a_sentence() {
        let sentence = disk_space(Path::new("."), 1 << 30).expect_err("nobody has an exbibyte");
        assert!(sentence.contains("make room"), "{sentence}");
        assert_eq!(disk_space(Path::new("."), 0), Ok(()));
    }

    #[test]
    fn nodes_version_is_read_as_node_prints_it() {
        assert_eq!(parse_node_version("v20.19.4"), Some((20, 19)));
        assert_eq!(parse_node_version("not found"), None);
    }
}
