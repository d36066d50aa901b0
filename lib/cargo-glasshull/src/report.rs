//! What people are told, on stderr: stdout belongs to the program that runs.

use std::collections::BTreeMap;
use std::io::Write as _;

use crate::rewrite::PassedOver;
use crate::workspace::Instrumented;

pub(crate) fn say(line: &str) {
    // Not `eprintln!`, which panics where stderr is closed.
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// How many functions were instrumented and passed over; with `list`, each of the latter by name.
pub(crate) fn tell(instrumented: &Instrumented, list: bool) {
    let passed_over = instrumented.passed_over();
    if list {
        passed_over.iter().for_each(|(file, function)| say(&line(file, function)));
    }
    say(&summary(instrumented.functions(), &passed_over, list));
    if instrumented.starts() == 0 {
        say(
            "Glasshull: nothing here begins capturing: there is neither a `main` nor a test, or each starts Glasshull itself",
        );
    }
}

fn line(file: &str, PassedOver { line, path, why }: &PassedOver) -> String {
    let detail = if why.detail.is_empty() { String::new() } else { format!(" ({})", why.detail) };
    format!("{file}:{line}: {path}: {}{detail}", why.reason)
}

fn summary(functions: usize, passed_over: &[(&str, &PassedOver)], listed: bool) -> String {
    let mut by_reason: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, function) in passed_over {
        *by_reason.entry(function.why.reason).or_default() += 1;
    }
    let reasons: Vec<String> = by_reason.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
    let hint = if listed { "" } else { "; --list-skipped names them" };
    match passed_over.len() {
        0 => format!("Glasshull: {functions} functions instrumented, none passed over"),
        count => {
            format!("Glasshull: {functions} functions instrumented, {count} passed over ({}){hint}", reasons.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rewrite::Why;

    fn passed_over(why: impl Into<Why>) -> PassedOver {
        PassedOver { line: 1, path: "a".into(), why: why.into() }
    }

    #[test]
    fn what_was_passed_over_is_counted_by_reason() {
        let functions = [passed_over("const fn"), passed_over("of an allocator"), passed_over("const fn")];
        let functions: Vec<_> = functions.iter().map(|function| ("a.rs", function)).collect();
        let told = summary(7, &functions, false);
        assert_eq!(
            told,
            "Glasshull: 7 functions instrumented, 3 passed over (2 const fn, 1 of an allocator); --list-skipped names them"
        );
        assert_eq!(summary(7, &[], false), "Glasshull: 7 functions instrumented, none passed over");
    }

    #[test]
    fn each_is_listed_with_its_place_its_reason_and_what_the_compiler_said() {
        assert_eq!(line("src/a.rs", &passed_over("const fn")), "src/a.rs:1: a: const fn");
        let why = Why { reason: "that would not compile", detail: "E0277: no".into() };
        assert_eq!(line("src/a.rs", &passed_over(why)), "src/a.rs:1: a: that would not compile (E0277: no)");
    }
}
