//! Statements answered in columns, over HTTP.

use arrow::array::RecordBatch;
use arrow::ipc::reader::StreamReader;
use glasshull_testkit::TestHub;

const ARROW: &str = "application/vnd.apache.arrow.stream";

#[tokio::test(flavor = "multi_thread")]
async fn whoever_accepts_arrow_gets_rows_in_columns() {
    let hub = TestHub::start().await;
    for (accept, statement) in [
        (ARROW, "SELECT 1 AS one, 'x' AS letter"),
        ("application/json;q=0.5, application/vnd.apache.arrow.stream;q=0.9", "SHOW FUNCTIONS"),
        (ARROW, "FIND 'ORD-1'"),
        (ARROW, "SHOW TABLES"),
    ] {
        let answer = hub.http().with("accept", accept).statement(statement).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some(ARROW)), "{statement}");
        let reader = StreamReader::try_new(&answer.body[..], None).expect("a stream");
        assert!(reader.schema().metadata().contains_key("glasshull.elapsed_ms"), "{statement}");
        let batches: Vec<RecordBatch> = reader.collect::<Result<_, _>>().expect("batches");
        let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
        assert_eq!(rows > 0, statement.starts_with("SELECT") || statement.ends_with("TABLES"), "{statement}: {rows}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_rows_comes_as_json_whatever_is_accepted() {
    let hub = TestHub::start().await;
    let arrow = hub.http().with("accept", ARROW);
    assert_eq!(arrow.statement("TRACE f FOR 10s").await.json()["kind"], "probes");
    assert_eq!(arrow.statement("UNTRACE ALL").await.json()["kind"], "probes");
    assert_eq!(arrow.statement("SELEC 1").await.code(), "GH2001");
    assert_eq!(arrow.statement("SELECT functio FROM calls").await.code(), "GH2002");
    for accept in ["*/*", "application/json", "text/html", "application/vnd.apache.arrow.streams"] {
        assert_eq!(hub.http().with("accept", accept).statement("SELECT 1").await.json()["kind"], "rows", "{accept}");
    }
}
