//! Whole programs that are built otherwise than this test: with `panic = "abort"`, with two versions of the SDK, and in the edition
//! of 2015.
#![cfg(target_os = "linux")]

mod hub;

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use glasshull_wire::v1::Outcome;
use hub::{TestHub, probe};

/// How long a program may run.
const LONGEST_RUN: Duration = Duration::from_secs(60);

const THIS: &str = env!("CARGO_PKG_VERSION");
const OTHER: &str = "0.0.1";

const WORKSPACE: &str = r#"
[workspace]
members = ["aborts", "both", "older"]
resolver = "3"
[profile.dev]
debug = false
[profile.aborts]
inherits = "dev"
panic = "abort"
"#;

/// The programs' sources and manifests, made anew; what was built of them before is used again.
fn workspace() -> PathBuf {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("programs");
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    // Not below the other folder: it is a workspace of its own.
    let other = Path::new(env!("CARGO_TARGET_TMPDIR")).join("other-version");
    let _ = fs::remove_dir_all(&other);
    copy_other_version(here, &other);
    fs::create_dir_all(&root).unwrap();
    fs::write(root.join("Cargo.toml"), WORKSPACE).unwrap();
    // The versions that are here already: nothing is fetched.
    let _ = fs::copy(here.join("../../Cargo.lock"), root.join("Cargo.lock"));
    let this = format!("glasshull = {{ path = {here:?} }}\n");
    let other = format!("glasshull = {{ path = {:?} }}\n", other.join("lib/glasshull"));
    package(&root, "aborts", 2024, "main", &this);
    package(&root, "both", 2024, "main", &format!("{this}older = {{ path = \"../older\" }}\n"));
    package(&root, "older", 2015, "lib", &other);
    root
}

fn package(root: &Path, name: &str, edition: u32, target: &str, dependencies: &str) {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/programs/{name}.rs"));
    let target = if target == "lib" { "[lib]".to_owned() } else { format!("[[bin]]\nname = {name:?}") };
    let manifest = format!(
        "[package]\nname = {name:?}\nversion = \"0.0.0\"\nedition = \"{edition}\"\n{target}\npath = {source:?}\n[dependencies]\n{dependencies}"
    );
    fs::create_dir_all(root.join(name)).unwrap();
    fs::write(root.join(name).join("Cargo.toml"), manifest).unwrap();
}

/// The SDK's crates with another version number, which is also in the name of the list of sites.
fn copy_other_version(here: &Path, to: &Path) {
    let workspace = fs::read_to_string(here.join("../../Cargo.toml")).unwrap();
    let members = workspace.lines().filter(|line| !line.starts_with("default-members"));
    let manifest: Vec<&str> =
        members.map(|line| if line.starts_with("members") { "members = [\"lib/*\"]" } else { line }).collect();
    fs::create_dir_all(to).unwrap();
    fs::write(to.join("Cargo.toml"), manifest.join("\n").replace(THIS, OTHER)).unwrap();
    for name in ["glasshull", "glasshull-macros", "glasshull-wire"] {
        copy(&here.join("..").join(name), &to.join("lib").join(name));
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        match entry.path() {
            folder if folder.is_dir() => copy(&folder, &to),
            file => match fs::read_to_string(&file) {
                Ok(text) => {
                    let underscored = |version: &str| version.replace('.', "_");
                    let text = text.replace(THIS, OTHER).replace(&underscored(THIS), &underscored(OTHER));
                    fs::write(to, text).unwrap();
                }
                Err(_) => drop(fs::copy(&file, to).unwrap()),
            },
        }
    }
}

/// Builds a program, with this test's own cargo and without the network.
fn built(profile: &str, name: &str) -> PathBuf {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    let root = ROOT.get_or_init(workspace);
    let target = root.join("target");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .current_dir(root)
        .args(["build", "--offline", "--quiet", "--profile", profile, "--package", name])
        .env("CARGO_TARGET_DIR", &target)
        .env_remove("RUSTFLAGS")
        .output()
        .unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let folder = if profile == "dev" { "debug" } else { profile };
    target.join(folder).join(name)
}

fn run(program: &Path, arguments: &[&str], hub: Option<&TestHub>) -> Output {
    let mut command = Command::new(program);
    command.args(arguments).env("GLASSHULL_SERVICE", "program").stdout(Stdio::null()).stderr(Stdio::piped());
    if let Some(hub) = hub {
        command.env("GLASSHULL_HUB", hub.url());
    }
    let mut child = command.spawn().unwrap();
    let deadline = Instant::now() + LONGEST_RUN;
    while child.try_wait().unwrap().is_none() {
        if Instant::now() > deadline {
            child.kill().unwrap();
            panic!("{} does not end", program.display());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    child.wait_with_output().unwrap()
}

fn new_hub() -> TestHub {
    let hub = TestHub::start();
    hub.first_probes(vec![probe("*")]);
    hub
}

#[test]
fn where_panics_abort_values_are_contained_and_a_panic_ends_the_program_as_ever() {
    let program = built("aborts", "aborts");
    let hub = new_hub();
    let ended = run(&program, &[], Some(&hub));
    assert!(ended.status.success(), "{ended:?}");
    let calls = hub.state().ended();
    let takes = calls.iter().find(|call| call.function.ends_with("::takes")).unwrap();
    assert!(takes.args.contains("failed: Debug gave up") && takes.args.contains("on and on"), "{}", takes.args);
    assert_eq!(calls.iter().filter(|call| call.function.ends_with("::works")).count(), 1);

    const SIGABRT: i32 = 6;
    let hub = new_hub();
    let ended = run(&program, &["panics"], Some(&hub));
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.signal(), Some(SIGABRT), "{said}");
    assert_eq!(said.matches("no 7").count(), 1, "{said}");
    assert!(hub.state().ended().iter().any(|call| call.function.ends_with("::works")));
}

#[test]
fn two_versions_in_one_program_do_not_meet() {
    let program = built("dev", "both");
    let (newer, older) = (new_hub(), new_hub());
    let ended = run(&program, &[&newer.url(), &older.url()], None);
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    let functions = |hub: &TestHub| -> Vec<String> {
        hub.state().functions.values().map(|function| function.path.clone()).collect()
    };
    let (of_newer, of_older) = (functions(&newer), functions(&older));
    assert!(of_newer.len() == 3 && of_newer.iter().all(|path| path.starts_with("both::")), "{of_newer:?}");
    assert!(of_older.len() == 3 && of_older.iter().all(|path| path.starts_with("older::")), "{of_older:?}");
    let sdk = |hub: &TestHub| hub.state().hellos[0].instance.clone().unwrap().sdk;
    assert_eq!((sdk(&newer), sdk(&older)), (format!("glasshull-rust {THIS}"), format!("glasshull-rust {OTHER}")));
    let works = |hub: &TestHub| -> Vec<String> {
        let calls = hub.state().ended();
        calls.iter().filter(|call| call.function.ends_with("::works")).map(|call| call.args.clone()).collect()
    };
    assert_eq!(works(&newer), [r#"{"n":5}"#, r#"{"n":1}"#]);
    assert_eq!(works(&older).len(), 4, "works(5), works(1), works(2), works(7)");
    let panicked = newer.state().ended().into_iter().find(|call| call.outcome == Outcome::Panicked).unwrap();
    assert!(panicked.error.unwrap().contains("as usual"));
}
