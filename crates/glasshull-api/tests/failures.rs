//! Whoever meets a code finds a page about it.

use std::collections::BTreeSet;
use std::path::Path;

use glasshull_api::Code;

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/failures")
}

fn page(code: Code) -> String {
    let path = folder().join(format!("{}.md", code.text()));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn every_code_has_a_page_that_says_what_it_means_and_what_to_do() {
    for &code in Code::ALL {
        let page = page(code);
        assert!(page.starts_with(&format!("# {}: ", code.text())), "{code:?}: {page}");
        let (means, does) =
            page.split_once("\n## What to do\n").unwrap_or_else(|| panic!("{code:?} says not what to do"));
        assert!(means.lines().count() > 2 && does.lines().count() > 1, "{code:?} says too little");
    }
}

#[test]
fn the_list_of_failures_names_them_all() {
    let list = std::fs::read_to_string(folder().join("README.md")).expect("the list");
    for &code in Code::ALL {
        assert!(list.contains(&format!("[{0}]({0}.md)", code.text())), "{code:?} is not listed");
    }
}

#[test]
fn codes_are_told_apart() {
    let texts: BTreeSet<&str> = Code::ALL.iter().map(|code| code.text()).collect();
    assert_eq!(texts.len(), Code::ALL.len());
    for text in texts {
        assert!(text.len() == 6 && text.starts_with("GH"), "{text}");
    }
}
