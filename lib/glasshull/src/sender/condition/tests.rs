use glasshull_wire::v1::{Condition, Conditions, condition};
use serde::Serialize;

use super::*;
use crate::value::{Recorder, tag};

fn binary(value: &impl Serialize) -> Vec<u8> {
    let mut recorder = Recorder::for_test();
    recorder.serialize(value);
    values(recorder.bytes.written(0)).next().unwrap().to_vec()
}

const ARGUMENTS: &[&str] = &["sku", "quantity", "price", "gift", "note", "lines", "password", "long", "absent"];

/// Values of all of them but the last, for which there was no room.
fn arguments() -> Vec<u8> {
    let mut recorder = Recorder::for_test();
    recorder.serialize("GREEN-HAT");
    recorder.serialize(&3);
    recorder.serialize(&1.5);
    recorder.serialize(&true);
    recorder.serialize(&());
    recorder.serialize(&serde_json::json!([{"id": 7}]));
    recorder.redacted("password");
    recorder.serialize(&vec![0; 1_000]);
    recorder.bytes.written(0).to_vec()
}

fn comparison(subject: Subject, path: &[&str], operator: Operator, values: Vec<literal::Value>) -> Condition {
    let comparison = Comparison {
        subject: subject.into(),
        path: path.iter().map(|step| (*step).to_owned()).collect(),
        operator: operator.into(),
        values: values.into_iter().map(|value| Literal { value: Some(value) }).collect(),
    };
    Condition { kind: Some(condition::Kind::Comparison(comparison)) }
}

fn not(condition: Condition) -> Condition {
    Condition { kind: Some(condition::Kind::Not(Box::new(condition))) }
}

fn text(value: &str) -> literal::Value {
    literal::Value::Text(value.into())
}

/// Of a call with these arguments, returning `{"total": 0}` after 5 ms; why it is undecided, in words.
fn judged(condition: &Condition) -> (bool, Option<String>) {
    let (values, returned) = (arguments(), binary(&serde_json::json!({"total": 0})));
    let redaction = Redaction::default();
    let facts = Facts {
        arguments: ARGUMENTS,
        values: &values,
        returned: Some(&returned),
        error: None,
        outcome: "returned",
        duration_ns: 5_000_000,
        redaction: &redaction,
    };
    match super::Condition::compile(condition).unwrap().evaluate(&facts) {
        Verdict::Holds => (true, None),
        Verdict::HoldsNot => (false, None),
        Verdict::Undecided(clue) => (false, Some(clue.map_or_else(String::new, |clue| clue.to_string()))),
    }
}

fn of_a_call(condition: &Condition) -> bool {
    judged(condition).0
}

#[test]
fn comparisons_hold_as_in_sql() {
    use Operator::{Eq, Ge, Gt, In, IsNull, Le, Like, Lt, Ne};
    use Subject::{Args, Duration, Error, Outcome, Returned};
    let integer = literal::Value::Integer;
    let real = literal::Value::Real;
    let table = [
        (Args, vec!["sku"], Eq, vec![text("GREEN-HAT")], true),
        (Args, vec!["sku"], Ne, vec![text("GREEN-HAT")], false),
        (Args, vec!["sku"], Like, vec![text("%HAT")], true),
        (Args, vec!["sku"], Like, vec![text("G_EEN%")], true),
        (Args, vec!["sku"], Like, vec![text("HAT%")], false),
        (Args, vec!["sku"], In, vec![text("A"), text("GREEN-HAT")], true),
        (Args, vec!["sku"], In, vec![], false),
        (Args, vec!["quantity"], In, vec![integer(1), integer(3)], true),
        (Args, vec!["quantity"], In, vec![text("3")], true),
        (Args, vec!["quantity"], In, vec![real(3.0)], true),
        (Args, vec!["price"], In, vec![integer(1), real(1.5)], true),
        (Args, vec!["sku"], In, vec![integer(1)], false),
        (Args, vec!["password"], IsNull, vec![], false),
        (Args, vec!["quantity"], Gt, vec![integer(2)], true),
        (Args, vec!["quantity"], Ge, vec![real(3.5)], false),
        (Args, vec!["quantity"], Eq, vec![text("3")], true),
        (Args, vec!["price"], Lt, vec![integer(2)], true),
        (Args, vec!["price"], Le, vec![real(1.5)], true),
        (Args, vec!["gift"], Eq, vec![literal::Value::Boolean(true)], true),
        (Args, vec!["gift"], Eq, vec![integer(1)], false),
        (Args, vec!["lines", "0", "id"], Eq, vec![integer(7)], true),
        (Args, vec!["lines", "1", "id"], Eq, vec![integer(7)], false),
        (Args, vec!["note"], IsNull, vec![], true),
        (Args, vec!["missing"], IsNull, vec![], true),
        (Args, vec!["sku"], IsNull, vec![], false),
        (Args, vec!["missing"], Ne, vec![integer(1)], false),
        (Returned, vec!["total"], Eq, vec![integer(0)], true),
        (Error, vec![], Eq, vec![text("x")], false),
        (Error, vec![], IsNull, vec![], true),
        (Outcome, vec![], Eq, vec![text("returned")], true),
        (Duration, vec![], Gt, vec![integer(1_000_000)], true),
        (Duration, vec![], Gt, vec![], false),
    ];
    for (subject, path, operator, values, expected) in table {
        let condition = comparison(subject, &path, operator, values);
        assert_eq!(of_a_call(&condition), expected, "{condition:?}");
    }
}

#[test]
fn what_is_unknown_stays_unknown_when_it_is_negated() {
    let unknown = || comparison(Subject::Args, &["missing"], Operator::Eq, vec![text("x")]);
    let known = || comparison(Subject::Args, &["sku"], Operator::Eq, vec![text("GREEN-HAT")]);
    assert!(!of_a_call(&unknown()) && !of_a_call(&not(unknown())));
    assert!(of_a_call(&known()) && !of_a_call(&not(known())));
    let all = |conditions| Condition { kind: Some(condition::Kind::All(Conditions { conditions })) };
    let any = |conditions| Condition { kind: Some(condition::Kind::Any(Conditions { conditions })) };
    assert!(!of_a_call(&all(vec![known(), unknown()])));
    assert!(of_a_call(&any(vec![unknown(), known()])));
    assert!(!of_a_call(&not(any(vec![unknown(), not(known())]))));
    assert!(of_a_call(&all(vec![])) && !of_a_call(&any(vec![])));
    assert!(!of_a_call(&Condition::default()));
}

#[test]
fn a_condition_beyond_the_limits_is_recognized() {
    let one = || comparison(Subject::Duration, &[], Operator::Gt, vec![literal::Value::Integer(1)]);
    let nested = |levels: usize| (0..levels).fold(one(), |inner, _| not(inner));
    let is_within_limits = |condition: &Condition| super::Condition::compile(condition).is_ok();
    assert!(is_within_limits(&nested(MAX_CONDITION_DEPTH - 1)));
    assert!(!is_within_limits(&nested(MAX_CONDITION_DEPTH)));
    let values = |n: usize| (0..n as i64).map(literal::Value::Integer).collect();
    let any_of = |n| comparison(Subject::Args, &["quantity"], Operator::In, values(n));
    assert!(is_within_limits(&any_of(MAX_LITERALS)) && !is_within_limits(&any_of(MAX_LITERALS + 1)));
    let like = |n: usize| comparison(Subject::Args, &["sku"], Operator::Like, vec![text(&"%".repeat(n))]);
    assert!(is_within_limits(&like(MAX_LIKE_BYTES)) && !is_within_limits(&like(MAX_LIKE_BYTES + 1)));
    let long = comparison(Subject::Args, &["sku"], Operator::Eq, vec![text(&"x".repeat(MAX_CONDITION_BYTES))]);
    assert!(!is_within_limits(&long));
    let deep = |n: usize| comparison(Subject::Args, &vec!["a"; n], Operator::IsNull, vec![]);
    assert!(is_within_limits(&deep(MAX_PATH_STEPS)) && !is_within_limits(&deep(MAX_PATH_STEPS + 1)));
    let wide = |n: usize| Condition {
        kind: Some(condition::Kind::Any(Conditions { conditions: (0..n).map(|_| one()).collect() })),
    };
    assert!(is_within_limits(&wide(MAX_COMPARISONS)) && !is_within_limits(&wide(MAX_COMPARISONS + 1)));
}

#[test]
fn why_a_condition_is_undecided_is_told() {
    use Operator::{Eq, Gt, In, Like};
    let integer = || vec![literal::Value::Integer(5)];
    let table = [
        (comparison(Subject::Args, &["password"], Like, vec![text("a%")]), "`args.password` is withheld"),
        (
            comparison(Subject::Args, &["sku"], Gt, integer()),
            "`args.sku` is of another type than what it is compared with",
        ),
        (
            comparison(Subject::Args, &["sku"], In, integer()),
            "`args.sku` is of another type than what it is compared with",
        ),
        (
            comparison(Subject::Args, &["lines"], Eq, integer()),
            "`args.lines` is of another type than what it is compared with",
        ),
        (comparison(Subject::Args, &["long", "900"], Eq, integer()), "`args.long.900` was cut at a limit"),
        (comparison(Subject::Args, &["absent"], Eq, integer()), "`args.absent` was cut at a limit"),
        // As in SQL, what is null is unknown, and nobody has to do anything about it.
        (comparison(Subject::Args, &["note"], Eq, integer()), ""),
        (comparison(Subject::Args, &["missing"], Eq, integer()), ""),
        (comparison(Subject::Error, &[], Eq, vec![text("x")]), ""),
    ];
    for (condition, expected) in table {
        assert_eq!(judged(&condition), (false, Some(expected.to_owned())), "{condition:?}");
        assert_eq!(judged(&not(condition)).1.as_deref(), Some(expected));
    }
}

#[test]
fn what_one_evaluation_costs_is_bounded() {
    let slow =
        || comparison(Subject::Args, &["long_text"], Operator::Like, vec![text(&format!("%{}b_", "a".repeat(1_000)))]);
    let all =
        Condition { kind: Some(condition::Kind::Any(Conditions { conditions: (0..60).map(|_| slow()).collect() })) };
    let compiled = super::Condition::compile(&all).unwrap();
    let mut value = vec![tag::TEXT];
    value.extend_from_slice(&16_000_u16.to_le_bytes());
    value.extend(std::iter::repeat_n(b'a', 16_000));
    let values = [&(value.len() as u16).to_le_bytes()[..], &value].concat();
    let redaction = Redaction::default();
    let facts = Facts {
        arguments: &["long_text"],
        values: &values,
        returned: None,
        error: None,
        outcome: "returned",
        duration_ns: 1,
        redaction: &redaction,
    };
    let mut evaluation = Evaluation { facts, steps: 0, clue: None };
    assert_eq!(evaluation.node(&compiled.0), None);
    assert!(evaluation.steps <= MAX_STEPS + 16_100, "{}", evaluation.steps);
    assert_eq!(evaluation.clue.unwrap().to_string(), "`args.long_text` takes too long to compare");
}
