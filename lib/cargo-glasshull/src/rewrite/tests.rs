use quote::ToTokens as _;
use syn::visit_mut::{self, VisitMut};

use super::*;

fn file(text: &str) -> File<'_> {
    File { text, module: "shop::cart", is_program: false, declares_crates: false, blocked: None }
}

#[track_caller]
fn rewritten(text: &str) -> Rewritten {
    rewrite(&file(text), &|_, _| None).unwrap()
}

#[track_caller]
fn check(text: &str, expected: &str) {
    let rewritten = rewritten(text);
    assert_eq!(rewritten.text, expected);
    assert_same_but_for_attributes(text, &rewritten.text);
}

/// The same lines, and the same code once what was inserted is taken out.
#[track_caller]
fn assert_same_but_for_attributes(original: &str, rewritten: &str) {
    assert_eq!(original.lines().count(), rewritten.lines().count());
    let tokens = |text: &str| {
        let mut file = syn::parse_file(text).unwrap();
        Without.visit_file_mut(&mut file);
        file.to_token_stream().to_string()
    };
    assert_eq!(tokens(original), tokens(rewritten));
}

/// Takes out what was inserted.
struct Without;

impl VisitMut for Without {
    fn visit_attributes_mut(&mut self, attributes: &mut Vec<syn::Attribute>) {
        attributes.retain(|attribute| !attribute.path().to_token_stream().to_string().starts_with(":: glasshull"));
    }

    fn visit_block_mut(&mut self, block: &mut syn::Block) {
        block.stmts.retain(|stmt| !stmt.to_token_stream().to_string().starts_with(":: glasshull_start"));
        visit_mut::visit_block_mut(self, block);
    }

    fn visit_file_mut(&mut self, file: &mut syn::File) {
        file.items.retain(|item| !item.to_token_stream().to_string().starts_with("extern crate glasshull"));
        file.items.retain(|item| item.to_token_stream().to_string() != "extern crate core ;");
        visit_mut::visit_file_mut(self, file);
    }
}

fn paths(rewritten: &Rewritten) -> Vec<&str> {
    rewritten.functions.iter().map(|function| function.path.as_str()).collect()
}

fn reasons(rewritten: &Rewritten) -> Vec<(&str, &str)> {
    rewritten.passed_over.iter().map(|function| (function.path.as_str(), function.why.reason)).collect()
}

#[test]
fn the_attribute_goes_to_the_end_of_an_earlier_line_so_that_columns_stay() {
    check(
        "use a::b; // why\n\n// A note.\n#[inline]\npub fn f() {}\nfn g() {}\n",
        "use a::b; #[::glasshull::trace] // why\n\n// A note.\n#[inline]\npub fn f() {} #[::glasshull::trace]\nfn g() {}\n",
    );
}

#[test]
fn what_documents_a_function_stays_below_the_attribute() {
    check("mod a;\n/// Says `fn`.\nfn f() {}", "mod a; #[::glasshull::trace]\n/// Says `fn`.\nfn f() {}");
    check("//! The file.\n\nfn f() {}", "//! The file.\n#[::glasshull::trace] \nfn f() {}");
    check("//! The file.\nfn f() {}", "//! The file.\n#[::glasshull::trace] fn f() {}");
    check("fn f() {}", "#[::glasshull::trace] fn f() {}");
}

#[test]
fn a_method_is_named_with_its_type() {
    let text = "impl<T> Cart<'_, T> {\n    fn add(&self) {}\n    fn r#type() {}\n}\ntrait Buy {\n    fn buy() {}\n}\n";
    let result = rewritten(text);
    assert_eq!(paths(&result), ["shop::cart::Cart::add", "shop::cart::Cart::type", "shop::cart::Buy::buy"]);
    assert!(result.text.contains("impl<T> Cart<'_, T> { #[::glasshull::trace(name = \"Cart::add\")]\n"));
    assert_same_but_for_attributes(text, &result.text);
}

#[test]
fn functions_in_functions_and_modules_are_found() {
    let text = "mod a {\n    fn f() {\n        fn inner() {}\n        let x = 1; fn second() {}\n    }\n}\n";
    let result = rewritten(text);
    assert_eq!(paths(&result), ["shop::cart::a::f", "shop::cart::a::inner", "shop::cart::a::second"]);
    assert_same_but_for_attributes(text, &result.text);
}

#[test]
fn what_cannot_be_instrumented_is_told_with_its_reason() {
    let text = r#"
const fn constant() {}
unsafe extern "C" { fn foreign(); }
extern "x86-interrupt" fn interrupt() {}
#[unsafe(naked)] extern "C" fn naked() {}
#[glasshull::trace] fn traced() {}
trait T { fn required(); }
impl std::fmt::Debug for X { fn fmt(&self) {} }
unsafe impl GlobalAlloc for X { unsafe fn alloc(&self) {} }
macro_rules! m { () => { fn made() {} fn $name() {} } }
"#;
    let result = rewritten(text);
    assert_eq!(
        reasons(&result),
        [
            ("shop::cart::constant", "const fn"),
            ("shop::cart::interrupt", "of a special calling convention"),
            ("shop::cart::naked", "that must run no other code"),
            ("shop::cart::traced", "with an attribute of their own"),
            ("shop::cart::X::fmt", "run by capturing itself"),
            ("shop::cart::X::alloc", "of an allocator"),
            ("shop::cart::made", "inside a macro"),
            ("shop::cart::$", "inside a macro"),
        ]
    );
    assert!(!result.is_changed());
    assert_eq!(result.passed_over[0].line, 2);
}

#[test]
fn main_and_tests_begin_capturing() {
    let text = "#[tokio::main]\nasync fn main() {\n    run()\n}\nfn run() {}\n";
    let program = File { is_program: true, ..file(text) };
    let result = rewrite(&program, &|_, _| None).unwrap();
    assert_eq!((result.starts, reasons(&result)), (1, vec![]));
    assert!(
        result.text.contains("async fn main() { ::glasshull_start::start();\n    run()\n} #[::glasshull::trace]\n")
    );
    assert_same_but_for_attributes(text, &result.text);
    check(
        "mod tests {\n    #[test]\n    fn works() {\n        #![allow(unused)]\n        1;\n    }\n}\n",
        "mod tests {\n    #[test]\n    fn works() {\n        #![allow(unused)] ::glasshull_start::start();\n        1;\n    }\n}\n",
    );
}

#[test]
fn a_main_that_starts_glasshull_itself_is_left_alone() {
    let text = "fn main() { let _guard = glasshull::init(); }";
    let result = rewrite(&File { is_program: true, ..file(text) }, &|_, _| None).unwrap();
    assert!(!result.is_changed());
}

#[test]
fn in_the_edition_of_2015_crates_are_declared() {
    let text = "#![no_std]\n//! Docs.\n\nfn f() {}\n";
    let result = rewrite(&File { declares_crates: true, ..file(text) }, &|_, _| None).unwrap();
    assert_eq!(
        result.text,
        "#![no_std]\n//! Docs.\nextern crate glasshull; extern crate glasshull_start; #[::glasshull::trace] \nfn f() {}\n"
    );
    assert_same_but_for_attributes(text, &result.text);
}

#[test]
fn a_blocked_file_is_read_and_not_changed() {
    let text = "mod a;\nfn f() {}\n#[test]\nfn t() {}\n";
    let result = rewrite(&File { blocked: Some("of a build script"), ..file(text) }, &|_, _| None).unwrap();
    assert_eq!((result.text.as_str(), result.is_changed(), result.passed_over.len()), (text, false, 2));
    assert_eq!(result.files.len(), 1);
}

#[test]
fn files_of_modules_are_found_in_macros_too() {
    let text = "mod a;\n#[path = \"x/b.rs\"]\nmod b;\nmod c {\n    #[cfg_attr(any(unix, windows), path = \"e.rs\", allow(unused))]\n    mod d;\n}\ncfg_if! {\n    if #[cfg(unix)] { mod unix; } else { mod r#other; }\n}\n";
    let module = |names: &[&str], path: Option<&str>| NamedFile::Module {
        names: names.iter().map(|&name| name.into()).collect(),
        path: path.map(str::to_owned),
    };
    let expected = [
        module(&["a"], None),
        module(&["b"], Some("x/b.rs")),
        module(&["c", "d"], None),
        module(&["c", "d"], Some("e.rs")),
        module(&["unix"], None),
        module(&["other"], None),
    ];
    assert_eq!(rewritten(text).files, expected);
}

#[test]
fn files_that_are_taken_in_are_followed_where_they_can_be_told() {
    let text = "mod a {\n    include!(\"b.rs\");\n}\ninclude!(concat!(env!(\"OUT_DIR\"), \"/c.rs\"));\nconst D: u8 = include!(\"d.rs\");\n";
    let result = rewritten(text);
    assert_eq!(result.files, [NamedFile::Included { inside: vec!["a".into()], path: "b.rs".into() }]);
    assert_eq!(reasons(&result), [("shop::cart::*", "in a file that is made by the build")]);
}

#[test]
fn marks_before_the_code_and_foreign_line_ends_shift_nothing() {
    check(
        "\u{feff}#!/usr/bin/env run\nfn ä() {}\nfn g() {}\n",
        "\u{feff}#!/usr/bin/env run\n#[::glasshull::trace] fn ä() {} #[::glasshull::trace]\nfn g() {}\n",
    );
    check("use ä;\r\n/// ü\r\nfn f() {}\r\n", "use ä; #[::glasshull::trace]\r\n/// ü\r\nfn f() {}\r\n");
    check("#! [allow(unused)]\nfn f() {}", "#! [allow(unused)] #[::glasshull::trace]\nfn f() {}");
}

#[test]
fn an_error_is_traced_to_its_function_by_body_and_by_attribute() {
    let text = "use x;\nfn f() { body }\nfn g() {\n    fn inner() { deep }\n}\nstatic S: u8 = 1;\n";
    let result = rewritten(text);
    let at = |what: &str| result.function_at(result.text.find(what).unwrap()).map(|function| function.path.as_str());
    assert_eq!(at("body"), Some("shop::cart::f"));
    assert_eq!(at("deep"), Some("shop::cart::inner"));
    assert_eq!(at("#[::glasshull"), Some("shop::cart::f"));
    assert_eq!(at("static S"), None);
    assert_eq!(result.function_at(result.text.rfind("#[::glasshull").unwrap()).unwrap().path, "shop::cart::inner");
}

#[test]
fn what_is_not_asked_for_is_passed_over() {
    let only_f = |path: &str, _: &str| (!path.ends_with("::f")).then(|| "not asked for".into());
    let result = rewrite(&file("fn f() {}\nfn g() {}\n"), &only_f).unwrap();
    assert_eq!((paths(&result), reasons(&result)), (vec!["shop::cart::f"], vec![("shop::cart::g", "not asked for")]));
}

/// Real code: the whole of this repository's own library crates.
#[test]
fn each_file_of_the_sdk_keeps_its_lines_and_its_code() {
    let lib = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = 0;
    let mut folders = vec![lib];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            // One of these files has what today's editions do not understand.
            if entry.ends_with("harbour") {
                continue;
            }
            if entry.is_dir() {
                folders.push(entry);
            } else if entry.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&entry).unwrap();
                assert_same_but_for_attributes(&text, &rewritten(&text).text);
                files += 1;
            }
        }
    }
    assert!(files > 40, "{files} files");
}
