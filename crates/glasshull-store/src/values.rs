//! Values whose members lie in columns of their own.
//!
//! Arguments are JSON objects that have the same keys in row after row. In a segment the text
//! `{"user":7,"order":"a-1"}` may therefore lie as its **form** `{"user":␁,"order":"␁"}` in the column `args_form`, with
//! `7` in `args.user` and `a-1` in `args.order`; `args` is null there. (`␁` is the character U+0001, which JSON texts
//! cannot hold.) The same for `returned`. What does not fit lies whole in `args`, and no form beside it. What is put
//! together again is what was taken apart, to the byte.
//!
//! Which members have columns is chosen for each segment anew, from a sample of its rows: [`Layout`].

mod apart;
mod layout;
mod members;
mod whole;

pub(crate) use apart::Columns;
pub(crate) use layout::{Layout, SAMPLE_ROWS};
pub use whole::{MemberColumns, only};

/// Stands in a form for the value of the member whose key is before it.
const HOLE: u8 = 1;

/// The columns of values that may be taken apart.
const TAKEN_APART: [&str; 2] = ["args", "returned"];

/// The column of a value's forms.
fn form_column(value: &str) -> String {
    format!("{value}_form")
}

/// The column of a member of a value.
fn member_column(value: &str, key: &str) -> String {
    format!("{value}.{key}")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Array, ArrayRef, AsArray, StringArray};
    use arrow::datatypes::{DataType, Field, Schema};
    use arrow::record_batch::RecordBatch;
    use proptest::prelude::*;

    use super::apart::Apart;
    use super::*;
    use crate::index::Mention;

    fn texts(texts: &[Option<String>]) -> StringArray {
        texts.iter().map(Option::as_deref).collect()
    }

    /// What a segment would hold, and what comes out of it.
    fn there_and_back(values: &StringArray) -> (RecordBatch, StringArray) {
        let layout = Layout::of_values("args", values);
        let alike: Vec<i32> = (0..values.len()).map(|row| row as i32 % 3).collect();
        let arrays = Apart::new("args", &layout).take(values, &alike);
        let fields = [vec![Field::new("args", DataType::Utf8, true)], layout.fields("args")].concat();
        let stored = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap();
        let back = match MemberColumns::of("args", &stored.schema()) {
            Some(columns) => columns.whole_of(&stored).unwrap(),
            None => stored.column(0).as_string::<i32>().clone(),
        };
        (stored, back)
    }

    fn json() -> impl Strategy<Value = String> {
        let scalar = prop_oneof![
            any::<i32>().prop_map(|n| n.to_string()),
            "[a-z\"\\\\é\n-]{0,8}".prop_map(|text| serde_json::to_string(&text).unwrap()),
            Just("null".to_owned()),
            Just("1.50".to_owned()),
        ];
        let value = scalar.prop_recursive(3, 12, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(|items| format!("[{}]", items.join(","))),
                prop::collection::vec(("[a-d]", inner), 0..3).prop_map(object),
            ]
        });
        let broken =
            prop_oneof![Just("{\"a\":".to_owned()), Just("{\"a\":1}}".to_owned()), Just("{\"a\" :1}".to_owned())];
        prop_oneof![4 => prop::collection::vec(("[a-f]", value.clone()), 0..5).prop_map(object), 1 => value, 1 => broken, 1 => ".{0,20}"]
    }

    fn object(members: Vec<(String, String)>) -> String {
        let members: Vec<_> = members.into_iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
        format!("{{{}}}", members.join(","))
    }

    proptest! {
        #[test]
        fn what_is_put_together_is_what_was_taken_apart(values in prop::collection::vec(prop::option::of(json()), 1..60)) {
            let values = texts(&values);
            prop_assert_eq!(there_and_back(&values).1, values);
        }
    }

    proptest! {
        #[test]
        fn parts_mention_what_the_whole_mentions(
            values in prop::collection::vec(prop::option::of(json()), 1..60), text in "[a-f0-9é. \\[-]{1,3}",
        ) {
            let values = texts(&values);
            let (stored, _) = there_and_back(&values);
            let mention = Mention::of(&text);
            let Some(columns) = MemberColumns::of("args", &stored.schema()) else { return Ok(()) };
            prop_assert!(mention.stays_in_members());
            prop_assert_eq!(columns.mentioning(&mention, stored.columns()).unwrap(), mention.in_each(&values));
        }
    }

    #[test]
    fn members_that_most_have_get_columns() {
        let values: Vec<_> = (0..200)
            .map(|n| match n % 50 {
                0 => Some(format!(r#"{{"rare{n}":{n}}}"#)),
                1 => None,
                2 => Some("17".to_owned()),
                _ => Some(format!(r#"{{"user":{n},"order":"a\"{n}","all":true}}"#)),
            })
            .collect();
        let values = texts(&values);
        let (stored, back) = there_and_back(&values);
        assert_eq!(back, values);
        let names: Vec<_> = stored.schema().fields().iter().map(|field| field.name().clone()).collect();
        assert_eq!(names, ["args", "args_form", "args.user", "args.order", "args.all"]);
        let text = |column: usize, row: usize| stored.column(column).as_string::<i32>().value(row).to_owned();
        assert_eq!((text(2, 7), text(3, 7), text(4, 7)), ("7".into(), "a\\\"7".into(), "true".into()));
        assert!(stored.column(0).is_null(7) && stored.column(1).is_null(2) && text(0, 2) == "17");
        assert_eq!(text(0, 50), r#"{"rare50":50}"#, "what few have stays whole");
    }

    #[test]
    fn of_too_many_forms_the_rest_stays_whole() {
        let keys = |n: u32| (0..12).filter(move |bit| n >> bit & 1 == 1).map(move |bit| format!("\"k{bit}\":{n}"));
        let values: Vec<_> =
            (0..4_096).map(|n| Some(format!("{{{}}}", keys(n).collect::<Vec<_>>().join(",")))).collect();
        let values = texts(&values);
        let (stored, back) = there_and_back(&values);
        assert_eq!(back, values);
        assert!(stored.column(0).null_count() > 100 && stored.column(1).null_count() > 100);
    }

    #[test]
    fn a_member_is_looked_up_without_the_others() {
        let values = texts(&[
            Some(r#"{"user":7,"order":"a\"\u0041","all":true,"none":null,"list":[1,"x"]}"#.to_owned()),
            Some(r#"{"user":"seven","order":"b","list":{}}"#.to_owned()),
            Some(r#"{"user":1,"user":2}"#.to_owned()),
            None,
        ]);
        let repeated = arrow::compute::concat(&[&values as &dyn Array; 40]).unwrap();
        let (stored, _) = there_and_back(repeated.as_string::<i32>());
        let columns = MemberColumns::of("args", &stored.schema()).unwrap();
        let got = |key: &str| {
            let names = columns.names_of_member(key).unwrap();
            let arrays = names.map(|name| stored.column_by_name(&name).unwrap().clone());
            let got = only(key, &arrays).unwrap();
            [0, 1, 2, 3].map(|row| if got.is_valid(row) { got.value(row) } else { "" }.to_owned())
        };
        let whole = r#"{"user":1,"user":2}"#;
        assert_eq!(got("user"), [r#"{"user":7}"#, r#"{"user":"seven"}"#, whole, ""]);
        assert_eq!(got("order"), [r#"{"order":"a\"\u0041"}"#, r#"{"order":"b"}"#, whole, ""]);
        assert_eq!(got("none"), [r#"{"none":null}"#, "{}", whole, ""]);
        assert_eq!(got("list"), [r#"{"list":[1,"x"]}"#, r#"{"list":{}}"#, whole, ""]);
        assert_eq!(columns.names_of_member("nobody"), None);
    }

    #[test]
    fn what_does_not_fit_together_is_damaged() {
        let values = texts(&vec![Some(r#"{"user":7}"#.to_owned()); 10]);
        let (stored, _) = there_and_back(&values);
        let columns = MemberColumns::of("args", &stored.schema()).unwrap();
        let nothing: ArrayRef = Arc::new(StringArray::new_null(10));
        let with = |place: usize, column: &ArrayRef| {
            let mut arrays = stored.columns().to_vec();
            arrays[place] = column.clone();
            columns.whole(&arrays)
        };
        assert!(with(2, &nothing).is_err() && columns.whole(&stored.columns()[..2]).is_err());
        for form in ["\u{1}", "{\"other\":\u{1}}", "\":\u{1}"] {
            let forms: ArrayRef = Arc::new(StringArray::from(vec![form; 10]));
            assert!(with(1, &forms).is_err(), "{form:?}");
        }
        let bomb: ArrayRef = Arc::new(StringArray::from(vec![format!("{{\"user\":{}", "\u{1}".repeat(1 << 10)); 10]));
        assert!(with(1, &bomb).is_err());
    }
}
