//! Values of every kind that serde knows, nested in every way.

use serde::ser::{
    SerializeMap as _, SerializeSeq as _, SerializeStruct as _, SerializeStructVariant as _, SerializeTuple as _,
    SerializeTupleStruct as _, SerializeTupleVariant as _, Serializer,
};

use super::*;

#[derive(Clone, Debug)]
enum Any {
    Unit,
    UnitStruct,
    UnitVariant(&'static str),
    Bool(bool),
    Small(i8, u8, i16, u16, i32, u32),
    Signed(i64),
    Unsigned(u64),
    Signed128(i128),
    Unsigned128(u128),
    Float32(f32),
    Float64(f64),
    Char(char),
    Text(String),
    Bytes(Vec<u8>),
    Optional(Option<Box<Any>>),
    Newtype(Box<Any>),
    NewtypeVariant(&'static str, Box<Any>),
    List(Vec<Any>),
    Tuple(Vec<Any>),
    TupleStruct(Vec<Any>),
    TupleVariant(&'static str, Vec<Any>),
    Map(Vec<(Key, Any)>),
    Struct(Vec<(&'static str, Any)>),
    StructVariant(&'static str, Vec<(&'static str, Any)>),
}

/// What can be a key in JSON.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
enum Key {
    Text(String),
    Signed(i64),
    Unsigned(u64),
    Char(char),
}

impl Serialize for Any {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        macro_rules! parts {
            ($open:expr, $parts:expr, $add:ident) => {{
                let mut open = $open?;
                $parts.iter().try_for_each(|part| open.$add(part))?;
                open.end()
            }};
        }
        macro_rules! fields {
            ($open:expr, $fields:expr) => {{
                let mut open = $open?;
                $fields.iter().try_for_each(|(name, value)| open.serialize_field(name, value))?;
                open.end()
            }};
        }
        match self {
            Self::Unit => s.serialize_unit(),
            Self::UnitStruct => s.serialize_unit_struct("Unit"),
            Self::UnitVariant(variant) => s.serialize_unit_variant("Enum", 0, variant),
            Self::Bool(value) => s.serialize_bool(*value),
            Self::Small(a, b, c, d, e, f) => (a, b, c, d, e, f).serialize(s),
            Self::Signed(value) => s.serialize_i64(*value),
            Self::Unsigned(value) => s.serialize_u64(*value),
            Self::Signed128(value) => s.serialize_i128(*value),
            Self::Unsigned128(value) => s.serialize_u128(*value),
            Self::Float32(value) => s.serialize_f32(*value),
            Self::Float64(value) => s.serialize_f64(*value),
            Self::Char(value) => s.serialize_char(*value),
            Self::Text(value) => s.serialize_str(value),
            Self::Bytes(value) => s.serialize_bytes(value),
            Self::Optional(None) => s.serialize_none(),
            Self::Optional(Some(value)) => s.serialize_some(value),
            Self::Newtype(value) => s.serialize_newtype_struct("Newtype", value),
            Self::NewtypeVariant(variant, value) => s.serialize_newtype_variant("Enum", 1, variant, value),
            Self::List(parts) => parts!(s.serialize_seq(None), parts, serialize_element),
            Self::Tuple(parts) => parts!(s.serialize_tuple(parts.len()), parts, serialize_element),
            Self::TupleStruct(parts) => parts!(s.serialize_tuple_struct("Tuple", parts.len()), parts, serialize_field),
            Self::TupleVariant(variant, parts) => {
                parts!(s.serialize_tuple_variant("Enum", 2, variant, parts.len()), parts, serialize_field)
            }
            Self::Map(entries) => {
                let mut map = s.serialize_map(None)?;
                entries.iter().try_for_each(|(key, value)| map.serialize_entry(key, value))?;
                map.end()
            }
            Self::Struct(fields) => fields!(s.serialize_struct("Struct", fields.len()), fields),
            Self::StructVariant(variant, fields) => {
                fields!(s.serialize_struct_variant("Enum", 3, variant, fields.len()), fields)
            }
        }
    }
}

fn name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["a", "b", "Kind", "total", "", "ä b", "\"quoted\""])
}

fn any_leaf() -> impl Strategy<Value = Any> {
    // Some have two shortest texts, of which serde_json takes another than the standard library.
    let has_one_text = |f: &f32| serde_json::to_string(f).unwrap().parse::<f64>() == format!("{f:?}").parse();
    let finite_32 = any::<f32>().prop_filter("JSON has no word for it", move |f| f.is_finite() && has_one_text(f));
    let finite_64 = any::<f64>().prop_filter("JSON has no word for it", |f| f.is_finite());
    prop_oneof![
        Just(Any::Unit),
        Just(Any::UnitStruct),
        Just(Any::Optional(None)),
        name().prop_map(Any::UnitVariant),
        any::<bool>().prop_map(Any::Bool),
        any::<(i8, u8, i16, u16, i32, u32)>().prop_map(|(a, b, c, d, e, f)| Any::Small(a, b, c, d, e, f)),
        any::<i64>().prop_map(Any::Signed),
        any::<u64>().prop_map(Any::Unsigned),
        any::<i128>().prop_map(Any::Signed128),
        any::<u128>().prop_map(Any::Unsigned128),
        finite_32.prop_map(Any::Float32),
        finite_64.prop_map(Any::Float64),
        any::<char>().prop_map(Any::Char),
        ".{0,12}".prop_map(Any::Text),
        prop::collection::vec(any::<u8>(), 0..9).prop_map(Any::Bytes),
    ]
}

fn any_key() -> impl Strategy<Value = Key> {
    prop_oneof![
        "k.{0,5}".prop_map(Key::Text),
        any::<i64>().prop_map(Key::Signed),
        any::<u64>().prop_map(Key::Unsigned),
        any::<char>().prop_map(Key::Char),
    ]
}

fn any_value() -> impl Strategy<Value = Any> {
    any_leaf().prop_recursive(4, 30, 5, |inner| {
        let one = || inner.clone().prop_map(Box::new);
        let several = || prop::collection::vec(inner.clone(), 0..5);
        let fields = || prop::collection::vec((name(), inner.clone()), 0..5);
        prop_oneof![
            one().prop_map(|value| Any::Optional(Some(value))),
            one().prop_map(Any::Newtype),
            (name(), one()).prop_map(|(variant, value)| Any::NewtypeVariant(variant, value)),
            several().prop_map(Any::List),
            several().prop_map(Any::Tuple),
            several().prop_map(Any::TupleStruct),
            (name(), several()).prop_map(|(variant, parts)| Any::TupleVariant(variant, parts)),
            prop::collection::vec((any_key(), inner.clone()), 0..5).prop_map(Any::Map),
            fields().prop_map(Any::Struct),
            (name(), fields()).prop_map(|(variant, fields)| Any::StructVariant(variant, fields)),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn a_value_of_any_kind_is_what_serde_json_makes_of_it(value in any_value()) {
        let text = serialized(&value);
        let expected: Value = serde_json::from_str(&serde_json::to_string(&value).unwrap()).unwrap();
        let got: Value = serde_json::from_str(&text).unwrap();
        // What exceeds a limit is another test's matter.
        prop_assume!(!is_marked(&text));
        prop_assert_eq!(got, expected, "{}", text);
    }
}
