//! Segments that are missing or damaged; segments that need not be read.

use std::fs;
use std::path::{Path, PathBuf};

use glasshull_api::Code;
use proptest::prelude::*;
use serde_json::json;

use crate::rig::{Rig, call};

pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// Three segments of ten calls each, in windows of their own, and one live call.
async fn three_segments() -> Rig {
    let rig = Rig::new().await;
    for window in 0..3_i64 {
        let calls: Vec<_> = (0..10)
            .map(|n| call("f", (window * 10 + n + 1) as u64).at(window * -600_000 + n).args(&format!(r#"{{"n":{n}}}"#)))
            .collect();
        rig.append(&calls).await;
        rig.publish().await;
    }
    rig.append(&[call("f", 99)]).await;
    assert_eq!(files(&rig.objects).len(), 3);
    rig
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_segment_costs_its_calls_only_and_is_told() {
    let rig = three_segments().await;
    fs::remove_file(&files(&rig.objects)[1]).unwrap();
    let rows = rig.ask("SELECT count(call_id || '') FROM calls WHERE args IS NULL OR args LIKE '%n%'").await.unwrap();
    assert_eq!(rows.rows, [[json!(21)]]);
    let partial = rows.partial.unwrap();
    assert!(partial.starts_with("Segment calls/") && partial.contains("could not be read"), "{partial}");
    assert!(!partial.contains("/tmp"), "{partial}");
    assert_eq!((rig.engine.stats().unreadable_segments, rig.engine.stats().partial), (1, 1));
    let tree = rig.tree("TREE OF (SELECT call_id FROM calls WHERE args->>'n' = '3')").await.unwrap();
    assert_eq!((tree.calls.len(), tree.partial.is_some()), (2, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn several_unreadable_segments_are_counted() {
    let rig = three_segments().await;
    let files = files(&rig.objects);
    fs::write(&files[0], b"").unwrap();
    fs::write(&files[1], b"no parquet at all, and long enough for a footer").unwrap();
    let rows = rig.ask("SELECT count(args) FROM calls").await.unwrap();
    assert_eq!(rows.rows, [[json!(10)]]);
    assert!(rows.partial.unwrap().starts_with("2 segments could not be read"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_s_own_error_is_the_question_s() {
    let rig = three_segments().await;
    // Once in memory too, once in segments only.
    for filter in ["TRUE", "started_at < '2026-11-21T02:00:00Z'"] {
        let (code, failure) =
            rig.refused(&format!("SELECT call_id FROM calls WHERE {filter} AND 1 / (line - 7) > 0")).await;
        assert_eq!(code, Code::StatementMeaning);
        assert!(failure.message.starts_with("Divide by zero"), "{failure}");
    }
    assert_eq!(rig.engine.stats().unreadable_segments, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn segments_of_other_times_are_not_read() {
    let rig = three_segments().await;
    // Whichever segment is read fails to be.
    for file in &files(&rig.objects)[..2] {
        fs::remove_file(file).unwrap();
    }
    for filter in [
        "started_at >= '2026-11-21T02:00:00Z'",
        "started_at BETWEEN '2026-11-21T02:00:00Z' AND '2026-11-21T03:00:00Z'",
        "started_at > to_timestamp('2026-11-21T02:00:00Z') - INTERVAL '5 minutes'",
        "date_trunc('hour', started_at) = '2026-11-21T02:00:00Z' AND started_at >= '2026-11-21T02:00:00Z'",
    ] {
        let rows = rig.ask(&format!("SELECT count(call_id || '') FROM calls WHERE {filter}")).await.unwrap();
        assert_eq!((rows.rows, rows.partial), (vec![vec![json!(11)]], None), "{filter}");
    }
    let rows = rig.ask("SELECT call_id FROM calls ORDER BY started_at DESC LIMIT 5").await.unwrap();
    assert_eq!(rows.rows[0], [json!("000000000000000a")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_order_of_segments_is_right_whatever_order_they_were_made_in() {
    let rig = three_segments().await;
    rig.append(&[call("f", 200).at(-600_000 + 4).args("{}"), call("f", 201).at(5)]).await;
    rig.publish().await;
    for order in ["ASC", "DESC"] {
        let sql = format!("SELECT started_at FROM calls ORDER BY started_at {order}");
        let rows = rig.ask(&sql).await.unwrap().rows;
        let mut times: Vec<String> = rows.iter().map(|row| row[0].as_str().unwrap().to_owned()).collect();
        assert_eq!(times.len(), 33);
        if order == "DESC" {
            times.reverse();
        }
        assert!(times.is_sorted(), "{order}: {times:?}");
        let first = rig.ask(&format!("{sql} LIMIT 3")).await.unwrap().rows;
        assert_eq!(first, rows[..3]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Whatever is changed in a segment, the question is answered: by right rows, or fewer and the answer says so.
    #[test]
    fn a_damaged_segment_never_fails_a_question(at in any::<prop::sample::Index>(), bits in 1_u8.., cut in any::<bool>()) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let rig = three_segments().await;
            let file = &files(&rig.objects)[1];
            let mut bytes = fs::read(file).unwrap();
            let at = at.index(bytes.len());
            bytes[at] ^= bits;
            if cut {
                bytes.truncate(at);
            }
            fs::write(file, bytes).unwrap();
            let rows = rig.ask("SELECT call_id, args, started_at, function, returned FROM calls").await.unwrap();
            assert!(rows.rows.len() >= 21, "{rows:?}");
            assert!(rows.rows.len() == 31 || rows.partial.is_some(), "{rows:?}");
        });
    }
}
