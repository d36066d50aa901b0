//! What is no statement: the failure points at the place.

use crate::statement::limits::{
    MAX_COMPARISONS, MAX_CONDITION_DEPTH, MAX_IN_VALUES, MAX_PATTERNS, MAX_STATEMENT_BYTES,
};
use crate::statement::parse;
use crate::{Code, Failure};

fn refused(text: &str) -> Failure {
    match parse(text) {
        Err(failure) => failure,
        Ok(statement) => panic!("{text} is {statement:?}"),
    }
}

/// Checks a failure drawn under its statement: `^` below what it points at, then what it says.
#[track_caller]
fn check(text: &str, drawn: &str) {
    let failure = refused(text);
    let position = failure.position.expect("a place");
    assert_eq!(position.line, 1, "{text}");
    let marks = text[position.offset..position.offset + position.length].chars().count();
    let mut told = format!("{}{} {}", " ".repeat(position.column - 1), "^".repeat(marks.max(1)), failure.message);
    if let Some(hint) = &failure.hint {
        told.push_str(&format!(" {hint}"));
    }
    assert_eq!(told, drawn, "{text}");
}

#[test]
fn find_says_what_it_lacks() {
    check("FIND", "    ^ Expected what is to be found, such as 'ORD-12345', found the end of the statement.");
    check("FIND ''", "     ^^ Expected what is to be found, such as 'ORD-12345', found `''`.");
    check(
        "FIND a SINC 1h",
        "       ^^^^ Expected SINCE or the end of the statement, found `SINC`. Did you mean SINCE?",
    );
    check("FIND a SINCE yesterday", "             ^^^^^^^^^ Expected a length of time, such as 1h, found `yesterday`.");
}

#[test]
fn misspelt_words_are_recognized() {
    check(
        "TRACE a FRO 5m",
        "        ^^^ Expected ON, WHERE, FOR, LIMIT, RATE, SAMPLE, CAPTURE or the end of the statement, found `FRO`. Did you mean FOR?",
    );
    check(
        "TRCE a",
        "^^^^ Expected TRACE, UNTRACE, SHOW, TREE, FIND or a query in SQL, found `TRCE`. Did you mean TRACE?",
    );
    check(
        "SELCT 1",
        "^^^^^ Expected TRACE, UNTRACE, SHOW, TREE, FIND or a query in SQL, found `SELCT`. Did you mean SELECT?",
    );
    check(
        "SHOW FUNCTION",
        "     ^^^^^^^^ Expected FUNCTIONS, INSTANCES, PROBES, TRACES or TABLES, found `FUNCTION`. Did you mean FUNCTIONS?",
    );
    check("TRACE a LIMIT 5 CALS", "                ^^^^ Expected CALLS, found `CALS`. Did you mean CALLS?");
    check(
        "TRACE a WHERE arg.x = 1",
        "              ^^^ Expected args, returned, error, outcome or duration, found `arg`. Did you mean args?",
    );
    check(
        "TRACE a WHERE sku = 1",
        "              ^^^ Expected args, returned, error, outcome or duration, found `sku`. An argument is written args.sku.",
    );
    check(
        "TRACE a WHERE outcome = 'eror'",
        "                        ^^^^^^ An outcome is one of 'returned', 'error', 'panicked', 'cancelled', 'running'. Did you mean 'error'?",
    );
}

#[test]
fn what_is_missing_is_named() {
    check("TRACE", "     ^ Expected a pattern, such as `pricing::*`, found the end of the statement.");
    check("TRACE FOR 5m", "      ^^^ Expected a pattern, such as `pricing::*`, found `FOR`.");
    check("TRACE a,", "        ^ Expected a pattern, such as `pricing::*`, found the end of the statement.");
    check("TRACE a ON class blue", "                 ^^^^ Expected `=`, found `blue`.");
    check("TRACE a FOR", "           ^ Expected a length of time, such as 60s or 5m, found the end of the statement.");
    check(
        "TRACE a FOR 5",
        "             ^ Expected a unit of time (ns, us, ms, s, m, h or d), found the end of the statement.",
    );
    check("TRACE a SAMPLE 2 IN 3", "               ^ Expected 1, as in SAMPLE 1 IN 10, found `2`.");
    check("UNTRACE", "       ^ Expected a probe's id, a pattern or ALL, found the end of the statement.");
    check("TREE xyz", "     ^^^ Expected OF or the id of a call or a trace, found `xyz`.");
    check("", "^ Expected TRACE, UNTRACE, SHOW, TREE, FIND or a query in SQL, found the end of the statement.");
    check("TRACE a; TRACE b", "         ^^^^^ Expected the end of the statement, found `TRACE`.");
    check("TRACE 'a", "      ^^ This quote is not closed.");
    check(
        "TRACE a /* b",
        "        ^^ Expected ON, WHERE, FOR, LIMIT, RATE, SAMPLE, CAPTURE or the end of the statement, found a comment that does not end.",
    );
    check("TREE OF (SELECT 1", "        ^ This parenthesis is not closed.");
    check("TREE OF (SELECT /* 1)", "                ^^ This comment does not end.");
    check(
        "TREE OF (DELETE FROM calls)",
        "        ^ TREE OF is followed by a query, such as (SELECT call_id FROM calls LIMIT 1).",
    );
}

#[test]
fn conditions_say_what_they_need() {
    check(
        "TRACE a WHERE args.x",
        "                    ^ Expected =, !=, <, <=, >, >=, LIKE, IN, BETWEEN or IS NULL, found the end of the statement.",
    );
    check(
        "TRACE a WHERE args.x = NULL",
        "                       ^^^^ Nothing equals NULL. Write IS NULL or IS NOT NULL.",
    );
    check(
        "TRACE a WHERE duration > 10",
        "                           ^ Expected a unit of time (ns, us, ms, s, m, h or d), found the end of the statement.",
    );
    check(
        "TRACE a WHERE duration > 'x'",
        "                         ^^^ Expected a length of time, such as 10ms or 1.5s, found `'x'`.",
    );
    check(
        "TRACE a WHERE (args.x = 1",
        "                         ^ Expected AND, OR or `)`, found the end of the statement.",
    );
    check("TRACE a WHERE args. = 1", "                    ^ Expected a key or a place in a list, found `=`.");
    check(
        "TRACE a WHERE args.x = 99999999999999999999",
        "                       ^^^^^^^^^^^^^^^^^^^^ 99999999999999999999 is no number that can be compared.",
    );
    check(
        "TRACE a WHERE args.x IN ()",
        "                         ^ Expected a text in quotes, a number, TRUE or FALSE, found `)`.",
    );
    check(
        "TRACE a WHERE error.message = 'x'",
        "                   ^ Expected =, !=, <, <=, >, >=, LIKE, IN, BETWEEN or IS NULL, found `.`.",
    );
}

#[test]
fn a_clause_stands_once() {
    check("TRACE a FOR 5m FOR 6m", "               ^^^ FOR is given twice.");
    check("TRACE a CAPTURE 1 DEEP CAPTURE 2 DEEP", "                       ^^^^^^^ CAPTURE is given twice.");
    check("TRACE a CAPTURE 5 ITEMS, 6 items", "                           ^^^^^ ITEMS is given twice.");
    check("TREE 4bf92f SIBLINGS siblings", "                     ^^^^^^^^ SIBLINGS is given twice.");
}

#[test]
fn capture_says_what_it_needs_and_how_much_it_may_have() {
    check(
        "TRACE a CAPTUER 5 ITEMS",
        "        ^^^^^^^ Expected ON, WHERE, FOR, LIMIT, RATE, SAMPLE, CAPTURE or the end of the statement, found `CAPTUER`. Did you mean CAPTURE?",
    );
    check(
        "TRACE a CAPTURE ITEMS",
        "                ^^^^^ Expected a whole number, as in CAPTURE 200 ITEMS, found `ITEMS`.",
    );
    check(
        "TRACE a CAPTURE 5 ITEMS,",
        "                        ^ Expected a whole number, as in CAPTURE 200 ITEMS, found the end of the statement.",
    );
    check(
        "TRACE a CAPTURE 5 ITMES",
        "                  ^^^^^ Expected ITEMS, DEEP, BYTES or KIB, found `ITMES`. Did you mean ITEMS?",
    );
    check(
        "TRACE a CAPTURE 5 KB TEXTS",
        "                  ^^ Expected ITEMS, DEEP, BYTES or KIB, found `KB`. Did you mean KIB?",
    );
    check("TRACE a CAPTURE 5 VALUES", "                  ^^^^^^ Expected ITEMS, DEEP, BYTES or KIB, found `VALUES`.");
    check(
        "TRACE a CAPTURE 5 KIB TEXT",
        "                      ^^^^ Expected VALUES or TEXTS, found `TEXT`. Did you mean TEXTS?",
    );
    check("TRACE a CAPTURE 2000 ITEMS", "                ^^^^ CAPTURE takes at most 1024 ITEMS, not 2000.");
    check("TRACE a CAPTURE 33 DEEP", "                ^^ CAPTURE takes at most 32 DEEP, not 33.");
    check("TRACE a CAPTURE 64 KIB VALUES", "                ^^ CAPTURE takes at most 16 KIB VALUES, not 64 KIB.");
    check(
        "TRACE a CAPTURE 16_385 BYTES TEXTS",
        "                ^^^^^^ CAPTURE takes at most 16 KIB TEXTS, not 16385 BYTES.",
    );
    check("TRACE a CAPTURE 0 ITEMS", "                ^ CAPTURE takes 1 or more, not 0.");
}

#[test]
fn places_are_counted_in_lines_and_characters() {
    let position = refused("TRACE 'ä', b\n  FÜR 5m").position.expect("a place");
    assert_eq!((position.line, position.column, position.offset, position.length), (2, 3, 16, 4));
}

#[test]
fn what_would_change_data_is_forbidden() {
    for word in ["INSERT", "update", "DELETE", "CREATE", "Drop", "ALTER", "COPY", "SET", "TRUNCATE", "MERGE"] {
        let failure = refused(&format!("{word} x"));
        assert_eq!(failure.known_code(), Some(Code::StatementForbidden), "{word}");
        assert_eq!(failure.position.map(|position| position.length), Some(word.len()));
    }
    assert_eq!(refused("SHOW ALL").known_code(), Some(Code::StatementSyntax));
}

#[test]
fn a_probe_asks_for_no_more_than_it_may() {
    let many = |n: usize, part: &str, by: &str| vec![part; n].join(by);
    for text in [
        "TRACE a FOR 25h".to_owned(),
        "TRACE a FOR 0s".to_owned(),
        "TRACE a LIMIT 0 CALLS".to_owned(),
        "TRACE a LIMIT 1000000000000 CALLS".to_owned(),
        "TRACE a RATE 99999999 PER SECOND".to_owned(),
        "TRACE a SAMPLE 1 IN 0".to_owned(),
        "TRACE a CAPTURE 0 DEEP".to_owned(),
        "TRACE a CAPTURE 1025 ITEMS".to_owned(),
        "TRACE a CAPTURE 18446744073709551615 KIB VALUES".to_owned(),
        format!("TRACE {}", many(MAX_PATTERNS + 1, "a", ",")),
        format!("TRACE a ON {}", many(33, "a=b", ",")),
        format!("TRACE a WHERE {}", many(MAX_COMPARISONS + 1, "args.a = 1", " AND ")),
        format!("TRACE a WHERE args.a IN ({})", many(MAX_IN_VALUES + 1, "1", ",")),
        format!("TRACE a WHERE {}args.a = 1", "NOT ".repeat(MAX_CONDITION_DEPTH)),
        format!("TRACE a WHERE args{} = 1", ".a".repeat(33)),
    ] {
        assert_eq!(refused(&text).known_code(), Some(Code::ProbeLimits), "{text}");
    }
    assert!(parse(&format!("TRACE {}", many(MAX_PATTERNS, "a", ","))).is_ok());
    assert!(parse(&format!("TRACE a WHERE {}", many(MAX_COMPARISONS, "args.a = 1", " AND "))).is_ok());
    assert!(parse(&format!("TRACE a WHERE {}args.a = 1", "NOT ".repeat(MAX_CONDITION_DEPTH - 1))).is_ok());
}

#[test]
#[expect(clippy::disallowed_methods, reason = "it is real time that must not be used up")]
fn hostile_texts_are_refused_at_once() {
    let began = std::time::Instant::now();
    for part in ["(", "((", "NOT ", "/*", "/*/*", "TREE OF (", "'", "--", "\"", "args.a[", "a,", "-", "🦀", "\0"] {
        let part = part.repeat(MAX_STATEMENT_BYTES / part.len());
        for begin in ["", "TRACE a WHERE ", "TRACE ", "TREE OF (", "TREE OF (SELECT ", "SHOW ", "UNTRACE "] {
            let text = format!("{begin}{part}");
            let text = &text[..text.floor_char_boundary(MAX_STATEMENT_BYTES)];
            let _ = parse(text);
        }
    }
    assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
    assert_eq!(refused(&" ".repeat(MAX_STATEMENT_BYTES + 1)).known_code(), Some(Code::StatementSyntax));
}

#[test]
fn a_probe_that_is_accepted_fits_on_the_wire() {
    use crate::statement::limits;
    use glasshull_wire::limits as wire;
    assert_eq!(limits::MAX_PATTERNS, wire::MAX_PATTERNS);
    assert_eq!(limits::MAX_PATTERN_BYTES, wire::MAX_NAME_BYTES);
    assert_eq!(limits::MAX_LABEL_BYTES, wire::MAX_LABEL_BYTES);
    assert_eq!(limits::MAX_CONDITION_DEPTH, wire::MAX_CONDITION_DEPTH);
    assert_eq!(limits::MAX_COMPARISONS, wire::MAX_COMPARISONS);
    assert_eq!(limits::MAX_CAPTURED_ITEMS as usize, wire::MAX_CAPTURED_ITEMS);
    assert_eq!(limits::MAX_CAPTURED_DEPTH as usize, wire::MAX_CAPTURED_DEPTH);
    assert_eq!(limits::MAX_CAPTURED_BYTES as usize, wire::MAX_CAPTURED_BYTES);
    assert_eq!(limits::MAX_CAPTURED_TEXT_BYTES as usize, wire::MAX_CAPTURED_TEXT_BYTES);
}
