//! Values whose members lie in columns of their own answer as whole ones do.

use glasshull_api::answers::Rows;
use serde_json::{Value, json};

use crate::rig::{Rig, TestCall, call};

/// 6,000 calls of four functions: alike, of other keys, with texts that must be escaped, no objects at all.
async fn many_calls() -> Rig {
    let rig = Rig::new().await;
    let calls: Vec<TestCall> = (0..6_000_u64)
        .map(|n| {
            let (function, args) = match n % 8 {
                0 => ("plain", format!("{n}")),
                1 => ("nested", format!(r#"{{"cart":{{"sku":"s{}","list":[{n},"x"]}},"user":"u{n}"}}"#, n % 5)),
                2 => ("escaped", format!(r#"{{"user":"a\"{n}\u0041\n","order":null,"price":1.50}}"#)),
                3 => ("rare", format!(r#"{{"user":{n},"k{n}":true}}"#)),
                _ => (
                    "usual",
                    format!(r#"{{"user":{n},"order":"o-{}","price":{}.25,"gift":{}}}"#, n / 20, n % 100, n % 3 == 0),
                ),
            };
            let call = call(function, n + 1).at(n as i64 / 10).args(&args).took(n * 31 % 5_000);
            match n % 3 {
                0 => call.returned(&format!(r#"{{"total":{n},"status":"ok"}}"#)),
                1 => call.failed("sold out"),
                _ => call,
            }
        })
        .collect();
    rig.append(&calls).await;
    rig
}

const QUESTIONS: [&str; 16] = [
    "SELECT call_id, args, returned, error FROM calls ORDER BY call_id",
    "SELECT call_id, args->>'user', args->>'order', args->>'price', args->>'gift', args->>'nobody' FROM calls ORDER BY call_id",
    "SELECT call_id FROM calls WHERE args->>'user' = '4007' ORDER BY call_id",
    "SELECT call_id, args->>'user' FROM calls WHERE args->>'user' LIKE 'a\"%' ORDER BY call_id",
    "SELECT call_id FROM calls WHERE args->>'order' IS NULL ORDER BY call_id",
    "SELECT call_id FROM calls WHERE args->'cart'->>'sku' = 's3' ORDER BY call_id",
    "SELECT call_id FROM calls WHERE (args->'cart'->'list'->0)::int > 3000 ORDER BY call_id",
    "SELECT call_id FROM calls WHERE (args->>'price')::double > 90 ORDER BY call_id",
    "SELECT call_id FROM calls WHERE json_contains(args, 'gift') AND json_get_bool(args, 'gift') ORDER BY call_id",
    "SELECT call_id FROM calls WHERE json_length(args, 'cart') = 2 ORDER BY call_id",
    "SELECT args->>'order' AS o, count(*), sum((returned->>'total')::bigint) FROM calls GROUP BY o ORDER BY o",
    "SELECT call_id FROM calls WHERE args LIKE '%\"order\":\"o-17\"%' ORDER BY call_id",
    "SELECT call_id FROM calls WHERE mentions(args, 'o-17') OR mentions(returned, '4002') ORDER BY call_id",
    "SELECT call_id FROM calls WHERE args = '8' OR returned IS NULL ORDER BY call_id",
    "SELECT json_object_keys(args) AS k, count(*) FROM calls WHERE function = 'usual' GROUP BY 1",
    "SELECT call_id, ended_at, busy_ns FROM calls WHERE ended_at > started_at AND busy_ns > 4000 ORDER BY call_id",
];

async fn answers(rig: &Rig) -> Vec<Rows> {
    let mut answers = Vec::new();
    for question in QUESTIONS {
        let rows = rig.ask(question).await.unwrap_or_else(|failure| panic!("{question}: {failure:?}"));
        assert!(rows.partial.is_none() && !rows.rows.is_empty(), "{question}");
        answers.push(rows);
    }
    answers
}

#[tokio::test(flavor = "multi_thread")]
async fn segments_answer_what_live_rows_answer() {
    let rig = many_calls().await;
    let live = answers(&rig).await;
    rig.publish().await;
    for ((question, live), stored) in QUESTIONS.iter().zip(live).zip(answers(&rig).await) {
        assert_eq!(live.rows, stored.rows, "{question}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lookup_reads_its_member_only() {
    let rig = many_calls().await;
    rig.publish().await;
    let kib_read = async |question: &str| {
        // The footer is read once.
        rig.ask(question).await.unwrap();
        let rows = rig.ask(&format!("EXPLAIN ANALYZE {question}")).await.unwrap();
        let plan: String = rows.rows.iter().flatten().filter_map(Value::as_str).collect();
        let told = plan.split_once("bytes_scanned=").unwrap().1.split_once(" K,").expect("some KiB").0;
        told.parse::<f64>().unwrap()
    };
    let one = kib_read("SELECT count(duration_ns) FROM calls WHERE args->>'gift' = 'true'").await;
    let all = kib_read("SELECT count(duration_ns) FROM calls WHERE args LIKE '%nowhere at all%'").await;
    assert!(one < all / 2.0, "{one} of {all} KiB");
    assert_eq!(rig.value("SELECT count(*) FROM calls WHERE args->>'gift' = 'true'").await, json!(1_000));
}
