//! What statements mean, told by the text each is written as again.

use std::time::Duration;

use crate::answers::{Selector, ValueLimits};
use crate::statement::{
    Comparison, Condition, Hops, Literal, Operator, Pattern, Statement, Subject, Surroundings, Trace, TreeOf, docs,
    nearest, parse,
};

#[track_caller]
fn check(text: &str, written: &str) {
    let statement = parse(text).unwrap_or_else(|failure| panic!("{text}: {failure}"));
    assert_eq!(statement.to_string(), written, "{text}");
    let again = parse(written).unwrap_or_else(|failure| panic!("{written}: {failure}"));
    assert_eq!(again.to_string(), written, "written and read again");
}

/// Checks a condition alone.
#[track_caller]
fn check_condition(text: &str, written: &str) {
    let limits = "FOR 5m LIMIT 100000 CALLS RATE 10000 PER SECOND";
    check(&format!("TRACE a WHERE {text}"), &format!("TRACE a WHERE {written} {limits}"));
}

fn trace(text: &str) -> Trace {
    match parse(text) {
        Ok(Statement::Trace(trace)) => trace,
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn a_trace_has_all_its_parts() {
    let trace = trace(
        "TRACE pricing::*, *::quote ON class=blue, host='a b' WHERE args.sku = 'x' FOR 60s LIMIT 5 CALLS RATE 7 PER SECOND SAMPLE 1 IN 10 CAPTURE 200 ITEMS, 12 DEEP, 16 KIB VALUES, 4 KIB TEXTS",
    );
    let path = |path: &str| Pattern::Path(path.into());
    let selector = |key: &str, value: &str| Selector { key: key.into(), value: value.into() };
    assert_eq!(
        trace,
        Trace {
            patterns: vec![path("pricing::*"), path("*::quote")],
            selectors: vec![selector("class", "blue"), selector("host", "a b")],
            condition: Some(Condition::Comparison(Comparison {
                subject: Subject::Args,
                path: vec!["sku".into()],
                operator: Operator::Eq,
                values: vec![Literal::Text("x".into())],
            })),
            duration: Duration::from_secs(60),
            max_calls: 5,
            max_calls_per_second: 7,
            sample_one_in: 10,
            value_limits: ValueLimits {
                items: Some(200),
                depth: Some(12),
                bytes: Some(16 * 1024),
                text_bytes: Some(4 * 1024),
            },
        }
    );
}

#[test]
fn a_silent_trace_has_limits() {
    let trace = trace("TRACE a");
    assert_eq!(trace.duration, Duration::from_secs(300));
    assert_eq!((trace.max_calls, trace.max_calls_per_second, trace.sample_one_in), (100_000, 10_000, 1));
    assert_eq!((trace.selectors, trace.condition), (vec![], None));
    assert_eq!(trace.value_limits, ValueLimits::default());
}

#[test]
fn words_stand_in_any_case_and_clauses_in_any_order() {
    check(
        "trace a for 1m limit 100_000 Calls on class = blue;",
        "TRACE a ON class=blue FOR 1m LIMIT 100000 CALLS RATE 10000 PER SECOND",
    );
    check(
        "TRACE a SAMPLE 1 IN 3 RATE 5 PER SECOND WHERE returned = 0 FOR 2h",
        "TRACE a WHERE returned = 0 FOR 2h LIMIT 100000 CALLS RATE 5 PER SECOND SAMPLE 1 IN 3",
    );
}

#[test]
fn how_much_of_values_is_captured_is_said_in_any_order_and_unit() {
    let limits = "FOR 5m LIMIT 100000 CALLS RATE 10000 PER SECOND";
    let check = |text: &str, written: &str| check(&format!("TRACE a {text}"), &format!("TRACE a {limits} {written}"));
    check("capture 4kib texts, 200 Items", "CAPTURE 200 ITEMS, 4 KIB TEXTS");
    check("CAPTURE 100 BYTES TEXTS, 2048 bytes values, 1 DEEP", "CAPTURE 1 DEEP, 2 KIB VALUES, 100 BYTES TEXTS");
    check("CAPTURE 1_024 ITEMS /* all */, 16 KIB VALUES;", "CAPTURE 1024 ITEMS, 16 KIB VALUES");
}

#[test]
fn a_pattern_may_begin_with_a_clause_s_word() {
    let limits = "FOR 5m LIMIT 100000 CALLS RATE 10000 PER SECOND";
    check("TRACE capture::*, sample::rate FOR 5m", &format!("TRACE capture::*, sample::rate {limits}"));
    check("TRACE 'capture' CAPTURE 5 ITEMS", &format!("TRACE 'capture' {limits} CAPTURE 5 ITEMS"));
}

#[test]
fn comments_and_blanks_stand_anywhere() {
    check(
        "-- why\n/* a /* nested */ comment */ TRACE pricing::*/* here */ -- and here\n FOR /* */ 5m ; -- the end",
        "TRACE pricing::* FOR 5m LIMIT 100000 CALLS RATE 10000 PER SECOND",
    );
}

#[test]
fn patterns_are_paths_or_places() {
    let patterns = |text: &str| trace(text).patterns;
    let place = |file: &str, line| Pattern::Place { file: file.into(), line };
    assert_eq!(patterns("TRACE file:src/cart.rs:120"), [place("src/cart.rs", Some(120))]);
    assert_eq!(patterns("TRACE file:src/*.rs FOR 5m"), [place("src/*.rs", None)]);
    assert_eq!(patterns("TRACE 'file:C:\\shop\\cart.rs:7'"), [place("C:\\shop\\cart.rs", Some(7))]);
    assert_eq!(patterns("TRACE shop::{impl#0}::price"), [Pattern::Path("shop::{impl#0}::price".into())]);
    assert_eq!(patterns("TRACE '<Cart as Sum>::sum'"), [Pattern::Path("<Cart as Sum>::sum".into())]);
    assert_eq!(patterns("TRACE 'for'"), [Pattern::Path("for".into())]);
}

#[test]
fn what_cannot_stand_bare_is_written_in_quotes() {
    let limits = "FOR 5m LIMIT 100000 CALLS RATE 10000 PER SECOND";
    check("TRACE 'for', \"a b\", 'it''s'", &format!("TRACE 'for', 'a b', 'it''s' {limits}"));
    check("TRACE a ON 'my key'='it''s', k=a--b", &format!("TRACE a ON 'my key'='it''s', k='a--b' {limits}"));
    check("UNTRACE 'p7'", "UNTRACE 'p7'");
    check("UNTRACE 'all'", "UNTRACE 'all'");
}

#[test]
fn durations_have_all_units_and_fractions() {
    let duration = |text: &str| trace(&format!("TRACE a FOR {text}")).duration;
    assert_eq!(duration("500ms"), Duration::from_millis(500));
    assert_eq!(duration("1.5s"), Duration::from_millis(1500));
    assert_eq!(duration("1h30m"), Duration::from_secs(5400));
    assert_eq!(duration("5 minutes"), Duration::from_secs(300));
    assert_eq!(duration("0.5 D"), Duration::from_secs(43_200));
    assert_eq!(duration("86400s"), Duration::from_secs(86_400));
}

#[test]
fn conditions_bind_as_in_sql() {
    check_condition("args.a = 1 OR args.b = 2 AND NOT args.c = 3", "args.a = 1 OR args.b = 2 AND NOT (args.c = 3)");
    check_condition("(args.a = 1 OR args.b = 2) AND args.c = 3", "(args.a = 1 OR args.b = 2) AND args.c = 3");
    check_condition("((args.a = 1))", "args.a = 1");
    check_condition("NOT NOT error = 'x'", "NOT (NOT (error = 'x'))");
}

#[test]
fn paths_are_written_in_sql_s_or_json_s_way() {
    check_condition("args.a.b[0] = 1", "args.a.b[0] = 1");
    check_condition("args->>'a' = 'x'", "args.a = 'x'");
    check_condition("args -> 'a' ->> 'b c' = 'x'", "args.a['b c'] = 'x'");
    check_condition("args['it''s'].\"q\" ->> 3 = 'x'", "args['it''s'].q[3] = 'x'");
    check_condition("returned.total > 1 AND returned IS NOT NULL", "returned.total > 1 AND returned IS NOT NULL");
}

#[test]
fn comparisons_have_sql_s_forms() {
    check_condition("returned <> 0", "returned != 0");
    check_condition("args.a IN (1, -2, 2.5, 'x', TRUE, false)", "args.a IN (1, -2, 2.5, 'x', TRUE, FALSE)");
    check_condition("args.a NOT IN ('x')", "args.a NOT IN ('x')");
    check_condition("error LIKE '%card%' OR error NOT LIKE '_'", "error LIKE '%card%' OR error NOT LIKE '_'");
    check_condition("args.a IS NULL", "args.a IS NULL");
    check_condition("args.a BETWEEN 1 AND 2 AND args.b = 3", "(args.a >= 1 AND args.a <= 2) AND args.b = 3");
    check_condition("outcome IN ('error', 'panicked')", "outcome IN ('error', 'panicked')");
    check_condition("duration > 10ms AND duration <= 1.5s", "duration > 10ms AND duration <= 1500ms");
    check_condition("args.a = 1e3 AND args.b = -0.5", "args.a = 1000.0 AND args.b = -0.5");
}

#[test]
fn untrace_ends_a_probe_a_pattern_or_all() {
    check("untrace P7", "UNTRACE p7");
    check("UNTRACE all", "UNTRACE ALL");
    check("UNTRACE pricing::*;", "UNTRACE pricing::*");
    check("UNTRACE p7::x", "UNTRACE p7::x");
    check("UNTRACE all::x", "UNTRACE all::x");
}

#[test]
fn show_lists_what_is_known() {
    check("show functions", "SHOW FUNCTIONS");
    check("SHOW INSTANCES LIKE 'a%'", "SHOW INSTANCES LIKE 'a%'");
    check("SHOW PROBES;", "SHOW PROBES");
    check("SHOW TRACES", "SHOW TRACES");
    check("find 018f6c1e-7d1a-4c3e since 90m;", "FIND '018f6c1e-7d1a-4c3e' SINCE 90m");
    check("FIND 'it''s here' -- comment", "FIND 'it''s here'");
    check("FIND a@b.org", "FIND 'a@b.org'");
    assert!(matches!(parse("SHOW TABLES"), Ok(Statement::Sql(_))));
    assert!(matches!(parse("show columns from calls"), Ok(Statement::Sql(_))));
}

#[test]
fn a_tree_is_of_an_id_with_its_surroundings() {
    check("tree 4BF92F", "TREE 4bf92f");
    check("TREE '4bf92f3577b34da6'", "TREE 4bf92f3577b34da6");
    check("TREE 4bf92f SIBLINGS DESCENDANTS 2 ANCESTORS", "TREE 4bf92f ANCESTORS DESCENDANTS 2 SIBLINGS");
    let Ok(Statement::Tree(tree)) = parse("TREE 4bf92f ANCESTORS 3") else { panic!() };
    let around = Surroundings { ancestors: Hops::UpTo(3), descendants: Hops::None, siblings: false };
    assert_eq!(tree.surroundings, Some(around));
    let Ok(Statement::Tree(tree)) = parse("TREE 4bf92f") else { panic!() };
    assert_eq!(tree.surroundings, None);
}

#[test]
fn a_tree_of_a_query_keeps_the_query_and_its_place() {
    let text = "TREE OF\n (SELECT call_id FROM calls WHERE args->>'a' = ')' -- )\n AND f(x) /* ) */ ) ANCESTORS 1";
    let Ok(Statement::Tree(tree)) = parse(text) else { panic!() };
    let TreeOf::Query(query) = tree.of else { panic!() };
    assert_eq!(query.sql, "SELECT call_id FROM calls WHERE args->>'a' = ')' -- )\n AND f(x) /* ) */");
    assert_eq!((query.position.line, query.position.column), (2, 3));
    assert_eq!(&text[query.position.offset..][..6], "SELECT");
}

#[test]
fn a_tree_is_of_what_find_finds_and_says_where_that_is_wrong() {
    check("tree of (find ORD-1 since 1h) ancestors", "TREE OF (FIND 'ORD-1' SINCE 1h) ANCESTORS");
    let text = "TREE OF (FIND 'x'\n SINZE 1h)";
    let position = parse(text).unwrap_err().position.unwrap();
    assert_eq!(((position.line, position.column), &text[position.offset..][..position.length]), ((2, 2), "SINZE"));
}

#[test]
fn a_query_s_comment_does_not_swallow_the_parenthesis() {
    check("TREE OF (SELECT 1 -- x\n)", "TREE OF (SELECT 1 -- x\n)");
    check("TREE OF (SELECT 1)", "TREE OF (SELECT 1\n)");
}

#[test]
fn questions_in_sql_are_handed_on_as_they_are() {
    for sql in
        ["SELECT 1", " with x as (select 1) select * from x", "EXPLAIN SELECT 1;", "(SELECT 1)", "DESCRIBE calls"]
    {
        assert_eq!(parse(sql), Ok(Statement::Sql(sql.into())));
    }
}

#[test]
fn every_statement_s_example_is_one() {
    for doc in docs() {
        parse(&doc.example).unwrap_or_else(|failure| panic!("{}: {failure}", doc.example));
        assert!(doc.syntax.starts_with(&doc.word));
    }
}

#[test]
fn the_nearest_word_is_the_one_with_the_fewest_edits() {
    assert_eq!(nearest("fro", ["FOR", "FROM"]), Some("FOR"));
    assert_eq!(nearest("durration_ns", ["duration_ns", "busy_ns"]), Some("duration_ns"));
    assert_eq!(nearest("xyz", ["FOR", "FROM"]), None);
    assert_eq!(nearest("", ["FOR"]), None);
    assert_eq!(nearest(&"x".repeat(100_000), ["FOR"]), None);
}
