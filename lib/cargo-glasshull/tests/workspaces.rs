//! Whole workspaces, instrumented, then built, run and tested, with a hub that captures what they do.
#![cfg(target_os = "linux")]

#[path = "../../glasshull/tests/hub/mod.rs"]
mod hub;
mod workspace;

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt as _;

use glasshull_wire::v1::Outcome;
use hub::{Call, TestHub, probe};
use workspace::{Ended, Workspace, end, write};

/// A hub that wants every function.
fn greedy_hub() -> TestHub {
    let hub = TestHub::start();
    hub.first_probes(vec![probe("*")]);
    hub
}

/// How many tests passed and failed, of all that ran.
fn tests(ended: &Ended) -> (u32, u32) {
    let lines = ended.stdout.lines().filter_map(|line| line.split_once("test result: ")?.1.split_once(". "));
    lines.fold((0, 0), |(passed, failed), (_, counts)| {
        let before =
            |what: &str| counts.split_once(what).unwrap().0.rsplit(' ').next().unwrap().parse::<u32>().unwrap();
        (passed + before(" passed"), failed + before(" failed"))
    })
}

fn functions(calls: &[Call]) -> BTreeSet<&str> {
    calls.iter().map(|call| call.function.as_str()).collect()
}

#[track_caller]
fn one<'a>(calls: &'a [Call], function: &str) -> &'a Call {
    let all: Vec<&Call> = calls.iter().filter(|call| call.function == function).collect();
    assert_eq!(all.len(), 1, "{function} among {:?}", functions(calls));
    all[0]
}

/// 100 functions and as many tests, of the edition of 2015, with `forbid(unsafe_code)`, generics and closures.
#[test]
fn a_published_crate_passes_its_own_tests_while_all_its_functions_are_captured() {
    let workspace = Workspace::published("strsim", "0.11.1");
    let untouched = end(&mut workspace.cargo(&["test"]));
    let source = workspace.files();
    let hub = greedy_hub();
    let instrumented = end(&mut workspace.captured(&hub, "test", &["--list-skipped"]));
    assert_eq!(instrumented.code, Some(0));
    assert_eq!(tests(&instrumented), tests(&untouched));
    assert!(tests(&instrumented).0 > 100, "{:?}", tests(&instrumented));
    assert!(instrumented.stderr.contains("\nsrc/lib.rs:38: strsim::StrSimError::fmt: run by capturing itself\n"));
    assert!(instrumented.stderr.contains("\nGlasshull: 29 functions instrumented, 1 passed over"));
    assert_eq!(workspace.files(), source);
    let calls = hub.state().ended();
    let names = functions(&calls);
    for function in
        ["levenshtein", "generic_hamming", "jaro_winkler", "sorensen_dice", "normalized_damerau_levenshtein"]
    {
        assert!(names.contains(format!("strsim::{function}").as_str()), "{function} among {names:?}");
    }
    let hamming = calls.iter().find(|call| call.function == "strsim::hamming" && call.args.contains("hammers"));
    assert_eq!(hamming.unwrap().returned.as_deref(), Some("3"));
    let failed = calls.iter().find(|call| call.outcome == Outcome::Error).unwrap();
    assert_eq!(
        (failed.function.as_str(), failed.thread.as_str()),
        ("strsim::generic_hamming", "tests::hamming_unequal_length")
    );
}

/// It asks for other parts of the language: no standard library, unsafe code, memory it manages itself.
#[test]
fn another_published_crate_passes_too() {
    let workspace = Workspace::published("semver", "1.0.28");
    let mut manifest: toml::Table = workspace.read("Cargo.toml").parse().unwrap();
    // What only its benches need.
    manifest.remove("bench");
    manifest.remove("target");
    write(&workspace.path("Cargo.toml"), &manifest.to_string());
    let untouched = end(&mut workspace.cargo(&["test", "--tests"]));
    let hub = greedy_hub();
    let instrumented = end(&mut workspace.captured(&hub, "test", &["--tests"]));
    assert_eq!((instrumented.code, tests(&instrumented)), (Some(0), tests(&untouched)));
    assert!(tests(&instrumented).0 > 30, "{:?}", tests(&instrumented));
    let calls = hub.state().ended();
    for function in ["semver::Version::parse", "semver::VersionReq::matches", "semver::parse::numeric_identifier"] {
        assert!(functions(&calls).contains(function), "{function} among {:?}", functions(&calls));
    }
}

const ARGUMENTS: [&str; 8] = ["-p", "app", "--features", "extra", "--", "a", "b c", "--release"];

#[test]
fn a_program_that_knows_nothing_of_glasshull_does_the_same_and_is_captured() {
    let workspace = Workspace::harbour();
    let untouched = end(&mut workspace.cargo(&[["run"].as_slice(), &ARGUMENTS[..4]].concat()));
    let source = workspace.files();
    let hub = greedy_hub();
    let instrumented = end(&mut workspace.captured(&hub, "run", &ARGUMENTS));
    assert_eq!(workspace.files(), source);
    let with_arguments = untouched.stdout.replacen("[]", "[\"a\", \"b c\", \"--release\"]", 1);
    assert_eq!((instrumented.code, instrumented.stdout), (untouched.code, with_arguments));
    let calls = hub.state().ended();
    let moor = one(&calls, "app::berth::Berth::moor");
    assert_eq!((moor.args.as_str(), moor.returned.as_deref()), (MOORED, Some("\"north1 north2 north3\"")));
    assert_eq!(calls.iter().filter(|call| call.parent_id == Some(moor.call_id)).count(), 3);
    assert_eq!(one(&calls, "app::inner").parent_id, Some(one(&calls, "app::fails").call_id));
    let sunk = one(&calls, "app::sinks");
    assert_eq!(sunk.outcome, Outcome::Panicked);
    assert!(sunk.error.as_ref().unwrap().contains("app/src/main.rs:47"), "{sunk:?}");
    for function in ["app::piece", "app::extra::extra", "app::tide::height", "app::doubled", "old::speed::factor"] {
        one(&calls, function);
    }
}

const MOORED: &str = r#"{"self":{"$glasshull":"opaque: &app::berth::Berth<'_>"},"ships":3}"#;

#[test]
fn functions_are_known_by_the_lines_that_people_see() {
    let workspace = Workspace::harbour();
    let hub = greedy_hub();
    end(&mut workspace.captured(&hub, "run", &ARGUMENTS));
    let functions: BTreeMap<String, (String, u32)> = {
        let state = hub.state();
        let functions = state.functions.values();
        functions.map(|function| (function.path.clone(), (function.file.clone(), function.line))).collect()
    };
    assert!(functions.len() >= 18, "{functions:?}");
    for (path, (file, line)) in functions {
        let text = workspace.read(&file);
        let line = text.lines().nth(line as usize - 1).unwrap();
        let name = path.rsplit("::").next().unwrap();
        assert!(line.contains(&format!("fn {name}")), "{path} at {line:?}");
    }
}

#[test]
fn what_was_passed_over_is_listed_with_its_reason() {
    let workspace = Workspace::harbour();
    let built = end(&mut workspace.glasshull("build", &["--list-skipped", "--features", "app/extra"]));
    assert_eq!(built.code, Some(0));
    let listed: Vec<&str> = built.stderr.lines().filter(|line| line.contains(".rs:") && line.contains(": ")).collect();
    let not_understood = listed.iter().position(|line| line.starts_with("old/src/words.rs")).unwrap();
    assert!(listed[not_understood].contains("old::words::*: in a file that is not understood (expected"));
    let same = "app/src/main.rs:35: app::same: that would not compile with the attribute (";
    assert!(listed.iter().any(|line| line.starts_with(same)), "{listed:#?}");
    let others: Vec<&str> =
        listed.iter().filter(|line| !line.starts_with(same) && !line.starts_with("old/")).copied().collect();
    assert_eq!(others, PASSED_OVER);
}

const PASSED_OVER: [&str; 7] = [
    "app/build.rs:3: build_script_build::main: of a build script",
    "app/build.rs:9: build_script_build::code: of a build script",
    "app/src/main.rs:17: app::built::*: in a file that is made by the build",
    "app/src/main.rs:22: app::$: inside a macro",
    "app/src/main.rs:29: app::fixed: const fn",
    "made/src/lib.rs:4: made::made_up: of a procedural macro",
    "made/src/lib.rs:8: made::tokens: of a procedural macro",
];

#[test]
fn tests_of_all_kinds_pass_with_arguments_for_cargo_and_for_them() {
    let workspace = Workspace::harbour();
    let all = end(&mut workspace.glasshull("test", &[]));
    assert_eq!((all.code, tests(&all)), (Some(0), (5, 0)));
    assert!(all.stdout.contains("old/src/lib.rs - knots (line 12) ... ok"));
    let hub = greedy_hub();
    let one = end(&mut workspace.captured(&hub, "test", &["-p", "app", "--", "ships"]));
    assert_eq!((one.code, tests(&one)), (Some(0), (1, 0)));
    assert!(functions(&hub.state().ended()).contains("app::berth::Berth::moor"));
    let docs = end(&mut workspace.glasshull("test", &["--doc", "-p", "strict"]));
    assert_eq!((docs.code, tests(&docs)), (Some(0), (1, 0)));
}

#[test]
fn only_functions_that_were_asked_for_are_instrumented() {
    let workspace = Workspace::harbour();
    let hub = greedy_hub();
    let arguments = [["--functions", "app::berth::*", "--except", "Berth::one"].as_slice(), &ARGUMENTS].concat();
    let run = end(&mut workspace.captured(&hub, "run", &arguments));
    assert_eq!(run.code, Some(3));
    let calls = hub.state().ended();
    let names: Vec<&str> = functions(&calls).into_iter().collect();
    assert_eq!(names, ["app::berth::Berth::moor", "app::berth::Berth::new"]);
}

const AWARE: &str = r#"
fn main() {
    let guard = glasshull::init();
    guard.wait_for_probes(std::time::Duration::from_secs(20));
    println!("{} {}", own(2), old::knots(3));
}

#[glasshull::trace(name = "renamed")]
fn own(value: u32) -> u32 { value * 2 }
"#;

/// By a path that is not the one under which we know it: two SDKs in one program would not know of each other.
#[test]
fn a_program_that_has_glasshull_already_gets_no_second_one() {
    let workspace = Workspace::harbour();
    std::os::unix::fs::symlink(workspace::here().join("../.."), workspace.path("../checkout")).unwrap();
    let manifest = "[package]\nname = \"aware\"\nedition = \"2024\"\n\
                    [dependencies]\nglasshull = { path = \"../../checkout/lib/glasshull\", features = [\"testing\"] }\nold = { path = \"../old\" }\n";
    write(&workspace.path("aware/Cargo.toml"), manifest);
    write(&workspace.path("aware/src/main.rs"), AWARE);
    workspace.change("Cargo.toml", "[\"app\"", "[\"app\", \"aware\"");
    let hub = greedy_hub();
    let run = end(&mut workspace.captured(&hub, "run", &["-p", "aware"]));
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), "4 6\n"));
    let calls = hub.state().ended();
    let names: Vec<&str> = functions(&calls).into_iter().collect();
    assert_eq!(names, ["aware::renamed", "old::knots", "old::speed::factor"]);
}

#[test]
fn a_file_that_a_manifest_names_from_elsewhere_in_the_workspace_is_instrumented() {
    let workspace = Workspace::harbour();
    let hub = greedy_hub();
    let run = end(&mut workspace.captured(&hub, "run", &["--manifest-path", "strict/Cargo.toml"]));
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), "7\n"));
    assert_eq!(one(&hub.state().ended(), "beside::beside").returned.as_deref(), Some("7"));
}

/// Whether cargo says that it built a package.
fn built(ended: &Ended, package: &str) -> bool {
    ended.stderr.contains(&format!("Compiling {package} v"))
}

#[test]
fn ordinary_builds_and_instrumented_ones_leave_each_other_alone_and_build_only_what_changed() {
    let workspace = Workspace::harbour();
    let run = |workspace: &Workspace| end(&mut workspace.glasshull("run", &["-p", "app"]));
    let ordinary = |workspace: &Workspace| end(&mut workspace.cargo(&["build"]));
    run(&workspace);
    ordinary(&workspace);
    let (second, ordinary_again) = (run(&workspace), ordinary(&workspace));
    for package in ["app", "old", "strict", "outside", "made", "glasshull"] {
        assert!(!built(&second, package) && !built(&ordinary_again, package), "{package}");
    }
    workspace.change("app/src/berth.rs", "{ship}", "-{ship}");
    let changed = run(&workspace);
    assert!(changed.stdout.contains("north-1 north-2"));
    assert!(built(&changed, "app") && !built(&changed, "old") && !built(&changed, "strict"));
    workspace.change("app/src/main.rs", "{ panic!(\"sunk\") }", "{\n    panic!(\"sunk again\")\n}");
    let changed = run(&workspace);
    assert!(changed.stdout.contains("panicked at app/src/main.rs:48:5:\nsunk again"));
    assert!(built(&ordinary(&workspace), "app"));
}

#[test]
fn errors_are_those_of_the_source_people_edit() {
    let workspace = Workspace::harbour();
    workspace.change("app/src/berth.rs", "format!(\"{}{ship}\", self.name)", "self.nome");
    let broken = end(&mut workspace.glasshull("build", &["-p", "app"]));
    assert_eq!(broken.code, Some(101));
    assert!(broken.stderr.contains("error[E0609]: no field `nome`"));
    assert!(broken.stderr.contains("--> app/src/berth.rs:15:14"));
    assert!(!broken.stderr.contains("glasshull::trace"));
    workspace.change("app/src/berth.rs", "self.nome", "self.name.into()");
    assert_eq!(end(&mut workspace.glasshull("build", &["-p", "app"])).code, Some(0));
    workspace.change("app/src/berth.rs", "pub struct", "pub strukt");
    let broken = end(&mut workspace.glasshull("build", &["-p", "app"]));
    assert_eq!(broken.code, Some(101));
    assert!(broken.stderr.contains("--> app/src/berth.rs:1:5"));
}

#[test]
fn what_cannot_be_done_is_told_in_a_sentence() {
    let workspace = Workspace::harbour();
    let says = |arguments: &[&str], code: i32, says: &str| {
        let ended = end(&mut workspace.glasshull(arguments[0], &arguments[1..]));
        assert_eq!(ended.code, Some(code), "{arguments:?}");
        assert!(ended.stderr.contains(says), "{arguments:?}: {}", ended.stderr);
        assert!(ended.stderr.trim().lines().count() <= 2, "{}", ended.stderr);
    };
    says(&["deploy"], 2, "`deploy` is none of build, run, test");
    says(&["build", "--functions", "a b"], 2, "`a b` is no pattern");
    says(&["build", "--manifest-path", "missing/Cargo.toml"], 1, "missing/Cargo.toml` does not exist");
    says(&["build", "--sdk-path", "app"], 1, "--sdk-path: app is not the folder of the crate glasshull");
    workspace.change("Cargo.toml", "[\"app\"", "[\"../outside\", \"app\"");
    workspace.change("../outside/Cargo.toml", "[workspace]\n\n[package]", "[package]\nworkspace = \"../harbour\"");
    says(&["build"], 1, "a folder/outside is a member of the workspace, and lies outside of its folder");
}

#[test]
fn a_wrapper_that_somebody_else_asked_for_is_called_too() {
    let workspace = Workspace::harbour();
    let (wrapper, log) = (workspace.path("wrapper.sh"), workspace.path("log"));
    write(&wrapper, &format!("#!/bin/sh\necho \"$@\" >> '{}'\nexec \"$@\"\n", log.display()));
    std::fs::set_permissions(&wrapper, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = workspace.glasshull("run", &["-p", "app"]);
    workspace.change("app/src/berth.rs", "{ship}", "+{ship}");
    let run = end(command.env("RUSTC_WORKSPACE_WRAPPER", &wrapper));
    assert!(run.stdout.contains("north+1"));
    assert!(std::fs::read_to_string(log).unwrap().contains("--crate-name app "));
}
