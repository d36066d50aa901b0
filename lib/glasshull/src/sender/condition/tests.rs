use glasshull_wire::v1::Conditions;
use serde::Serialize;

use super::*;
use crate::value::Recorder;

fn binary(value: &impl Serialize) -> Vec<u8> {
    let mut recorder = Recorder::new(std::sync::Arc::default());
    recorder.serialize(value);
    crate::record::values(&recorder.bytes).next().unwrap().to_vec()
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

/// Of a call with these arguments, returning `{"total": 0}` after 5 ms.
fn of_a_call(condition: &Condition) -> bool {
    let args = binary(&serde_json::json!({
        "sku": "GREEN-HAT", "quantity": 3, "price": 1.5, "gift": true, "note": null, "lines": [{"id": 7}],
    }));
    let returned = binary(&serde_json::json!({"total": 0}));
    let redaction = Redaction::default();
    let args = || Tree::read(&args, &redaction);
    let facts = Facts {
        args: &args,
        returned: Some(&returned),
        error: None,
        outcome: "returned",
        duration_ns: 5_000_000,
        redaction: &redaction,
    };
    holds(condition, &facts)
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
    assert!(is_within_limits(&nested(MAX_CONDITION_DEPTH - 1)));
    assert!(!is_within_limits(&nested(MAX_CONDITION_DEPTH)));
    let wide = |n: usize| Condition {
        kind: Some(condition::Kind::Any(Conditions { conditions: (0..n).map(|_| one()).collect() })),
    };
    assert!(is_within_limits(&wide(MAX_COMPARISONS)) && !is_within_limits(&wide(MAX_COMPARISONS + 1)));
}
