//! Each limit, met on purpose.

use std::time::Duration;

use glasshull_api::Code;
use serde_json::json;

use crate::rig::{Rig, call};

/// Work without end or memory.
const ENDLESS: &str = "SELECT count(*) FROM (SELECT a.call_id FROM calls a, calls b, calls c, calls d, calls e WHERE a.duration_ns + b.duration_ns + c.duration_ns + d.duration_ns + e.duration_ns = 7)";

async fn filled(rig: Rig, calls: u64) -> Rig {
    let calls: Vec<_> = (1..=calls).map(|id| call("f", id).at(id as i64).args(r#"{"a":1}"#)).collect();
    rig.append(&calls).await;
    rig
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_beyond_the_limit_are_left_out_and_told() {
    let rig = filled(Rig::with(|settings| settings.max_rows = 10).await, 20).await;
    let rows = rig.ask("SELECT call_id FROM calls ORDER BY call_id").await.unwrap();
    assert_eq!((rows.rows.len(), rows.partial.as_deref()), (10, Some("There are more rows than the 10 shown.")));
    assert_eq!(rows.rows[9], [json!("000000000000000a")]);
    let rows = rig.engine.query("tests", "SELECT call_id FROM calls LIMIT 10", Some(99)).await.unwrap();
    assert_eq!((rows.rows.len(), rows.partial), (10, None));
    let rows = rig.engine.query("tests", "SELECT call_id FROM calls", Some(3)).await.unwrap();
    assert_eq!((rows.rows.len(), rows.partial.is_some()), (3, true));
    assert_eq!((rig.engine.stats().answered, rig.engine.stats().partial), (3, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_too_large_is_cut_and_told() {
    let rig = filled(Rig::with(|settings| settings.max_answer_bytes = 1_000).await, 100).await;
    let rows = rig.ask("SELECT * FROM calls").await.unwrap();
    assert!(rows.rows.len() < 10, "{}", rows.rows.len());
    assert!(rows.partial.unwrap().starts_with("The answer is too large"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_too_long_is_ended() {
    let rig = filled(Rig::with(|settings| settings.timeout = Duration::from_millis(300)).await, 2_000).await;
    let (code, failure) = rig.refused(ENDLESS).await;
    assert_eq!(code, Code::QueryTimeout, "{failure}");
    assert_eq!(rig.engine.stats().timed_out, 1);
    ends(&rig).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_join_that_finds_nothing_ends_with_its_question() {
    // Each pair is looked at, and none handed on: many minutes without these ends.
    let pairs = [
        "SELECT a.call_id FROM calls a JOIN calls b ON a.duration_ns + b.duration_ns < -1",
        "SELECT a.call_id FROM calls a LEFT JOIN calls b ON a.duration_ns + b.duration_ns < -1",
        "SELECT a.call_id FROM calls a JOIN calls b ON a.line = b.line AND a.duration_ns + b.duration_ns < -1",
    ];
    let rig = filled(Rig::with(|settings| settings.timeout = Duration::from_millis(300)).await, 300_000).await;
    for sql in pairs {
        let (code, failure) = rig.refused(sql).await;
        assert_eq!(code, Code::QueryTimeout, "{failure}");
        ends(&rig).await;
        let failure = rig.tree(&format!("TREE OF ({sql})")).await.expect_err("it takes too long");
        assert_eq!(failure.known_code(), Some(Code::QueryTimeout), "{failure}");
        ends(&rig).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_whose_asker_goes_away_ends() {
    let rig = filled(Rig::new().await, 2_000).await;
    let gone = tokio::time::timeout(Duration::from_millis(200), rig.ask(ENDLESS)).await;
    assert!(gone.is_err());
    assert_eq!(rig.engine.stats().cancelled, 1);
    ends(&rig).await;
}

/// Nothing is worked on any more, soon.
async fn ends(rig: &Rig) {
    let ended = async {
        while rig.engine.stats().running > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), ended).await.expect("the work ends");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_too_much_memory_is_ended() {
    let rig = filled(Rig::with(|settings| settings.memory_bytes = 1 << 20).await, 3_000).await;
    let sql = "SELECT array_length(array_agg(a.args || b.call_id)) FROM calls a, calls b";
    let (code, failure) = rig.refused(sql).await;
    assert_eq!(code, Code::QueryMemory, "{failure}");
    assert_eq!(rig.engine.stats().out_of_memory, 1);
    assert_eq!(rig.value("SELECT count(*) FROM calls").await, json!(3_000), "the next question is answered");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sort_beyond_memory_goes_to_the_spill_folder() {
    let rig = filled(Rig::with(|settings| settings.memory_bytes = 8 << 20).await, 50_000).await;
    let sql = "SELECT count(*) FROM (SELECT *, row_number() OVER (ORDER BY args, call_id) AS n FROM calls) WHERE n > 0";
    assert_eq!(rig.value(sql).await, json!(50_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_wait_in_a_line_that_has_an_end() {
    let one_at_a_time = |settings: &mut glasshull_query::QuerySettings| {
        (settings.max_concurrent, settings.max_waiting) = (1, 1);
        settings.timeout = Duration::from_secs(60);
    };
    let rig = filled(Rig::with(one_at_a_time).await, 2_000).await;
    let ask = |sql: &'static str| {
        let engine = rig.engine.clone();
        tokio::spawn(async move { engine.query("tests", sql, None).await })
    };
    let endless = ask(ENDLESS);
    until(|| rig.engine.stats().running == 1).await;
    let waiting = ask("SELECT 1");
    until(|| rig.engine.stats().waiting == 1).await;
    let (code, failure) = rig.refused("SELECT 2").await;
    assert_eq!(code, Code::TooManyQueries, "{failure}");
    endless.abort();
    assert_eq!(waiting.await.unwrap().unwrap().rows, [[json!(1)]]);
    assert_eq!((rig.engine.stats().refused, rig.engine.stats().waiting), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_much_does_not_make_others_wait() {
    let rig = filled(Rig::with(|settings| settings.max_concurrent = 3).await, 2_000).await;
    let ask = |asker: &'static str, sql: &'static str| {
        let engine = rig.engine.clone();
        tokio::spawn(async move { engine.query(asker, sql, None).await })
    };
    let much: Vec<_> = (0..50).map(|_| ask("much", ENDLESS)).collect();
    until(|| (rig.engine.stats().running, rig.engine.stats().waiting) == (2, 48)).await;
    let rows = rig.engine.query("little", "SELECT count(*) FROM calls", None).await.unwrap();
    assert_eq!(rows.rows, [[json!(2_000)]]);
    assert!(much.iter().all(|asking| !asking.is_finished()), "it waited for none of them");
    much.iter().for_each(|asking| asking.abort());
    ends(&rig).await;
}

async fn until(holds: impl Fn() -> bool) {
    let reached = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), reached).await.expect("it comes to that");
}
