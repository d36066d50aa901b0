//! What holds for every text and every statement.

use std::time::Duration;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::answers::{Selector, ValueLimits};
use crate::statement::limits::{
    MAX_CAPTURED_BYTES, MAX_CAPTURED_DEPTH, MAX_CAPTURED_ITEMS, MAX_CAPTURED_TEXT_BYTES, MAX_CONDITION_DEPTH,
    MAX_DURATION, MIN_DURATION,
};
use crate::statement::{
    Comparison, Condition, Find, Hops, Literal, Operator, Pattern, Show, ShowWhat, Statement, Subject, Surroundings,
    Trace, Tree, TreeOf, Untrace, parse,
};

/// Texts with what is special to the language in them.
fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z]{1,8}", "[ -~]{1,12}", "\\PC{1,6}", Just("it's".into()), Just("--".into()), Just("/*".into())]
}

fn pattern() -> impl Strategy<Value = Pattern> {
    prop_oneof![
        "[a-z*:]{1,12}".prop_map(Pattern::Path),
        text().prop_filter_map("a pattern", |text| Pattern::new(&text)),
        ("[a-z/.*]{1,12}", option::of(1..9999_u32)).prop_map(|(file, line)| Pattern::Place { file, line }),
    ]
}

fn selector() -> impl Strategy<Value = Selector> {
    (text(), text()).prop_map(|(key, value)| Selector { key, value })
}

fn literal() -> impl Strategy<Value = Literal> {
    prop_oneof![
        text().prop_map(Literal::Text),
        Just(Literal::Text(String::new())),
        any::<i64>().prop_map(Literal::Integer),
        any::<f64>().prop_filter("finite", |real| real.is_finite()).prop_map(Literal::Real),
        any::<bool>().prop_map(Literal::Boolean),
    ]
}

fn values(literal: impl Strategy<Value = Literal> + Clone) -> impl Strategy<Value = (Operator, Vec<Literal>)> {
    let signs = [Operator::Eq, Operator::Ne, Operator::Lt, Operator::Le, Operator::Gt, Operator::Ge];
    prop_oneof![
        (select(signs.to_vec()), literal.clone().prop_map(|one| vec![one])),
        vec(literal, 1..4).prop_map(|values| (Operator::In, values)),
        text().prop_map(|text| (Operator::Like, vec![Literal::Text(text)])),
        Just((Operator::IsNull, vec![])),
    ]
}

fn comparison() -> impl Strategy<Value = Comparison> {
    let of = |subject, path: Vec<String>, (operator, values)| Comparison { subject, path, operator, values };
    let path = vec(prop_oneof!["[a-z_]{1,5}", "[0-9]{1,3}", text()], 0..4);
    let outcomes = select(vec!["returned", "error", "panicked"]).prop_map(|text| Literal::Text(text.into()));
    prop_oneof![
        (select(vec![Subject::Args, Subject::Returned]), path, values(literal().boxed()))
            .prop_map(move |(subject, path, values)| of(subject, path, values)),
        values(text().prop_map(Literal::Text).boxed()).prop_map(move |values| of(Subject::Error, vec![], values)),
        values(outcomes.boxed()).prop_map(move |values| of(Subject::Outcome, vec![], values)),
        values((0..i64::MAX).prop_map(Literal::Integer).boxed()).prop_map(move |values| of(
            Subject::Duration,
            vec![],
            values
        )),
    ]
}

fn condition() -> impl Strategy<Value = Condition> {
    comparison().prop_map(Condition::Comparison).prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 2..4).prop_map(Condition::All),
            vec(inner.clone(), 2..4).prop_map(Condition::Any),
            inner.prop_map(|inner| Condition::Not(Box::new(inner))),
        ]
    })
}

fn value_limits() -> impl Strategy<Value = ValueLimits> {
    let some = |most| option::of(1..=most);
    let bytes = |most| option::of(prop_oneof![1..=most, (1..=most / 1_024).prop_map(|kib| kib * 1_024)]);
    let parts =
        (some(MAX_CAPTURED_ITEMS), some(MAX_CAPTURED_DEPTH), bytes(MAX_CAPTURED_BYTES), bytes(MAX_CAPTURED_TEXT_BYTES));
    parts.prop_map(|(items, depth, bytes, text_bytes)| ValueLimits { items, depth, bytes, text_bytes })
}

fn trace() -> impl Strategy<Value = Trace> {
    let duration = (MIN_DURATION.as_nanos() as u64..=MAX_DURATION.as_nanos() as u64).prop_map(Duration::from_nanos);
    let parts = (vec(pattern(), 1..4), vec(selector(), 0..3), option::of(condition()), duration);
    let limits = (1..1000_u64, 1..1000_u32, 1..1000_u32, value_limits());
    (parts, limits).prop_map(|((patterns, selectors, condition, duration), limits)| {
        let (max_calls, max_calls_per_second, sample_one_in, value_limits) = limits;
        Trace { patterns, selectors, condition, duration, max_calls, max_calls_per_second, sample_one_in, value_limits }
    })
}

fn tree() -> impl Strategy<Value = Tree> {
    let hops = || prop_oneof![Just(Hops::None), Just(Hops::All), (1..99_u32).prop_map(Hops::UpTo)];
    let around = (hops(), hops(), any::<bool>()).prop_map(|(ancestors, descendants, siblings)| Surroundings {
        ancestors,
        descendants,
        siblings,
    });
    let around = option::of(around.prop_filter("something", |around| *around != Surroundings::default()));
    let of = prop_oneof!["[0-9a-f]{6,32}".prop_map(TreeOf::Id), find().prop_map(TreeOf::Find)];
    (of, around).prop_map(|(of, surroundings)| Tree { of, surroundings })
}

fn find() -> impl Strategy<Value = Find> {
    let text = text().prop_filter("something", |text| !text.trim().is_empty());
    (text, option::of(any::<u64>().prop_map(Duration::from_nanos))).prop_map(|(text, since)| Find { text, since })
}

fn statement() -> impl Strategy<Value = Statement> {
    let shown = select(vec![ShowWhat::Functions, ShowWhat::Instances, ShowWhat::Probes, ShowWhat::Traces]);
    prop_oneof![
        4 => trace().prop_map(Statement::Trace),
        1 => pattern().prop_map(|pattern| Statement::Untrace(Untrace::Pattern(pattern))),
        1 => "p[0-9]{1,5}".prop_map(|id| Statement::Untrace(Untrace::Probe(id))),
        1 => (shown, option::of(text())).prop_map(|(what, like)| Statement::Show(Show { what, like })),
        1 => tree().prop_map(Statement::Tree),
        1 => find().prop_map(Statement::Find),
    ]
}

proptest! {
    #[test]
    fn every_statement_is_written_so_that_it_is_read_the_same(statement in statement()) {
        if let Statement::Trace(Trace { condition: Some(condition), .. }) = &statement {
            prop_assume!(condition.depth() <= MAX_CONDITION_DEPTH);
        }
        let written = statement.to_string();
        prop_assert_eq!(parse(&written), Ok(statement), "{}", written);
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,80}") {
        crate::fuzzing::statement(&text);
    }

    #[test]
    fn no_changed_statement_makes_the_parser_panic(
        statement in statement(), at in any::<prop::sample::Index>(), length in 0..8_usize, put in text(),
    ) {
        let mut text = statement.to_string();
        let from = text.floor_char_boundary(at.index(text.len() + 1));
        let to = text.floor_char_boundary((from + length).min(text.len())).max(from);
        text.replace_range(from..to, &put);
        crate::fuzzing::statement(&text);
    }

    #[test]
    fn words_of_the_language_in_any_order_make_no_panic(words in vec(select(WORDS.to_vec()), 0..20)) {
        crate::fuzzing::statement(&words.join(" "));
    }
}

const WORDS: [&str; 49] = [
    "TRACE", "UNTRACE", "SHOW", "TREE", "FIND", "SINCE", "OF", "ON", "WHERE", "FOR", "LIMIT", "RATE", "PER", "SECOND",
    "SAMPLE", "IN", "CALLS", "args", ".", "->>", "'a'", "[", "]", "(", ")", ",", "=", "<", "AND", "OR", "NOT", "IS",
    "NULL", "LIKE", "BETWEEN", "5m", "1", "-", "error", "duration", "a::*", "SELECT", "CAPTURE", "ITEMS", "DEEP",
    "KIB", "BYTES", "VALUES", "TEXTS",
];
