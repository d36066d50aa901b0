use std::collections::BTreeMap;
use std::fmt;

use proptest::prelude::*;
use serde::Serialize;
use serde_json::{Value, json};

use super::redaction::{Redaction, Sensitive, Wishes};
use super::*;

mod typed;

const LIMITS: Limits = Limits::DEFAULT;

fn recorded(record: impl FnOnce(&mut Recorder)) -> String {
    recorded_with(Redaction::default(), record)
}

fn recorded_with(redaction: Redaction, record: impl FnOnce(&mut Recorder)) -> String {
    let redaction = std::sync::Arc::new(redaction);
    let mut recorder = Recorder::for_test_with(std::sync::Arc::clone(&redaction), &[]);
    record(&mut recorder);
    let mut out = Json::default();
    write_json(&mut out, crate::record::values(recorder.bytes.written(0)).next().unwrap(), &redaction);
    out.as_str().to_owned()
}

fn serialized(value: &(impl Serialize + ?Sized)) -> String {
    recorded(|recorder| recorder.serialize(value))
}

fn printed(value: &(impl fmt::Debug + ?Sized)) -> String {
    recorded(|recorder| recorder.debug(value))
}

fn is_marked(text: &str) -> bool {
    text.contains(r#""$glasshull":"truncated""#) || text.contains('…')
}

#[test]
fn behind_a_number_that_did_not_fit_nothing_is_written_and_nothing_panics() {
    for lead in 0..16 {
        let mut recorder = Recorder::for_test();
        (0..lead).for_each(|_| recorder.bytes.push(0));
        while !recorder.bytes.is_overflowed() {
            recorder.word(Word::number(0, u64::MAX));
        }
        recorder.opaque("a type");
        recorder.serialize(&["a", "list"]);
        recorder.debug(&"printed");
        recorder.message(format_args!("a message"));
        assert!(recorder.bytes.is_overflowed());
    }
}

#[derive(Serialize)]
struct Unit;

#[derive(Serialize)]
struct Newtype(u8);

#[derive(Serialize)]
struct Pair(u8, &'static str);

#[derive(Serialize)]
struct Fields {
    a: Option<u8>,
    b: (),
}

#[derive(Serialize)]
enum Choice {
    Unit,
    Newtype(u8),
    Pair(u8, u8),
    Fields { a: u8 },
}

#[test]
fn every_kind_of_value_is_what_serde_json_makes_of_it() {
    #[track_caller]
    fn same(value: impl Serialize) {
        assert_eq!(serialized(&value), serde_json::to_string(&value).unwrap());
    }
    same((true, false, (), None::<u8>, Some(5)));
    same((i8::MIN, i16::MIN, i32::MIN, i64::MIN, u8::MAX, u16::MAX, u32::MAX, u64::MAX));
    same((i128::MIN, u128::MAX));
    same((1.5f32, 0.1f32, 0.1f64, -0.0f64, f64::MIN_POSITIVE));
    same(('ä', "quote \" backslash \\ newline \n tab \t bell \u{7} ü 🎩"));
    same((Unit, Newtype(1), Pair(1, "x"), Fields { a: None, b: () }));
    same((Choice::Unit, Choice::Newtype(1), Choice::Pair(1, 2), Choice::Fields { a: 1 }));
    same(BTreeMap::from([(1, "one"), (-2, "two")]));
    same(BTreeMap::from([('a', vec![vec![1], vec![]])]));
    same(BTreeMap::from([(true, json!({"deep": {"er": []}}))]));
}

#[test]
fn what_json_has_no_word_for_is_told_as_text() {
    assert_eq!(serialized(&[f64::NAN, f64::INFINITY, f64::NEG_INFINITY]), r#"["NaN","Infinity","-Infinity"]"#);
    assert_eq!(serialized(&f32::NAN), r#""NaN""#);
    let odd_keys = BTreeMap::from([((1, 2), 3)]);
    assert_eq!(serialized(&odd_keys), r#"{"[1,2]":3}"#);
}

#[test]
fn bytes_are_numbers() {
    struct Bytes(usize);
    impl Serialize for Bytes {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_bytes(&vec![7; self.0])
        }
    }
    assert_eq!(serialized(&Bytes(3)), "[7,7,7]");
    assert!(is_marked(&serialized(&Bytes(LIMITS.items + 1))));
}

#[test]
fn a_long_text_is_cut_at_a_character() {
    let text = serialized(&"ä".repeat(1_000));
    assert_eq!(text, format!("\"{}…\"", "ä".repeat(LIMITS.text_bytes / 2)));
    let whole = "x".repeat(LIMITS.text_bytes);
    assert_eq!(serialized(&whole), format!("\"{whole}\""));
    assert!(printed(&"x".repeat(5_000)).ends_with("…\""));
}

#[test]
fn a_long_list_and_map_say_that_there_is_more() {
    let list: Value = serde_json::from_str(&serialized(&vec![1; 200])).unwrap();
    assert_eq!(list.as_array().unwrap().len(), LIMITS.items + 1);
    assert_eq!(list[LIMITS.items], json!({"$glasshull": "truncated"}));
    let map: BTreeMap<String, u8> = (0..200).map(|i| (i.to_string(), 0)).collect();
    let map: Value = serde_json::from_str(&serialized(&map)).unwrap();
    assert_eq!(map.as_object().unwrap().len(), LIMITS.items + 1);
    assert_eq!(map["$glasshull"], "truncated");
}

#[test]
fn what_follows_a_long_list_is_still_captured() {
    let value: Value = serde_json::from_str(&serialized(&(vec![1; 5_000], "after"))).unwrap();
    assert_eq!(value[1], "after");
}

/// A list whose code takes what it is told in its own way.
struct Own(Heed);

type Heed = fn(Result<(), String>) -> Result<(), String>;

impl Serialize for Own {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::{Error, SerializeSeq};
        let mut list = serializer.serialize_seq(None)?;
        for i in 0..2_000 {
            let told = list.serialize_element(&i).map_err(|error| error.to_string());
            (self.0)(told).map_err(S::Error::custom)?;
        }
        list.end()
    }
}

#[test]
fn a_long_list_ends_early_whatever_its_code_makes_of_that() {
    #[derive(Serialize)]
    struct Around<T> {
        list: Option<T>,
        map: std::collections::BTreeMap<u32, Vec<T>>,
        after: u32,
    }
    let own: [Heed; 2] = [|told| told, |_| Ok(())];
    for own in own {
        let value = Around { list: Some(Own(own)), map: [(1, vec![Own(own), Own(own)])].into(), after: 7 };
        let value: Value = serde_json::from_str(&serialized(&value)).unwrap();
        assert_eq!(value["after"], 7);
        for list in [&value["list"], &value["map"]["1"][0], &value["map"]["1"][1]] {
            assert_eq!(list.as_array().unwrap().len(), LIMITS.items + 1, "{list}");
            assert_eq!(list[LIMITS.items], json!({"$glasshull": "truncated"}));
        }
    }
}

#[test]
fn a_deep_value_ends_in_a_marker() {
    let deep = (0..50).fold(json!(1), |inner, _| json!([inner]));
    let text = serialized(&deep);
    let expected =
        format!("{}{}{}", "[".repeat(LIMITS.depth), r#"{"$glasshull":"truncated"}"#, "]".repeat(LIMITS.depth));
    assert_eq!(text, expected);
    let variants = (0..50).fold(json!(1), |inner, _| json!({"v": [inner]}));
    assert!(is_marked(&serialized(&variants)));
}

#[test]
fn a_large_value_is_cut_and_says_so() {
    let large: Vec<String> = (0..60).map(|_| "x".repeat(200)).collect();
    let text = serialized(&json!({"lines": large, "total": 5}));
    assert!(text.len() < 2 * LIMITS.bytes && is_marked(&text), "{text}");
    serde_json::from_str::<Value>(&text).unwrap();
}

#[test]
fn endless_values_end() {
    struct Endless;
    impl Serialize for Endless {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_seq(std::iter::repeat(1))
        }
    }
    assert!(is_marked(&serialized(&Endless)));
    struct Recursive;
    impl Serialize for Recursive {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_seq([Self, Self])
        }
    }
    assert!(is_marked(&serialized(&Recursive)));
}

#[test]
fn names_of_secrets_are_recognized() {
    let redaction = Redaction::of(&Wishes { names: vec!["Favourite-Colour".into()], ..Wishes::default() });
    for name in [
        "password",
        "PASSWORD_HASH",
        "userPassword",
        "client-secret",
        "apiKey",
        "X-Api-Key",
        "access_token",
        "Token",
        "authorization",
        "Proxy-Authorization",
        "set-cookie",
        "card",
        "cardNumber",
        "iban",
        "CVV",
        "favourite_colour",
    ] {
        assert!(redaction.names(name) && redaction.names_static(name), "{name}");
    }
    for name in
        ["tokens_used", "discard", "pinned", "author", "cards", "key", "sku", "passenger", "", "__", "session_count"]
    {
        assert!(!redaction.names(name) && !redaction.names_static(name), "{name}");
        assert!(!Redaction::default().names_static(name), "{name}");
        assert!(!Redaction::default().names_static(name), "{name}, remembered");
    }
}

#[test]
fn secrets_are_withheld_wherever_names_are_known() {
    #[derive(Serialize)]
    enum Credentials {
        Password(String),
        Token { value: String },
    }
    let value = json!({"user": "ann", "Password": {"old": "a", "new": "b"}, "list": [{"api_key": 1}]});
    let redacted = r#"{"$glasshull":"redacted"}"#;
    let expected = json!({"user": "ann", "Password": "R", "list": [{"api_key": "R"}]}).to_string();
    assert_eq!(serialized(&value), expected.replace("\"R\"", redacted));
    assert_eq!(serialized(&Credentials::Password("x".into())), format!(r#"{{"Password":{redacted}}}"#));
    assert_eq!(serialized(&Credentials::Token { value: "x".into() }), format!(r#"{{"Token":{redacted}}}"#));
}

#[test]
fn secrets_are_withheld_in_printed_values() {
    let redaction = Redaction::default();
    let redact = |text: &str, colons| redaction.redact_text(text, colons).unwrap_or_else(|| text.to_owned());
    for (printed, expected) in [
        (r#"User { name: "a", password: "b, }", id: 1 }"#, r#"User { name: "a", password: [redacted], id: 1 }"#),
        (r#"{"token": Secret { a: (1, 2) }, "b": 1}"#, r#"{"token": [redacted], "b": 1}"#),
        (r#"Login { password: "unfinis"#, r"Login { password: [redacted]"),
        (r#"Header { cookie: "a\"b", x: 1 }"#, "Header { cookie: [redacted], x: 1 }"),
        ("a::token::b: 1", "a::token::b: 1"),
        ("Point { x: 1, y: 2 }", "Point { x: 1, y: 2 }"),
    ] {
        assert_eq!(redact(printed, true), expected);
    }
    for (message, expected) in [
        ("login with password=a&user=b failed", "login with password=[redacted]&user=b failed"),
        ("unexpected token: `;`", "unexpected token: `;`"),
        (r#"bad body {"password":"x","n":1}"#, r#"bad body {"password":[redacted],"n":1}"#),
        (r#"Err(Bad { password: "x", n: 1 })"#, "Err(Bad { password: [redacted], n: 1 })"),
        ("refused Card { n: 1,\n    cvv: 123 }", "refused Card { n: 1,\n    cvv: [redacted] }"),
        (r#"bad header cookie: "a=b; c=d" in request"#, "bad header cookie: [redacted]"),
    ] {
        assert_eq!(redact(message, false), expected);
    }
}

#[test]
fn secrets_are_withheld_in_texts_inside_texts() {
    let redaction = Redaction::default();
    #[derive(Debug)]
    #[allow(dead_code)]
    struct Inner {
        password: String,
        n: u8,
    }
    let inner = Inner { password: "hunter2 \" \\ }".into(), n: 1 };
    let once = format!("{inner:?}");
    let json = json!({"user": "ann", "password": "hunter2 \" \\ }", "n": 1}).to_string();
    for text in [once, json] {
        // Each level escapes the quotes of the one before.
        let levels = std::iter::successors(Some(text), |text| Some(format!("Message({text:?}, last)")));
        for text in levels.take(4) {
            let shown = redaction.redact_text(&text, true).unwrap();
            assert!(!shown.contains("hunter2") && shown.contains("n"), "{shown}");
            let prose = format!("it failed: {text}");
            assert!(!redaction.redact_text(&prose, false).unwrap().contains("hunter2"), "{prose}");
        }
    }
    let body = r#"body "{\"user\":\"ann\",\"password\":\"hunter2\",\"n\":1}" refused"#;
    let expected = r#"body "{\"user\":\"ann\",\"password\":[redacted],\"n\":1}" refused"#;
    assert_eq!(redaction.redact_text(body, false).unwrap(), expected);
}

#[test]
fn secrets_are_withheld_in_prose_where_it_cannot_mean_something_else() {
    let redaction = Redaction::default();
    for (message, expected) in [
        ("invalid password: hunter2", "invalid password: [redacted]"),
        ("api key: abc, next", "api key: [redacted], next"),
        (r#"bad "api key": "abc""#, r#"bad "api key": [redacted]"#),
        ("unknown session: 4f9a8b; bye", "unknown session: [redacted]; bye"),
        ("password:\n  hunter2", "password:\n  [redacted]"),
        ("login password='a, b' failed", "login password=[redacted] failed"),
        (r#"{"password" => "x", "n" => 1}"#, r#"{"password" => [redacted], "n" => 1}"#),
    ] {
        assert_eq!(redaction.redact_text(message, false).as_deref(), Some(expected));
    }
    for harmless in ["unexpected token: `;`", "auth: denied", "a session: over", "the card: red"] {
        assert_eq!(redaction.redact_text(harmless, false), None, "{harmless}");
    }
}

#[test]
fn names_can_be_added_and_taken_away() {
    let wishes = Wishes {
        names: vec!["colour".into(), "pin".into()],
        except: vec!["Pin".into(), "session_".into()],
        ..Wishes::default()
    };
    let redaction = Redaction::of(&wishes);
    assert!(redaction.names("Colour") && redaction.names("pin") && redaction.names("password"));
    assert!(!redaction.names("SESSION") && redaction.names("session_key"));
    // Agents with other names do not share answers.
    assert!(!redaction.names_static("session") && Redaction::default().names_static("session"));
    assert!(!redaction.names_static("session"));
    let long = format!("{}password", "x-".repeat(100));
    assert!(redaction.names(&long), "a long name is looked at as a whole");
    assert!(serialized(&BTreeMap::from([(long, 1)])).contains("redacted"));
}

#[test]
fn what_looks_like_a_secret_is_withheld_in_every_text_on_demand() {
    let all = || Redaction::of(&Wishes { values: Sensitive::parse_list("all").unwrap(), ..Wishes::default() });
    let value = json!({
        "note": "call ann@example.com", "n": 4_111_111_111_111_111_u64, "list": ["Bearer abc", "password=x"],
        "url": "db://a:b@c", "bob@example.com": 1,
    });
    let shown = recorded_with(all(), |recorder| recorder.serialize(&value));
    let expected = json!({
        "note": "call [redacted]", "n": {"$glasshull": "redacted"}, "list": ["Bearer [redacted]", "password=[redacted]"],
        "url": "db://a:[redacted]@c", "[redacted]": 1,
    });
    assert_eq!(serde_json::from_str::<Value>(&shown).unwrap(), expected);
    assert_eq!(serialized(&value), value.to_string(), "off by default");
    let shown = recorded_with(all(), |recorder| recorder.debug("to ann@example.com"));
    assert_eq!(shown, r#""\"to [redacted]\"""#);
    let shown = recorded_with(all(), |recorder| recorder.panic("4111 1111 1111 1111 was refused", None));
    assert_eq!(shown, r#"{"message":"[redacted] was refused"}"#);
    // The address is cut in the middle.
    let long = format!("{} ann@example.com", "x".repeat(LIMITS.text_bytes - 8));
    assert!(recorded_with(all(), |recorder| recorder.serialize(&long)).ends_with(" [redacted]…\""));
}

#[test]
fn strict_mode_shows_nothing_that_debug_prints() {
    use crate::specialize::{Failure, PutDebugError as _};
    let strict = || Redaction::of(&Wishes { strict: true, ..Wishes::default() });
    #[derive(Debug)]
    struct Data(#[allow(dead_code)] &'static str);
    let data = Data("hunter2");
    let shown = recorded_with(strict(), |recorder| recorder.debug(&data));
    assert!(shown.contains("opaque: ") && shown.contains("Data") && shown.contains("strict mode"), "{shown}");
    let shown = recorded_with(strict(), |recorder| (&Failure(&data)).put(recorder));
    assert!(shown.contains("strict mode") && shown.contains("\"type\"") && !shown.contains("hunter2"), "{shown}");
    assert_eq!(recorded_with(strict(), |recorder| recorder.serialize(&1)), "1");
}

#[test]
fn what_was_met_is_told() {
    let met = |record: &dyn Fn(&mut Recorder)| {
        let mut recorder = Recorder::for_test();
        record(&mut recorder);
        let value = crate::record::values(recorder.bytes.written(0)).next().unwrap().to_vec();
        let met = write_json(&mut Json::default(), &value, &Redaction::default());
        [met.truncated, met.failed, met.printed]
    };
    struct Broken;
    impl Serialize for Broken {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("out of order"))
        }
    }
    assert_eq!(met(&|recorder| recorder.serialize(&json!({"a": [1, null, "b"]}))), [false, false, false]);
    assert_eq!(met(&|recorder| recorder.serialize(&vec![1; 100])), [true, false, false]);
    assert_eq!(met(&|recorder| recorder.serialize(&"x".repeat(2_000))), [true, false, false]);
    assert_eq!(met(&|recorder| recorder.serialize(&vec!["x".repeat(1_000); 9])), [true, false, false]);
    assert_eq!(
        met(&|recorder| recorder.serialize(&(0..99).map(|n| (n, n)).collect::<BTreeMap<_, _>>())),
        [true, false, false]
    );
    assert_eq!(met(&|recorder| recorder.serialize(&Broken)), [false, true, false]);
    assert_eq!(met(&|recorder| recorder.debug(&1)), [false, false, true]);
    assert_eq!(met(&|recorder| recorder.debug(&"x".repeat(2_000))), [true, false, true]);
}

#[test]
fn secrets_are_withheld_in_errors_and_panics() {
    #[derive(Debug)]
    struct Bad {
        password: &'static str,
        pin: u32,
    }
    impl fmt::Display for Bad {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "refused: {self:?}, {} and {}", self.password.len(), self.pin / 10_000)
        }
    }
    let bad = Bad { password: "hunter2", pin: 4711 };
    let panic = format!("called `Result::unwrap()` on an `Err` value: {bad:?}");
    for text in [
        recorded(|recorder| recorder.failure(format_args!("{bad:?}"), "Debug", "Bad", || None)),
        recorded(|recorder| recorder.failure(format_args!("{bad}"), "Display", "Bad", || None)),
        recorded(|recorder| recorder.panic(&panic, None)),
    ] {
        assert!(!text.contains("hunter2") && !text.contains("4711") && text.contains("[redacted]"), "{text}");
    }
}

#[test]
fn errors_that_panic_do_no_harm() {
    use crate::specialize::{Failure, PutError as _, PutErrorBehind as _};

    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("again");
        }
    }
    #[derive(Debug)]
    struct Hostile;
    impl fmt::Display for Hostile {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            std::panic::panic_any(Bomb)
        }
    }
    impl std::error::Error for Hostile {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            std::panic::panic_any(Bomb)
        }
    }
    struct Behind;
    impl std::ops::Deref for Behind {
        type Target = Hostile;
        fn deref(&self) -> &Hostile {
            std::panic::panic_any(Bomb)
        }
    }
    for text in [
        recorded(|recorder| (&&&&Failure(&Hostile)).put(recorder)),
        recorded(|recorder| (&&&Failure(&Behind)).put(recorder)),
    ] {
        assert!(text.contains("Display panicked: a value that is no text") && !text.contains("causes"), "{text}");
    }
}

#[test]
fn keys_inside_keys_do_not_grow_without_end() {
    struct KeyOfKeys(usize);
    impl Serialize for KeyOfKeys {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            match self.0 {
                0 => serializer.serialize_str("\"\"\"\""),
                levels => serializer.collect_map([(Self(levels - 1), 1)]),
            }
        }
    }
    let text = serialized(&KeyOfKeys(LIMITS.depth));
    assert!(text.len() < 2_000 && is_marked(&text), "{}", text.len());
    serde_json::from_str::<Value>(&text).unwrap();
    // Where escapes would double at each of as many levels as can be asked for, the text would have gigabytes.
    let levels = Limits::CAPS.depth;
    let deep = [vec![tag::MAP; levels], vec![tag::TEXT, 1, b'"']].concat();
    let mut out = Json::default();
    write_json(&mut out, &deep, &Redaction::default());
    assert!(out.len() < 100_000, "{}", out.len());
}

#[test]
fn printing_a_cycle_ends() {
    #[derive(Debug)]
    struct N(#[allow(dead_code)] std::cell::RefCell<Option<std::rc::Rc<Self>>>);
    let node = std::rc::Rc::new(N(None.into()));
    *node.0.borrow_mut() = Some(std::rc::Rc::clone(&node));
    let text = printed(&node);
    assert!(text.starts_with("\"N(RefCell { value: Some(N(") && text.ends_with("…\""), "{text}");
    node.0.take();
}

#[test]
fn a_mutex_that_is_locked_is_printed_without_waiting() {
    let mutex = std::sync::Mutex::new(1);
    let locked = mutex.lock().unwrap();
    assert!(printed(&mutex).contains("<locked>"));
    drop(locked);
}

#[test]
fn a_cycle_through_options_ends() {
    struct Cycle;
    impl Serialize for Cycle {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_some(self)
        }
    }
    struct Wrapped;
    impl Serialize for Wrapped {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_newtype_struct("Wrapped", self)
        }
    }
    assert_eq!(serialized(&(Cycle, Wrapped, 1)), r#"[{"$glasshull":"truncated"},{"$glasshull":"truncated"},1]"#);
}

#[test]
fn arguments_beyond_the_records_size_are_marked() {
    let mut recorder = Recorder::for_test();
    let large = vec!["x".repeat(900); 10];
    let taken = (0..10).filter(|_| {
        let wanted = recorder.argument("lines");
        if wanted {
            recorder.serialize(&large);
        }
        wanted
    });
    assert!((1..10).contains(&taken.count()));
    assert_eq!(crate::record::values(recorder.bytes.written(0)).count(), 10);
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_filter("JSON has no word for it", |f| f.is_finite()).prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
        "[ -~]{0,80}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::btree_map("k.{0,5}", inner, 0..8).prop_map(|map| json!(map)),
        ]
    })
}

#[test]
fn numbers_of_every_length_are_printed() {
    let mut number = 1_u64;
    for _ in 0..20 {
        for number in [number - 1, number, number + 1, 5 * (number / 10), u64::MAX - number] {
            assert_eq!(serialized(&number), number.to_string());
            assert_eq!(serialized(&(number as i64)), (number as i64).to_string());
        }
        number = number.saturating_mul(10).min(u64::MAX - 1);
    }
    assert_eq!(serialized(&i64::MIN), i64::MIN.to_string());
}

proptest! {
    #[test]
    fn any_value_within_the_limits_is_what_serde_json_makes_of_it(value in any_json()) {
        let text = serialized(&value);
        prop_assume!(!is_marked(&text) && !text.contains("redacted"));
        prop_assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }

    #[test]
    fn any_number_is_what_serde_json_makes_of_it(
        large in any::<f64>(),
        small in any::<f32>(),
        price in any::<i32>(),
        wide in any::<(u128, i128)>(),
    ) {
        let price = f64::from(price) / 100.0;
        prop_assume!(large.is_finite() && small.is_finite());
        let text = serialized(&(large, small, price));
        let numbers: (f64, f32, f64) = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(numbers, (large, small, price));
        prop_assert_eq!(serialized(&wide), serde_json::to_string(&wide).unwrap());
    }

    #[test]
    fn any_beginning_of_a_value_is_still_json(value in any_json(), at in any::<prop::sample::Index>()) {
        let mut recorder = Recorder::for_test();
        recorder.serialize(&value);
        let binary = crate::record::values(recorder.bytes.written(0)).next().unwrap();
        let mut out = Json::default();
        write_json(&mut out, &binary[..at.index(binary.len() + 1)], &Redaction::default());
        prop_assert!(serde_json::from_str::<Value>(out.as_str()).is_ok(), "{}", out.as_str());
        let path = [Step::new("k"), Step::new("0")];
        let _ = look_up(&binary[..at.index(binary.len() + 1)], &path, &Redaction::default(), &mut 0);
    }

    #[test]
    fn what_is_looked_up_is_what_json_has_there(
        value in any_json(),
        choices in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
    ) {
        let text = serialized(&value);
        prop_assume!(!is_marked(&text) && !text.contains("redacted"));
        let mut recorder = Recorder::for_test();
        recorder.serialize(&value);
        let (mut there, mut path) = (&value, Vec::new());
        for choice in choices {
            let (step, next) = match there {
                Value::Array(items) if !items.is_empty() => {
                    let place = choice.index(items.len());
                    (place.to_string(), &items[place])
                }
                Value::Object(entries) if !entries.is_empty() => {
                    let (key, next) = entries.iter().nth(choice.index(entries.len())).unwrap();
                    (key.clone(), next)
                }
                _ => break,
            };
            path.push(Step::new(&step));
            there = next;
        }
        let binary = crate::record::values(recorder.bytes.written(0)).next().unwrap();
        let found = look_up(binary, &path, &Redaction::default(), &mut 0);
        let expected = match there {
            Value::Null => Found::Null,
            Value::Bool(value) => Found::Bool(*value),
            Value::Number(number) => match (number.as_i64(), number.as_u64()) {
                (Some(integer), _) => Found::Integer(integer.into()),
                (_, Some(integer)) => Found::Integer(integer.into()),
                _ => Found::Real(number.as_f64().unwrap()),
            },
            Value::String(text) => Found::Text(text.as_str().into()),
            Value::Array(_) | Value::Object(_) => Found::Container,
        };
        prop_assert_eq!(found, expected);
        path.push(Step::new("no such key"));
        prop_assert_eq!(look_up(binary, &path, &Redaction::default(), &mut 0), Found::Missing);
    }

    #[test]
    fn random_bytes_are_read_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut out = Json::default();
        write_json(&mut out, &bytes, &Redaction::default());
        prop_assert!(serde_json::from_str::<Value>(out.as_str()).is_ok(), "{}", out.as_str());
        for path in [&[][..], &[Step::new("0")], &[Step::new("0"), Step::new("0")]] {
            let _ = look_up(&bytes, path, &Redaction::default(), &mut 0);
        }
    }

    #[test]
    fn printed_values_are_within_their_limit(text in ".{0,2000}") {
        let value: Value = serde_json::from_str(&printed(&text)).unwrap();
        prop_assert!(value.as_str().unwrap().len() <= LIMITS.text_bytes + "…".len());
    }
}
