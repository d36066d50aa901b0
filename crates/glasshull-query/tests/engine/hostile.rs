//! Statements that want more than an answer.

use std::time::Duration;

use glasshull_api::Code;

use crate::rig::{Rig, call};

#[tokio::test(flavor = "multi_thread")]
async fn nothing_but_questions_is_taken() {
    let rig = Rig::new().await;
    rig.append(&[call("f", 1)]).await;
    for sql in [
        "INSERT INTO calls SELECT * FROM calls",
        "DELETE FROM calls",
        "UPDATE calls SET service = 'x'",
        "DROP TABLE calls",
        "CREATE TABLE t AS SELECT 1",
        "CREATE VIEW v AS SELECT 1",
        "CREATE EXTERNAL TABLE t STORED AS PARQUET LOCATION '/etc/passwd'",
        "COPY calls TO '/tmp/stolen.csv'",
        "COPY (SELECT 1) TO '/tmp/stolen.parquet'",
        "SET datafusion.execution.batch_size = 1",
        "RESET datafusion.execution.batch_size",
        "EXPLAIN INSERT INTO calls SELECT * FROM calls",
        "EXPLAIN ANALYZE DELETE FROM calls",
        "EXPLAIN COPY calls TO '/tmp/stolen.csv'",
        "PREPARE p AS SELECT 1",
        "EXECUTE p",
        "DEALLOCATE p",
        "BEGIN",
        "TRUNCATE calls",
        "SHOW ALL",
        "SHOW datafusion.execution.batch_size",
    ] {
        let (code, failure) = rig.refused(sql).await;
        assert_eq!(code, Code::StatementForbidden, "{sql}: {failure}");
    }
    for sql in [
        "SELECT * INTO t FROM calls",
        "WITH x AS (DELETE FROM calls RETURNING *) SELECT * FROM x",
        "SELECT 1; SELECT 2",
    ] {
        let (code, failure) = rig.refused(sql).await;
        let refused = [Code::StatementForbidden, Code::StatementSyntax, Code::StatementMeaning];
        assert!(refused.contains(&code), "{sql}: {failure}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_cannot_be_reached() {
    let rig = Rig::new().await;
    rig.append(&[call("f", 1)]).await;
    rig.publish().await;
    for sql in [
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM 'file.parquet'",
        "SELECT * FROM \"calls/20261121T020000Z/test-00000000000000000001.parquet\"",
        "SELECT * FROM 'http://localhost/x.csv'",
        "SELECT * FROM read_parquet('x.parquet')",
        "SELECT * FROM information_schema.df_settings",
        "SELECT * FROM information_schema.tables",
        "SELECT * FROM other.public.calls",
    ] {
        let (code, failure) = rig.refused(sql).await;
        assert!(matches!(code, Code::StatementMeaning | Code::StatementSyntax), "{sql}: {failure}");
        assert!(!failure.to_string().contains("tmp"), "{failure}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deep_and_long_statements_end_in_an_answer_or_a_failure() {
    let rig = Rig::with(|settings| settings.timeout = Duration::from_secs(20)).await;
    rig.append(&[call("f", 1)]).await;
    let times = |n: usize, part: &str| part.repeat(n);
    let statements = [
        format!("SELECT {}1{}", times(30_000, "("), times(30_000, ")")),
        format!("SELECT {}1", times(32_000, "- ")),
        format!("SELECT {}TRUE", times(16_000, "NOT ")),
        format!("SELECT 1{}", times(20_000, "+1")),
        format!("SELECT 1 WHERE TRUE{}", times(6_000, " OR FALSE")),
        format!("SELECT count(*) FROM calls WHERE line = 1{}", times(4_000, " OR line=2")),
        format!("SELECT count(*) FROM calls WHERE line IN (1{})", times(30_000, ",2")),
        format!("SELECT count(*) FROM calls WHERE call_id IN ('1'{})", times(12_000, ",'22'")),
        format!("{}SELECT 1{}", times(4_000, "SELECT * FROM ("), times(4_000, ")")),
        format!("SELECT 1{}", times(5_000, " UNION SELECT 1")),
        format!("SELECT 1{}", times(5_000, ",1")),
        format!("SELECT {}", times(4_000, "CASE WHEN TRUE THEN 1 ELSE ")),
        format!("SELECT args{} FROM calls", times(9_000, "->'a'")),
        format!("SELECT * FROM calls {}", times(2_000, "NATURAL JOIN calls ")),
        format!("SELECT 1 FROM {}calls z", (0..4_000).map(|n| format!("calls c{n}, ")).collect::<String>()),
        format!("SELECT 1 FROM {}calls z", (0..90).map(|n| format!("calls c{n}, ")).collect::<String>()),
        format!("SELECT 1{}", times(90, " UNION SELECT 1")),
        format!("SELECT count(*) FROM calls WHERE line = 1{}", times(450, " OR line=2")),
        format!("SELECT 1{}", times(990, "+1")),
        format!("SELECT args{} FROM calls", times(199, "->'a'")),
        format!("SELECT {}1.5{} FROM calls", times(90, "abs("), times(90, ")")),
        format!("SELECT {}args{} FROM calls", times(30, "coalesce("), times(30, ", 'a')")),
        format!("EXPLAIN ANALYZE SELECT {}args{} FROM calls", times(30, "coalesce("), times(30, ", 'a')")),
        format!("SELECT {}args{} FROM calls", times(8, "coalesce("), times(8, ", 'a')")),
        format!("SELECT {}1{}", times(30, "(SELECT max(line) FROM calls WHERE line > "), times(30, ")")),
        format!("SELECT {}1{}", times(8, "(SELECT max(line) FROM calls WHERE line > "), times(8, ")")),
        format!(
            "SELECT {}x FROM (SELECT line AS x FROM calls){}",
            times(40, "abs(x) AS x FROM (SELECT "),
            times(40, ")")
        ),
        format!("SELECT {}1{} FROM calls", times(80, "CASE WHEN line = 1 THEN 1 ELSE "), times(80, " END")),
        times(64 * 1024, "x"),
        times(64 * 1024, "'"),
        times(32 * 1024, "/*"),
        times(64 * 1024, "\0"),
    ];
    for sql in statements {
        let began = tokio::time::Instant::now();
        let answer = rig.ask(&sql).await;
        assert!(began.elapsed() < Duration::from_secs(15), "{:?} for {}..", began.elapsed(), &sql[..40]);
        let told = answer.as_ref().map_or_else(|failure| failure.to_string(), |_| "answered".to_owned());
        assert!(told.len() < 2_000, "{} bytes for {}..", told.len(), &sql[..40]);
        assert!(!told.contains("GH9001"), "{}..: {told}", &sql[..40]);
    }
    assert!(rig.ask("SELECT 1").await.is_ok(), "the engine lives");
}

#[tokio::test(flavor = "multi_thread")]
async fn values_do_not_grow_out_of_nothing() {
    let rig = Rig::with(|settings| settings.timeout = Duration::from_secs(5)).await;
    for sql in [
        "SELECT repeat('x', 2000000000)",
        "SELECT rpad('x', 2000000000, 'y')",
        "SELECT array_repeat(1, 2000000000)",
        "SELECT generate_series(1, 100000000000)",
        "SELECT count(*) FROM generate_series(1, 100000000000)",
    ] {
        let (code, failure) = rig.refused(sql).await;
        assert!(matches!(code, Code::StatementMeaning | Code::QueryTimeout), "{sql}: {failure}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_point_at_their_place_and_name_the_right_word() {
    let rig = Rig::new().await;
    for (sql, code, drawn) in [
        (
            "SELECT durration_ns FROM calls",
            Code::StatementMeaning,
            "       ^^^^^^^^^^^^ There is no column durration_ns. Did you mean duration_ns?",
        ),
        (
            "SELECT c.servce FROM calls c",
            Code::StatementMeaning,
            "       ^^^^^^^^ There is no column servce. Did you mean service?",
        ),
        (
            "SELECT 1 FROM cals",
            Code::StatementMeaning,
            "              ^^^^ There is no table cals. Did you mean calls?",
        ),
        (
            "SELECT 1 FROM nothing",
            Code::StatementMeaning,
            "              ^^^^^^^ There is no table nothing. There are calls, traces, functions, services, instances, probes.",
        ),
        (
            "SELECT 1 FORM calls WHERE",
            Code::StatementSyntax,
            "              ^^^^^ Expected: end of statement, found: calls. Did you mean FROM in place of FORM?",
        ),
        (
            "SELECT * FROM calls WERE x = 1",
            Code::StatementSyntax,
            "                         ^ Expected: end of statement, found: x. Did you mean WHERE in place of WERE?",
        ),
        (
            "SELECT * FROM calls GRUP BY x",
            Code::StatementSyntax,
            "                         ^^ Expected: end of statement, found: BY. Did you mean GROUP in place of GRUP?",
        ),
        ("SELECT flor(1.5)", Code::StatementMeaning, "       ^^^^ Invalid function 'flor'. Did you mean floor?"),
        (
            "SELECT 1 WHERE now() > 'noon'",
            Code::StatementMeaning,
            "                        ^^^^ Error parsing timestamp from 'noon': timestamp must contain at least 10 characters.",
        ),
        // Where nothing tells the place it is the whole statement.
        (" SELECT 1/0 ", Code::StatementMeaning, " ^^^^^^^^^^ Divide by zero error."),
        ("SELECT 1; SELECT 2", Code::StatementSyntax, "^^^^^^^^^^^^^^^^^^ One statement at a time, please."),
        (
            "EXPLAIN DELETE FROM calls",
            Code::StatementForbidden,
            "^^^^^^^^^^^^^^^^^^^^^^^^^ Statements in SQL can only ask, not change anything. Begin with SELECT, WITH, EXPLAIN or DESCRIBE.",
        ),
    ] {
        let (found, failure) = rig.refused(sql).await;
        let (offset, length) = failure.position.map_or((0, 0), |position| (position.column - 1, position.length));
        let hint = failure.hint.map(|hint| format!(" {hint}")).unwrap_or_default();
        let marks = if failure.position.is_some() { "^".repeat(length.max(1)) } else { String::new() };
        assert_eq!(format!("{}{marks} {}{hint}", " ".repeat(offset), failure.message), drawn, "{sql}");
        assert_eq!(found, code);
    }
}
