//! What the index inside segments rules out, and that it never rules out what is there.

use std::fs;

use glasshull_api::statement::{Statement, parse};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::rig::{Rig, TestCall, call};
use crate::segments::files;

/// 40,000 calls in one segment, of three granules, every thousandth of another function.
async fn one_large_segment() -> Rig {
    let rig = Rig::new().await;
    let calls: Vec<TestCall> = (0..40_000_u64)
        .map(|n| {
            let function = if n % 1_000 == 7 && n < 16_000 { "rare" } else { "f" };
            let order = format!("{:08x}-{:04x}-4a1b-8c2d-{n:012x}", n * 7_919, n % 65_536);
            let args = json!({ "order": order, "user": 100_000 + n, "note": format!("line {n}\nnext \"{n}\"") });
            call(function, n + 1).of(u128::from(n / 20 + 1)).at(n as i64 / 100).args(&args.to_string())
        })
        .collect();
    rig.append(&calls).await;
    rig.publish().await;
    rig
}

fn order(n: u64) -> String {
    format!("{:08x}-{:04x}-4a1b-8c2d-{n:012x}", n * 7_919, n % 65_536)
}

/// How many rows the indexes left over.
async fn rows_by_index(rig: &Rig, filter: &str) -> u64 {
    let rows = rig.ask(&format!("EXPLAIN SELECT call_id, started_at FROM calls WHERE {filter}")).await.unwrap();
    let plan: String = rows.rows.iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>().join("\n");
    let (_, told) = plan.split_once("rows_by_index=").unwrap_or(("", "0"));
    told.chars().take_while(char::is_ascii_digit).collect::<String>().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_is_read_where_it_stands() {
    let rig = one_large_segment().await;
    let order = order(20_000);
    for (filter, found, at_most) in [
        (format!("mentions(args, '{order}')"), 1, 16_384),
        (format!("args LIKE '%{order}%'"), 1, 16_384),
        (format!("args->>'order' = '{order}'"), 1, 16_384),
        (
            format!("mentions(args, '{order}') OR mentions(returned, '{order}') OR mentions(error, '{order}')"),
            1,
            16_384,
        ),
        ("args->>'user' = '120000'".into(), 1, 16_384),
        ("args->>'user' IN ('100001', '100002')".into(), 2, 16_384),
        ("trace_id = '000000000000000000000000000003e9'".into(), 20, 16_384),
        ("call_id = '0000000000000001'".into(), 1, 16_384),
        ("function = 'rare'".into(), 16, 16_384),
        ("mentions(args, 'nowhereatall')".into(), 0, 0),
        ("function = 'rare' AND mentions(args, '139999')".into(), 0, 0),
        ("mentions(args, '139999') OR function = 'rare'".into(), 17, 24_000),
        // Nothing that an index knows of.
        ("args LIKE '%20000%'".into(), 1, 40_000),
        (format!("NOT mentions(args, '{order}')"), 39_999, 40_000),
        (format!("mentions(args, '{order}') OR duration_ns < 0"), 1, 40_000),
    ] {
        let rows = rig.ask(&format!("SELECT count(call_id || '') FROM calls WHERE {filter}")).await.unwrap();
        assert_eq!((rows.rows, rows.partial), (vec![vec![json!(found)]], None), "{filter}");
        let left = rows_by_index(&rig, &filter).await;
        assert!(left <= at_most && left >= found, "{filter}: {left}");
        assert!(at_most < 40_000 || left == 40_000, "{filter}: {left}");
    }
    let rows = rig.ask(&format!("SELECT args->>'user' FROM calls WHERE mentions(args, '{order}')")).await.unwrap();
    assert_eq!(rows.rows, [[json!("120000")]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn find_finds_what_any_function_was_given_gave_or_failed_with() {
    let rig = Rig::new().await;
    let order = "018f6c1e-7d1a-4c3e-9b51-3f0f5d1c2a77";
    rig.append(&[
        call("pay", 1).at(1).args(&json!({ "order": order }).to_string()),
        call("ship", 2).by("mail").at(2).returned(&json!([{ "order": order }]).to_string()),
        call("cancel", 3).at(3).failed(&format!("it's {order}: gone")),
        call("other", 4).at(4).args(&json!({ "order": format!("{order}0") }).to_string()),
    ])
    .await;
    let find = async |statement: &str| {
        let Ok(Statement::Find(find)) = parse(statement) else { panic!("{statement} is no FIND") };
        let rows =
            rig.engine.find("tests", &find, None).await.unwrap_or_else(|failure| panic!("{statement}: {failure}"));
        let function = rows.columns.iter().position(|column| column.name == "function").unwrap();
        rows.rows.iter().map(|row| row[function].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    for published in [false, true] {
        if published {
            rig.publish().await;
        }
        assert_eq!(find(&format!("FIND {order}")).await, ["cancel", "ship", "pay"]);
        assert_eq!(find("FIND 'it''s 018f6c1e'").await, ["cancel"]);
        assert_eq!(find(&format!("FIND {order} SINCE 18446744073709551615ns")).await.len(), 3);
        assert!(find(&format!("FIND {order} SINCE 1ns")).await.is_empty());
        assert!(find("FIND 018f6c1").await.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_index_costs_time_and_no_row() {
    let rig = one_large_segment().await;
    let file = &files(&rig.objects)[0];
    let sound = fs::read(file).unwrap();
    let name = b"glasshull.index";
    let at = sound.windows(name.len()).rposition(|window| window == name).unwrap();
    let metadata: String =
        sound[at + name.len()..].iter().skip_while(|&&b| b != b'1').map(|&b| char::from(b)).take(60).collect();
    let number = |place| metadata.split(' ').nth(place).unwrap().parse::<usize>().unwrap();
    let (offset, granules, blocks) = (number(1), number(3), number(4));
    let filter = format!("mentions(args, '{}')", order(39_000));
    let ask = async |bytes: &[u8]| {
        fs::write(file, bytes).unwrap();
        let rows = rig.ask(&format!("SELECT count(call_id || '') FROM calls WHERE {filter}")).await.unwrap();
        (rows.rows[0][0].clone(), rows.partial)
    };
    let mut damaged = sound.clone();
    damaged[offset..offset + blocks * (granules * 32 + 4)].fill(0);
    assert_eq!(ask(&damaged).await, (json!(1), None));
    assert_eq!(ask(&sound).await, (json!(1), None));
}

/// Texts whose words overlap in all ways, with what JSON escapes.
fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(
        prop::sample::select(vec!["abc", "abcd", "bcd", "é", "123", "-", " ", "\"", "\\", "\n", "%", "_"]),
        0..6,
    )
    .prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    /// A filter finds the same in a segment whether or not an index can help: `IS TRUE` is nothing an index knows of.
    #[test]
    fn with_the_index_the_same_is_found_as_without(
        texts in prop::collection::vec(text(), 1..12), asked in text(), extra in text(),
    ) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let rig = Rig::new().await;
            for (n, text) in texts.iter().enumerate() {
                // A segment each, so that each is ruled out or not by itself.
                let args = json!({ "text": text, "n": 1000 + n }).to_string();
                rig.append(&[call("f", n as u64 + 1).at(n as i64 * -600_000).args(&args)]).await;
                rig.publish().await;
            }
            let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
            let json = json!({ "text": asked, "n": 1000 }).to_string();
            for filter in [
                format!("mentions(args, {})", quoted(&asked)),
                format!("args LIKE {}", quoted(&format!("%{asked}%"))),
                format!("args LIKE {}", quoted(&format!("%{asked}%{extra}_"))),
                format!("args->>'text' LIKE {}", quoted(&format!("{asked}%"))),
                format!("args->>'text' = {}", quoted(&asked)),
                format!("args = {}", quoted(&json)),
                format!("args->>'text' = {} OR mentions(args, {})", quoted(&asked), quoted(&extra)),
            ] {
                let ask = async |filter: String| rig.ask(&format!("SELECT call_id FROM calls WHERE {filter} ORDER BY call_id")).await;
                let (with, without) = (ask(filter.clone()).await, ask(format!("({filter}) IS TRUE")).await);
                assert_eq!(with.map(|rows| rows.rows), without.map(|rows| rows.rows), "{filter} on {texts:?}");
            }
        });
    }
}
