//! What SQL answers, whatever lies in memory and whatever in segments.

use glasshull_api::answers::ColumnKind;
use serde_json::{Value, json};

use crate::rig::{Rig, call, lines};

/// Ten calls of which some are in a segment, some live, one runs.
async fn three_places() -> Rig {
    let rig = Rig::new().await;
    rig.append(&[call("shop::order", 1).at(0), call("shop::order", 2).at(10), call("shop::order", 3).at(20)]).await;
    rig.publish().await;
    rig.append(&[call("shop::price", 4).at(5), call("shop::price", 5).at(30)]).await;
    rig.append(&[call("shop::hang", 6).at(7).running()]).await;
    rig
}

#[tokio::test(flavor = "multi_thread")]
async fn each_call_is_there_once_wherever_it_lies() {
    let rig = three_places().await;
    let sql = "SELECT call_id, function, outcome FROM calls ORDER BY call_id";
    let all = lines(
        "call_id | function | outcome
         0000000000000001 | shop::order | returned
         0000000000000002 | shop::order | returned
         0000000000000003 | shop::order | returned
         0000000000000004 | shop::price | returned
         0000000000000005 | shop::price | returned
         0000000000000006 | shop::hang | running",
    );
    assert_eq!(rig.drawn(sql).await, all);
    rig.publish().await;
    assert_eq!(rig.drawn(sql).await, all, "after another publication");
    assert_eq!(rig.value("SELECT count(*) FROM calls").await, json!(6));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_call_is_replaced_by_its_end() {
    let rig = three_places().await;
    rig.append(&[call("shop::hang", 6).at(7).took(5_000_000)]).await;
    assert_eq!(
        rig.drawn("SELECT outcome, duration_ns FROM calls WHERE call_id = '0000000000000006'").await,
        "outcome | duration_ns\nreturned | 5000000"
    );
    rig.publish().await;
    assert_eq!(rig.value("SELECT count(*) FROM calls").await, json!(6));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_store_answers() {
    let rig = Rig::new().await;
    assert_eq!(rig.value("SELECT count(*) FROM calls").await, json!(0));
    assert_eq!(rig.drawn("SELECT function FROM calls").await, "function");
    assert_eq!(rig.drawn("SELECT trace_id FROM traces").await, "trace_id");
}

#[tokio::test(flavor = "multi_thread")]
async fn json_is_reached_into_in_memory_and_in_segments() {
    let rig = Rig::new().await;
    let quote = |id, sku: &str, total: &str| {
        call("shop::quote", id)
            .args(&format!(r#"{{"sku":"{sku}","items":[1,2]}}"#))
            .returned(&format!(r#"{{"total":{total}}}"#))
    };
    rig.append(&[quote(1, "a", "10"), quote(2, "b", "0")]).await;
    rig.publish().await;
    rig.append(&[quote(3, "a", "12.5")]).await;
    let ids = rig.drawn("SELECT call_id FROM calls WHERE args->>'sku' = 'a' ORDER BY 1").await;
    assert_eq!(ids, "call_id\n0000000000000001\n0000000000000003");
    let rows =
        rig.ask("SELECT args->>'sku' AS sku, returned->'total' AS total FROM calls ORDER BY call_id").await.unwrap();
    assert_eq!(rows.rows, [[json!("a"), json!(10)], [json!("b"), json!(0)], [json!("a"), json!(12.5)]]);
    assert_eq!(rows.columns[1].kind, ColumnKind::Number);
    let sum = "SELECT sum((returned->'total')::double) FROM calls WHERE (args->'items'->1)::int = 2";
    assert_eq!(rig.value(sum).await, json!(22.5));
    let zero = "SELECT count(*) FROM calls WHERE (returned->>'total')::double = 0 AND args->>'sku' <> 'a'";
    assert_eq!(rig.value(zero).await, json!(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_conditions_of_probes_allow_is_told_in_sql() {
    let rig = Rig::new().await;
    rig.append(&[call("f", 1).args(r#"{"order":{"coupon":"FREE"}}"#).returned(r#"{"secret":"of somebody"}"#)]).await;
    rig.publish().await;
    for sql in ["SELECT call_id FROM calls WHERE returned = 0", "SELECT sum(cast(returned AS bigint)) FROM calls"] {
        let failure = rig.ask(sql).await.unwrap_err();
        assert_eq!(failure.code, "GH2002");
        assert!(failure.hint.unwrap().contains("returned = '0'"), "{}", failure.message);
        assert!(!failure.message.contains("somebody"), "{}", failure.message);
    }
    let failure = rig.ask("SELECT args.order.coupon FROM calls").await.unwrap_err();
    assert!(failure.hint.unwrap().contains("args->'order'->>'coupon'"), "{}", failure.message);
}

#[tokio::test(flavor = "multi_thread")]
async fn json_values_of_several_kinds_are_told_apart() {
    let rig = Rig::new().await;
    let returns = |id, json: &str| call("f", id).returned(&format!(r#"{{"v":{json}}}"#));
    rig.append(&[returns(1, "1"), returns(2, "\"x\""), returns(3, "[1,{\"a\":null}]"), returns(4, "null")]).await;
    let rows = rig.ask("SELECT returned->'v' FROM calls ORDER BY call_id").await.unwrap();
    assert_eq!(rows.rows, [[json!("1")], [json!("\"x\"")], [json!("[1,{\"a\":null}]")], [json!(null)]]);
    assert_eq!(rows.columns[0].kind, ColumnKind::Json);
}

#[tokio::test(flavor = "multi_thread")]
async fn values_are_written_as_the_api_says() {
    let rig = Rig::new().await;
    rig.append(&[call("f", 1).at(1).args(r#"{"a":1}"#)]).await;
    let rows = rig.ask("SELECT started_at, duration_ns, args, line, returned FROM calls").await.unwrap();
    assert_eq!(
        rows.rows[0],
        [json!("2026-11-21T02:00:00.001000000Z"), json!(1_000_000), json!(r#"{"a":1}"#), json!(7), json!(null)]
    );
    let kinds: Vec<ColumnKind> = rows.columns.iter().map(|column| column.kind).collect();
    use ColumnKind::*;
    assert_eq!(kinds, [Time, Duration, Json, Number, Json]);
    assert_eq!(rig.value("SELECT 9007199254740993").await, json!("9007199254740993"));
    assert_eq!(rig.value("SELECT -9007199254740992").await, json!(-9_007_199_254_740_992_i64));
    assert_eq!(rig.value("SELECT 0.0 / 0.0").await, json!(null));
    assert_eq!(rig.value("SELECT array[1, NULL, 3]").await, json!("[1,null,3]"));
    assert_eq!(rig.value("SELECT max(duration_ns) = 1000000 FROM calls").await, json!(true));
    let of = "max(duration_ns), avg(duration_ns), approx_percentile_cont(duration_ns, 0.5) AS p50_ns";
    let rows = rig.ask(&format!("SELECT {of}, count(duration_ns), var(duration_ns) FROM calls")).await.unwrap();
    let kinds: Vec<ColumnKind> = rows.columns.iter().map(|column| column.kind).collect();
    assert_eq!(kinds, [Duration, Duration, Duration, Number, Number], "{:?}", rows.columns);
    assert_eq!(rig.value("SELECT ended_at - started_at FROM calls").await, json!(1_000_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_sql_is_asked_for_works() {
    let rig = three_places().await;
    for sql in [
        "SELECT function, count(*), approx_percentile_cont(0.99) WITHIN GROUP (ORDER BY duration_ns) FROM calls GROUP BY function",
        "WITH slow AS (SELECT * FROM calls ORDER BY duration_ns DESC LIMIT 2) SELECT a.call_id FROM slow a JOIN calls b ON a.call_id = b.call_id",
        "SELECT date_bin(INTERVAL '1 second', started_at) AS t, avg(duration_ns) FROM calls GROUP BY t ORDER BY t",
        "SELECT round(duration_ns / 1e6, 2), row_number() OVER (PARTITION BY function ORDER BY started_at) FROM calls",
        "SELECT * FROM calls WHERE started_at > now() - INTERVAL '5 minutes' OR function LIKE '%order%'",
        "SELECT count(*) FROM glasshull.public.calls",
        "EXPLAIN SELECT * FROM calls",
        "EXPLAIN ANALYZE SELECT count(*) FROM calls WHERE function = 'x'",
        "DESCRIBE calls",
        "VALUES (1, 'a'), (2, 'b')",
        "SELECT 1;",
        "(SELECT 1) UNION ALL SELECT 2",
    ] {
        rig.ask(sql).await.unwrap_or_else(|failure| panic!("{sql}: {failure}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn json_is_looked_into_only_where_a_row_is_wanted() {
    let rig = three_places().await;
    let plan = rig.ask("EXPLAIN SELECT args->>'sku' FROM calls WHERE service = 'shop'").await.unwrap();
    let physical =
        plan.rows.iter().find(|row| row[0] == json!("physical_plan")).unwrap()[1].as_str().unwrap().to_owned();
    let lines: Vec<&str> = physical.lines().collect();
    let of_memory = lines.windows(2).filter(|lines| lines[0].contains("FilterExec"));
    assert!(
        of_memory.clone().count() > 0 && of_memory.clone().all(|lines| lines[1].contains("DataSource")),
        "{physical}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_is_told_by_its_root() {
    let rig = Rig::new().await;
    rig.append(&[
        call("web::checkout", 1).of(7).by("web").at(0).took(50_000_000),
        call("shop::order", 2).of(7).from(1).at(10).took(60_000_000).failed("no card"),
        call("shop::alone", 3).of(8).from(99).at(100),
        call("shop::hang", 4).of(8).from(99).at(101).running(),
    ])
    .await;
    rig.publish().await;
    let sql = "SELECT substr(trace_id, 32) AS id, started_at, duration_ns, service, function, outcome, calls, services, errors, running FROM traces ORDER BY id";
    assert_eq!(
        rig.drawn(sql).await,
        lines(
            "id | started_at | duration_ns | service | function | outcome | calls | services | errors | running
             7 | 2026-11-21T02:00:00.000000000Z | 70000000 | web | web::checkout | returned | 2 | 2 | 1 | 0
             8 | 2026-11-21T02:00:00.100000000Z | 2000000 | shop | shop::alone | returned | 2 | 1 | 0 | 1"
        )
    );
    assert_eq!(rig.value("SELECT count(*) FROM traces WHERE errors > 0").await, json!(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_question_sees_one_moment() {
    let rig = three_places().await;
    let sql = "SELECT (SELECT count(*) FROM calls) = (SELECT count(*) FROM calls) AND (SELECT sum(calls) FROM traces) = (SELECT count(*) FROM calls)";
    let asking = (0..20).map(|_| rig.value(sql));
    let appending = async {
        for id in 100..120 {
            rig.append(&[call("f", id)]).await;
            rig.publish().await;
        }
    };
    let (answers, ()) = futures::join!(futures::future::join_all(asking), appending);
    assert!(answers.iter().all(|answer| *answer == json!(true)), "{answers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_is_found_as_it_is_though_it_holds_what_stands_for_others() {
    let rig = Rig::new().await;
    let said = |id, text: &str| call("f", id).args(&json!({ "text": text }).to_string());
    rig.append(&[said(1, "100%_off"), said(2, "100 %, off"), said(3, r"100\%\_off"), said(4, r#"C:\a "b""#)]).await;
    // As the page writes them.
    let found = [(r"100\%\_off", "0000000000000001"), (r#"C:\\\\a \\"b\\""#, "0000000000000004")];
    for place in ["in memory", "in a segment"] {
        for (text, id) in found {
            let sql = format!("SELECT call_id FROM calls WHERE args LIKE '%{text}%' OR returned LIKE '%{text}%'");
            assert_eq!(rig.drawn(&sql).await, format!("call_id\n{id}"), "{place}: {text}");
        }
        rig.publish().await;
    }
}

/// The percentile of numbers in their order, interpolated.
fn percentile(mut of: Vec<u64>, share: f64) -> f64 {
    of.sort_unstable();
    let place = share * (of.len() - 1) as f64;
    let (lower, upper) = (of[place.floor() as usize] as f64, of[place.ceil() as usize] as f64);
    lower + (upper - lower) * ((place - place.floor()) * 1e6).floor() / 1e6
}

#[tokio::test(flavor = "multi_thread")]
async fn percentiles_are_exact() {
    let rig = Rig::new().await;
    let took = |id: u64| id * 7_919 % 100_003;
    let calls = (1..=30_000).map(|id| call(["a", "b", "c"][(id % 3) as usize], id).took(took(id)));
    rig.append(&calls.collect::<Vec<_>>()).await;
    let of = |rest: u64| (1..=30_000).filter(|id| id % 3 == rest).map(took).collect::<Vec<_>>();
    for share in [0.0, 0.1, 0.5, 0.987_654_3, 1.0] {
        for (order, share_up) in [("", share), ("DESC", 1.0 - share)] {
            let cont = format!("percentile_cont({share}) WITHIN GROUP (ORDER BY duration_ns {order})");
            let groups =
                rig.ask(&format!("SELECT {cont} FROM calls GROUP BY function ORDER BY function")).await.unwrap();
            let groups: Vec<f64> = groups.rows.iter().map(|row| row[0].as_f64().unwrap()).collect();
            assert_eq!(groups, [0, 1, 2].map(|rest| percentile(of(rest), share_up)), "{cont}");
            let filtered = rig.value(&format!("SELECT {cont} FILTER (WHERE function = 'b') FROM calls")).await;
            assert_eq!(filtered.as_f64().unwrap(), percentile(of(1), share_up), "{cont}");
        }
    }
    let distinct = "SELECT percentile_cont(DISTINCT duration_ns % 5, 0.5), quantile_cont(duration_ns, 0.5) FROM calls";
    let rows = rig.ask(distinct).await.unwrap().rows;
    let all: Vec<u64> = (1..=30_000).map(took).collect();
    assert_eq!((rows[0][0].as_f64(), rows[0][1].as_f64()), (Some(2.0), Some(percentile(all, 0.5))));
    let none = "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY duration_ns) FROM calls WHERE function = 'x'";
    assert_eq!(rig.value(none).await, Value::Null);
    for wrong in ["1.5", "duration_ns", "NULL"] {
        rig.refused(&format!("SELECT percentile_cont({wrong}) WITHIN GROUP (ORDER BY duration_ns) FROM calls")).await;
    }
}
