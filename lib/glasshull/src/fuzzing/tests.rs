use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::value::tag;

/// Bytes that look like values: tags, short lengths, texts.
fn any_binary() -> impl Strategy<Value = Vec<u8>> {
    let text = prop_oneof!["[a-z]{0,6}", "password", "ann@example.com", "4111 1111 1111 1111", "0", ".{0,4}"];
    let sized = (prop_oneof![9u8..=12, 22u8..=23], text).prop_map(|(tag, text): (u8, String)| {
        let mut bytes = vec![tag];
        bytes.extend_from_slice(&(text.len() as u16).to_le_bytes());
        bytes.extend_from_slice(text.as_bytes());
        bytes
    });
    let opened = prop_oneof![Just(vec![tag::LIST]), Just(vec![tag::MAP])];
    let ended = prop_oneof![Just(vec![tag::END]), Just(vec![tag::END_CUT])];
    let other = (0u8..30, prop::collection::vec(any::<u8>(), 0..17)).prop_map(|(tag, mut rest)| {
        rest.insert(0, tag);
        rest
    });
    let piece = prop_oneof![3 => sized, 2 => opened, 2 => ended, 1 => other];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// Values one after the other, each behind its length.
fn framed(values: &[Vec<u8>]) -> Vec<u8> {
    values.iter().flat_map(|value| [&(value.len() as u16).to_le_bytes()[..], value].concat()).collect()
}

fn any_condition() -> impl Strategy<Value = Vec<u8>> {
    let literal = prop_oneof![
        any::<i64>().prop_map(v1::literal::Value::Integer),
        any::<f64>().prop_map(v1::literal::Value::Real),
        any::<bool>().prop_map(v1::literal::Value::Boolean),
        "[a-z%_]{0,6}".prop_map(v1::literal::Value::Text),
    ];
    let literals = prop::collection::vec(prop::option::of(literal), 0..4);
    let path = prop::collection::vec("[0-3]|[a-z]{1,3}", 0..3);
    let leaf = (0..8i32, path, 0..11i32, literals).prop_map(|(subject, path, operator, values)| {
        let values = values.into_iter().map(|value| v1::Literal { value }).collect();
        let comparison = v1::Comparison { subject, path, operator, values };
        v1::Condition { kind: Some(v1::condition::Kind::Comparison(comparison)) }
    });
    let whole = leaf.prop_recursive(4, 20, 4, |inner| {
        prop_oneof![
            inner.clone().prop_map(|inner| v1::condition::Kind::Not(Box::new(inner))),
            prop::collection::vec(inner.clone(), 0..4)
                .prop_map(|conditions| v1::condition::Kind::All(v1::Conditions { conditions })),
            prop::collection::vec(inner, 0..4)
                .prop_map(|conditions| v1::condition::Kind::Any(v1::Conditions { conditions })),
        ]
        .prop_map(|kind| v1::Condition { kind: Some(kind) })
    });
    whole.prop_map(|condition| condition.encode_to_vec())
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<Value>(text).is_ok()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn what_looks_like_a_value_becomes_json(bytes in any_binary()) {
        let json = value(&bytes);
        prop_assert!(is_json(&json), "{}", json);
        lookup(&bytes);
    }

    #[test]
    fn any_record_is_read_without_harm(
        kind in 0u8..4,
        head in prop::collection::vec(any::<u8>(), 0..60),
        values in prop::collection::vec(any_binary(), 0..4),
    ) {
        let bytes = [&[kind][..], &head, &framed(&values)].concat();
        for json in record(&bytes) {
            prop_assert!(is_json(&json), "{}", json);
        }
    }

    #[test]
    fn any_condition_is_evaluated_without_harm(
        bytes in any_condition(),
        values in prop::collection::vec(any_binary(), 0..4),
    ) {
        condition(&[&(bytes.len() as u16).to_le_bytes()[..], &bytes, &framed(&values)].concat());
    }

    #[test]
    fn any_text_is_searched_without_harm(
        any in ".{0,200}",
        made in r#"(password|token|[a-z]{1,3}|[ :=,;"\\{}()\[\]'&\n]{1,3}|[0-9]{1,17}|@|://){0,40}"#,
    ) {
        text(&any);
        text(&made);
    }

    #[test]
    fn any_header_is_read_without_harm(
        any in ".{0,80}",
        made in "[0-9a-f]{0,2}-[0-9a-f]{30,33}-[0-9a-f]{15,17}-[0-9a-f]{0,3}",
        state in "(glasshull=d:|[a-z]=|,|[0-9]{1,12}){0,9}",
    ) {
        [any, made, state].iter().for_each(|header| headers(header));
    }

    #[test]
    fn random_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        record(&bytes);
        value(&bytes);
        lookup(&bytes);
        condition(&bytes);
    }
}
