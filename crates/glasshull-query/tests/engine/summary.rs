//! What the summaries inside segments answer, and that it is what all rows would answer.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::rig::{NOW_NS, Rig, TestCall, call};
use crate::segments::files;

const FUNCTIONS: [&str; 5] = ["shop::often", "shop::order", "shop::price", "shop::rare", "mail::send"];

/// Calls that took what `seed` says, some of them equally long.
fn calls(seed: u64, count: u64, window: i64) -> Vec<TestCall> {
    let call = |n: u64| {
        let chance =
            (seed + n).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29).wrapping_mul(0xd134_2543_de82_ef95) >> 20;
        let function = FUNCTIONS[[0, 0, 0, 0, 0, 0, 1, 1, 2, 4, 4][(chance % 11) as usize]];
        let function = if chance.is_multiple_of(101) { "shop::rare" } else { function };
        let took = (chance >> 8) % [50, 100_000][(chance % 2) as usize] * ((chance >> 5) % 300 + 1);
        let id = (window + 10) as u64 * 1_000_000 + n + 1;
        let at = window * 600_000 + (n * 599_999 / count.max(1)) as i64;
        let made = call(function, id).at(at).took(took).args(&json!({ "n": id }).to_string());
        let made = made.by(if function.starts_with("mail") { "mail" } else { "shop" });
        if chance.is_multiple_of(7) { made.failed("sold out") } else { made }
    };
    (0..count).map(call).collect()
}

/// Segments of these windows, which are over, and live calls.
async fn rig_of(seed: u64, windows: &[u64], live: u64) -> Rig {
    // Room for about two summaries: what is asked of more is not always kept.
    let rig = Rig::with(|settings| settings.summary_cache_bytes = 20_000).await;
    for (window, &count) in windows.iter().enumerate() {
        rig.append(&calls(seed, count, -(window as i64) - 1)).await;
        rig.publish().await;
    }
    rig.append(&calls(seed, live, 0)).await;
    rig
}

/// What EXPLAIN says.
async fn plan(rig: &Rig, sql: &str) -> String {
    let rows = rig.ask(&format!("EXPLAIN {sql}")).await.unwrap();
    rows.rows.iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>().join("\n")
}

/// The number that EXPLAIN gives.
fn told(plan: &str, name: &str) -> Option<u64> {
    let (_, told) = plan.split_once(&format!(" {name}="))?;
    told.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok()
}

/// Where in a segment's file its summary lies.
fn place(file: &[u8]) -> std::ops::Range<usize> {
    let name = b"glasshull.functions";
    let at = file.windows(name.len()).rposition(|window| window == name).unwrap();
    let metadata: String =
        file[at + name.len()..].iter().skip_while(|&&b| b != b'1').map(|&b| char::from(b)).take(60).collect();
    let number = |place| metadata.split(' ').nth(place).unwrap().parse::<usize>().unwrap();
    number(1)..number(1) + number(2)
}

/// Does to the summary of a segment what may happen to it.
fn damage(file: &Path, how: u64) {
    let mut bytes = fs::read(file).unwrap();
    match how % 3 {
        0 => return,
        1 => {
            let place = place(&bytes);
            bytes[place].fill(0);
        }
        _ => {
            let name = b"glasshull.functions";
            let at = bytes.windows(name.len()).rposition(|window| window == name).unwrap();
            bytes[at] ^= 1;
        }
    }
    fs::write(file, bytes).unwrap();
}

/// What is asked of the slowest, without what makes it recognised: a column.
fn unrecognised(sql: &str) -> String {
    sql.replace("ORDER BY duration_ns", "ORDER BY abs(duration_ns)")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_slowest_are_read_where_they_stand() {
    let rig = rig_of(1, &[9_000, 6_000, 12_000], 500).await;
    let seconds = |ns: i64| format!("'{}'::timestamp", jiff::Timestamp::from_nanosecond(ns.into()).unwrap());
    let window = seconds(NOW_NS - 600_000_000_000);
    let inside = seconds(NOW_NS - 900_000_000_000);
    for (filter, most, segments) in [
        ("WHERE function = 'shop::often'", 100, 3),
        ("WHERE function = 'shop::often'", 1, 3),
        ("WHERE function = 'shop::rare' AND service = 'shop'", 100, 3),
        ("WHERE function IN ('shop::rare', 'mail::send')", 50, 3),
        ("WHERE function LIKE 'shop::%'", 20, 3),
        ("WHERE service = 'mail'", 100, 3),
        ("", 10, 3),
        (&format!("WHERE function = 'shop::often' AND started_at >= {window}"), 100, 1),
        (&format!("WHERE function = 'shop::often' AND started_at >= {inside}"), 20, 2),
    ] {
        let sql = format!("SELECT duration_ns FROM calls {filter} ORDER BY duration_ns DESC LIMIT {most}");
        let plan = plan(&rig, &sql).await;
        assert!(told(&plan, "by_summary").is_some_and(|left| left <= segments), "{filter}: {plan}");
        assert!(told(&plan, "rows_by_summary").unwrap() <= most + 60, "{filter}: {plan}");
        assert!(!self::plan(&rig, &unrecognised(&sql)).await.contains("by_summary"), "{filter}");
        assert_eq!(rig.drawn(&sql).await, rig.drawn(&unrecognised(&sql)).await, "{filter}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_summaries_know_nothing_of_is_looked_for_in_all_rows() {
    let rig = rig_of(2, &[3_000, 3_000], 50).await;
    for (sql, known) in [
        (
            "SELECT duration_ns FROM calls WHERE function = 'shop::often' AND outcome = 'error' ORDER BY duration_ns DESC LIMIT 10",
            false,
        ),
        (
            "SELECT duration_ns FROM calls WHERE function = 'shop::often' OR args IS NULL ORDER BY duration_ns DESC LIMIT 10",
            false,
        ),
        ("SELECT duration_ns FROM calls WHERE function = 'shop::often' ORDER BY duration_ns LIMIT 10", false),
        (
            "SELECT line AS duration_ns FROM calls WHERE function = 'shop::often' ORDER BY duration_ns DESC LIMIT 10",
            false,
        ),
        (
            "SELECT duration_ns FROM (SELECT * FROM calls LIMIT 100) c WHERE function = 'shop::often' ORDER BY duration_ns DESC LIMIT 10",
            false,
        ),
        (
            "SELECT duration_ns FROM calls WHERE date_part('minute', started_at) = 55 ORDER BY duration_ns DESC LIMIT 10",
            false,
        ),
        ("SELECT duration_ns AS took FROM calls c WHERE c.function = 'shop::often' ORDER BY took DESC LIMIT 10", true),
        (
            "SELECT took FROM (SELECT function AS f, duration_ns AS took FROM calls) c WHERE f = 'shop::often' ORDER BY took DESC LIMIT 10 OFFSET 3",
            true,
        ),
        (
            "SELECT DISTINCT c.duration_ns FROM calls c JOIN (SELECT call_id FROM calls ORDER BY duration_ns DESC LIMIT 3) s ON c.call_id = s.call_id ORDER BY 1",
            true,
        ),
    ] {
        let plan = plan(&rig, sql).await;
        assert_eq!(plan.contains("rows_by_summary="), known, "{sql}: {plan}");
        if !sql.contains("LIMIT 100") {
            let without = unrecognised(sql).replace("ORDER BY took", "ORDER BY abs(took)");
            assert_eq!(rig.drawn(sql).await, rig.drawn(&without).await, "{sql}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_equally_slow_calls_those_are_shown_that_are_asked_for() {
    let rig = Rig::new().await;
    let calls: Vec<TestCall> = (1..=250).map(|id| call("f", id).at(-600_000 + id as i64)).collect();
    rig.append(&calls).await;
    rig.publish().await;
    for (order, ids) in [("call_id DESC", (241..=250).rev().collect::<Vec<_>>()), ("call_id", (1..=10).collect())] {
        let ids: Vec<String> = ids.into_iter().map(|id: u64| format!("{id:016x}")).collect();
        let sql = format!("SELECT call_id FROM calls WHERE function = 'f' ORDER BY duration_ns DESC, {order} LIMIT 10");
        assert_eq!(rig.drawn(&sql).await, format!("call_id\n{}", ids.join("\n")), "{order}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_segment_without_a_summary_is_read_as_ever() {
    let rig = rig_of(3, &[4_000, 4_000, 4_000], 0).await;
    let files = files(&rig.objects);
    damage(&files[0], 1);
    damage(&files[1], 1);
    let sql = "SELECT duration_ns FROM calls WHERE function = 'shop::often' ORDER BY duration_ns DESC LIMIT 50";
    let plan = plan(&rig, sql).await;
    assert!(told(&plan, "rows_by_summary").unwrap() > 8_000, "{plan}");
    assert_eq!(rig.drawn(sql).await, rig.drawn(&unrecognised(sql)).await);
}

/// The same question to calls of which something is asked that is always so, and that no summary knows of.
fn unknown(sql: &str) -> String {
    let calls = "FROM (SELECT * FROM calls WHERE call_id <> '')";
    sql.replace("FROM calls c ", "FROM [] c ").replace("FROM calls", "FROM [] calls").replace("FROM []", calls)
}

/// What is asked for by these columns, in an order of its own.
async fn sorted(rig: &Rig, sql: &str) -> Vec<Vec<Value>> {
    let mut rows = rig.ask(sql).await.unwrap_or_else(|failure| panic!("{sql}: {failure}")).rows;
    rows.sort_by_key(|row| format!("{row:?}"));
    rows
}

const COUNTED: &str = "count(*) AS calls, sum(duration_ns), min(duration_ns), max(duration_ns), avg(duration_ns), \
     count(*) FILTER (WHERE outcome IN ('error', 'panicked')) AS errors";

#[tokio::test(flavor = "multi_thread")]
async fn totals_are_added_up_from_summaries() {
    let rig = rig_of(4, &[2_000, 3_000, 1_000], 300).await;
    let begin = jiff::Timestamp::from_nanosecond((NOW_NS - 1_200_000_000_000).into()).unwrap();
    let inside = jiff::Timestamp::from_nanosecond((NOW_NS - 900_000_000_000).into()).unwrap();
    for (sql, by_summary) in [
        (format!("SELECT function, {COUNTED} FROM calls GROUP BY function"), Some(3)),
        (format!("SELECT {COUNTED}, service AS s FROM calls c GROUP BY c.service"), Some(3)),
        (format!("SELECT {COUNTED} FROM calls"), Some(3)),
        (format!("SELECT {COUNTED} FROM calls WHERE function = 'nobody'"), Some(3)),
        (
            format!(
                "SELECT service, function, {COUNTED} FROM calls WHERE function LIKE 'shop%' GROUP BY service, function"
            ),
            Some(3),
        ),
        (format!("SELECT function, {COUNTED} FROM calls WHERE started_at >= '{begin}' GROUP BY function"), Some(2)),
        (format!("SELECT function, {COUNTED} FROM calls WHERE started_at >= '{inside}' GROUP BY function"), Some(1)),
        (
            format!(
                "SELECT function, date_bin(INTERVAL '10 minutes', started_at) AS t, {COUNTED} FROM calls GROUP BY function, t"
            ),
            Some(3),
        ),
        (format!("SELECT date_trunc('hour', started_at) AS t, {COUNTED} FROM calls GROUP BY t"), Some(3)),
        (format!("SELECT date_bin(INTERVAL '1 minute', started_at) AS t, {COUNTED} FROM calls GROUP BY t"), Some(0)),
        (
            format!("SELECT f, {COUNTED} FROM (SELECT function AS f, duration_ns, outcome FROM calls) x GROUP BY f"),
            Some(3),
        ),
        (format!("SELECT outcome, {COUNTED} FROM calls GROUP BY outcome"), None),
        ("SELECT count(*) FROM calls".into(), None),
        ("SELECT function, count(DISTINCT trace_id) FROM calls GROUP BY function".into(), None),
        ("SELECT function, count(error) FROM calls GROUP BY function".into(), None),
        ("SELECT function, max(depth) FROM calls GROUP BY function".into(), None),
        ("SELECT function, count(*) FILTER (WHERE outcome = 'error') FROM calls GROUP BY function".into(), None),
    ] {
        let plan = plan(&rig, &sql).await;
        let told = plan.split_once("totals=[segments=").map(|(_, told)| told.split_once("by_summary=").unwrap().1);
        let told = told.map(|told| told.split(']').next().unwrap().parse().unwrap());
        assert_eq!(told, by_summary, "{sql}: {plan}");
        assert_eq!(sorted(&rig, &sql).await, sorted(&rig, &unknown(&sql)).await, "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_for_totals_can_go_on() {
    let rig = rig_of(5, &[1_000, 1_000], 100).await;
    for sql in [
        "SELECT function, count(*) AS n FROM calls GROUP BY function HAVING count(*) > 200 ORDER BY n DESC LIMIT 2",
        "SELECT sum(n) FROM (SELECT function, count(*) AS n FROM calls GROUP BY function) f WHERE function LIKE 'shop%'",
        "SELECT c.function, n, errors FROM calls c JOIN (SELECT function, count(*) AS n, count(*) FILTER (WHERE outcome = 'error' OR outcome = 'panicked') AS errors FROM calls GROUP BY function) f ON c.function = f.function ORDER BY duration_ns DESC, c.call_id LIMIT 3",
        "SELECT function, count(*) FROM calls GROUP BY function UNION ALL SELECT service, count(*) FROM calls GROUP BY service ORDER BY 1, 2",
        "WITH f AS (SELECT function, avg(duration_ns) AS mean FROM calls GROUP BY function) SELECT count(*) FROM f WHERE mean > 1000",
        "SELECT DISTINCT function FROM calls ORDER BY 1",
    ] {
        let with = rig.drawn(sql).await;
        assert!(plan(&rig, sql).await.contains("totals=["), "{sql}");
        assert_eq!(with, rig.drawn(&unknown(sql)).await, "{sql}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Whatever the calls and whatever happened to summaries: counts are exact, percentiles as near as is promised.
    #[test]
    fn with_summaries_the_same_is_counted_as_without(
        seed in any::<u32>(), windows in prop::collection::vec(0..900_u64, 1..5), live in 0..100_u64,
        damages in prop::collection::vec(0..6_u64, 4), minutes in 0..40_i64, share in 0..=100_u32,
    ) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let rig = rig_of(seed.into(), &windows, live).await;
            files(&rig.objects).iter().zip(damages).for_each(|(file, how)| damage(file, how));
            let from = jiff::Timestamp::from_nanosecond((NOW_NS - minutes * 60_000_000_000).into()).unwrap();
            for filter in [String::new(), format!("WHERE started_at < '{from}' AND function <> 'shop::order'")] {
                let sql = format!("SELECT function, {COUNTED} FROM calls {filter} GROUP BY function");
                assert_eq!(sorted(&rig, &sql).await, sorted(&rig, &unknown(&sql)).await, "{sql}");
                let share = f64::from(share) / 100.0;
                let of = |exact: &str, filter: &str| format!(
                    "SELECT function, {exact}({share}) WITHIN GROUP (ORDER BY duration_ns) FROM calls {filter} GROUP BY function"
                );
                let estimates = sorted(&rig, &format!("{} ORDER BY function", of("approx_percentile_cont", &filter))).await;
                let exact = sorted(&rig, &format!("{} ORDER BY function", of("percentile_cont", &filter))).await;
                assert_eq!(estimates.len(), exact.len());
                for (estimate, exact) in estimates.iter().zip(&exact) {
                    let (near, is) = (estimate[1].as_f64().unwrap(), exact[1].as_f64().unwrap());
                    assert!(estimate[0] == exact[0] && (near - is).abs() <= 0.01 * is, "{estimate:?} instead of {exact:?}");
                }
            }
        });
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Whatever the calls and whatever happened to summaries, the slowest are found, also where some are equally slow.
    #[test]
    fn with_summaries_the_same_are_found_as_without(
        seed in any::<u32>(), windows in prop::collection::vec(0..900_u64, 1..5), live in 0..100_u64, most in 1..300_usize,
        function in prop::sample::select(&FUNCTIONS[..]), damages in prop::collection::vec(0..6_u64, 4),
        minutes in 0..40_i64,
    ) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let rig = rig_of(seed.into(), &windows, live).await;
            files(&rig.objects).iter().zip(damages).for_each(|(file, how)| damage(file, how));
            let from = jiff::Timestamp::from_nanosecond((NOW_NS - minutes * 60_000_000_000).into()).unwrap();
            for sql in [
                format!("SELECT duration_ns FROM calls WHERE function = '{function}' ORDER BY duration_ns DESC LIMIT {most}"),
                format!("SELECT call_id, duration_ns FROM calls WHERE function = '{function}' ORDER BY duration_ns DESC, call_id LIMIT {most}"),
                format!("SELECT duration_ns FROM calls WHERE function <> '{function}' AND started_at >= '{from}' ORDER BY duration_ns DESC LIMIT {most}"),
                format!("SELECT call_id, function FROM calls WHERE started_at < '{from}' ORDER BY duration_ns DESC, call_id DESC LIMIT {most}"),
            ] {
                assert_eq!(rig.drawn(&sql).await, rig.drawn(&unrecognised(&sql)).await, "{sql}");
            }
        });
    }
}
