//! What the documents tell people to type, typed.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::hub_process::{HubProcess, eventually, program};
use crate::shop_process::ShopProcess;

/// The fenced blocks of a language in a document, each with the heading above it. Comments of Rust code are read too.
fn blocks(path: &str, language: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let text = fs::read_to_string(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    let (mut heading, mut open, mut found) = (String::new(), None, Vec::new());
    for line in
        text.lines().map(|line| line.strip_prefix("//!").map_or(line, |doc| doc.strip_prefix(' ').unwrap_or(doc)))
    {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(named)) => open = Some((named.to_owned(), String::new())),
            (Some(_), Some(_)) => found.extend(open.take().map(|(named, block)| (named, heading.clone(), block))),
            (Some((_, block)), None) => *block = format!("{block}{line}\n"),
            (None, None) if line.starts_with('#') => heading = line.to_owned(),
            (None, None) => {}
        }
    }
    found.into_iter().filter(|(named, ..)| named == language).map(|(_, heading, block)| (heading, block)).collect()
}

/// The statements in a document, each with the heading above it.
pub(crate) fn statements(path: &str) -> Vec<(String, String)> {
    blocks(path, "sql").into_iter().map(|(heading, block)| (heading, block.trim().to_owned())).collect()
}

/// The lines of README's shell blocks that call `glasshull` and come to an end.
fn commands() -> Vec<String> {
    let blocks = blocks("README.md", "sh").into_iter().map(|(_, block)| block.replace("\\\n", " "));
    let lines = blocks.flat_map(|block| block.lines().map(String::from).collect::<Vec<_>>());
    lines.filter(|line| line.starts_with("glasshull ") && !line.starts_with("glasshull up")).collect()
}

#[test]
fn the_commands_of_the_readme_work() {
    let hub = HubProcess::start();
    let _shop = ShopProcess::start(&hub.url());
    eventually("the shop's functions are known", || hub.get("status")["instances"] == 5);
    hub.statement("TRACE *::place, *::price FOR 10m");
    let mut calls = Vec::new();
    eventually("a call arrives", || {
        calls = hub.rows("SELECT call_id FROM calls LIMIT 1");
        !calls.is_empty()
    });
    for command in commands() {
        // In the document an id stands for one the reader has before them.
        let typed = command.replace(" ID", &format!(" {}", calls[0][0].as_str().expect("an id")));
        assert_works(&hub, &typed);
    }
}

fn assert_works(hub: &HubProcess, command: &str) {
    let endless = command.starts_with("glasshull tail");
    let folder = program("glasshull").parent().expect("a folder").to_owned();
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap_or_default());
    let limit = if endless { "5" } else { "60" };
    let mut typed = Command::new("timeout");
    typed.args([limit, "sh", "-c", command]).env("PATH", path).env("GLASSHULL_HUB", hub.url()).stdin(Stdio::null());
    let output = typed.output().expect("a shell");
    let ended = output.status.success() || (endless && output.status.code() == Some(124));
    assert!(ended, "{command}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_statements_of_the_documents_are_statements() {
    let hub = HubProcess::start();
    for document in ["README.md", "examples/shop/src/main.rs"] {
        for (heading, statement) in statements(document) {
            let answer = hub.try_statement(&statement);
            // An example's id belongs to no call here.
            let unknown = answer.as_ref().err().is_some_and(|failure| failure["error"]["code"] == "GH2007");
            assert!(answer.is_ok() || unknown, "{document}, {heading}: {statement}\n{answer:?}");
        }
    }
}
