//! Answers in columns, read back by Arrow's own reader.

use std::collections::HashMap;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float64Type, Int32Type, Int64Type, Schema, TimestampNanosecondType};
use arrow::ipc::reader::StreamReader;
use glasshull_api::Code;
use glasshull_query::{ELAPSED_MS, KIND, PARTIAL};

use crate::rig::{NOW_NS, Rig, call};

async fn read(rig: &Rig, sql: &str, max_rows: Option<u32>) -> (Schema, Vec<RecordBatch>) {
    let columns = rig.engine.columns("tests", sql, max_rows).await.unwrap_or_else(|failure| panic!("{sql}: {failure}"));
    let bytes: Vec<u8> = columns.stream().flat_map(Result::unwrap).collect();
    let reader = StreamReader::try_new(&bytes[..], None).unwrap();
    let schema = reader.schema().as_ref().clone();
    (schema, reader.map(Result::unwrap).collect())
}

fn rows(batches: &[RecordBatch]) -> usize {
    batches.iter().map(RecordBatch::num_rows).sum()
}

fn kinds(schema: &Schema) -> Vec<&str> {
    schema.fields().iter().map(|field| field.metadata()[KIND].as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_of_arrow_finds_the_rows_and_what_they_are() {
    let rig = Rig::new().await;
    let calls: Vec<_> =
        (1..=20_000).map(|id| call("shop::price", id).at(id as i64).took(id).args(r#"{"a":1}"#)).collect();
    rig.append(&calls).await;
    let sql = "SELECT function, call_id, started_at, duration_ns, args, outcome = 'returned' AS fine FROM calls ORDER BY call_id";
    let (schema, batches) = read(&rig, sql, None).await;
    assert_eq!((rows(&batches), schema.metadata().get(PARTIAL)), (20_000, None));
    assert!(schema.metadata()[ELAPSED_MS].parse::<f64>().unwrap() > 0.0);
    assert_eq!(kinds(&schema), ["text", "text", "time", "duration", "json", "boolean"]);
    let first = &batches[0];
    let function = first.column(0).as_dictionary::<Int32Type>();
    assert_eq!(function.values().as_string::<i32>().value(0), "shop::price");
    assert_eq!(first.column(1).data_type(), &DataType::Utf8, "each row has its own");
    assert_eq!(first.column(1).as_string::<i32>().value(0), "0000000000000001");
    assert_eq!(first.column(2).as_primitive::<TimestampNanosecondType>().value(0), NOW_NS + 1_000_000);
    assert_eq!(first.column(3).as_primitive::<Int64Type>().value(0), 1);
    assert!(first.column(5).as_boolean().value(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn members_of_json_are_columns_of_what_they_are() {
    let rig = Rig::new().await;
    rig.append(&[
        call("f", 1).args(r#"{"n":1,"t":"x","b":true,"mixed":1,"whole":{"c":2}}"#),
        call("f", 2).args(r#"{"n":2.5,"t":"y","b":false,"mixed":"one","whole":[3]}"#).at(1),
        call("f", 3).at(2),
    ])
    .await;
    let sql = "SELECT args->'n' AS n, args->'t' AS t, args->'b' AS b, args->'mixed' AS mixed, args->'whole' AS whole \
        FROM calls ORDER BY started_at";
    let (schema, batches) = read(&rig, sql, None).await;
    assert_eq!(kinds(&schema), ["number", "text", "boolean", "json", "json"]);
    let of =
        |at: usize| arrow::compute::concat(&batches.iter().map(|batch| batch.column(at).as_ref()).collect::<Vec<_>>());
    assert_eq!(of(0).unwrap().as_primitive::<Float64Type>().iter().collect::<Vec<_>>(), [Some(1.0), Some(2.5), None]);
    assert_eq!(of(1).unwrap().as_string::<i32>().iter().collect::<Vec<_>>(), [Some("x"), Some("y"), None]);
    assert_eq!(of(3).unwrap().as_string::<i32>().iter().collect::<Vec<_>>(), [Some("1"), Some("\"one\""), None]);
    assert_eq!(of(4).unwrap().as_string::<i32>().value(0), r#"{"c":2}"#);
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_say_what_rows_say() {
    let rig = Rig::new().await;
    rig.append(&[call("f", 1).failed("broken"), call("g", 2).at(1).running()]).await;
    for sql in [
        "SELECT * FROM calls ORDER BY call_id",
        "SHOW TABLES",
        "SELECT [1, 2] AS list, NULL AS nothing",
        "EXPLAIN SELECT 1",
    ] {
        let (schema, batches) = read(&rig, sql, None).await;
        let asked = rig.ask(sql).await.unwrap();
        let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        assert_eq!(names, asked.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>(), "{sql}");
        assert_eq!(rows(&batches), asked.rows.len(), "{sql}");
    }
    let (schema, batches) = read(&rig, "SELECT call_id FROM calls WHERE false", None).await;
    assert_eq!((schema.fields().len(), rows(&batches)), (1, 0), "no rows are an answer, too");
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_of_rows_and_bytes_are_told_in_the_schema() {
    let calls: Vec<_> = (1..=5_000).map(|id| call("f", id).at(id as i64).args(&format!(r#"{{"a":{id}}}"#))).collect();
    let rig = Rig::with(|settings| settings.max_columnar_rows = 100).await;
    rig.append(&calls).await;
    let told = |metadata: &HashMap<String, String>| metadata.get(PARTIAL).cloned().unwrap_or_default();
    let (schema, batches) = read(&rig, "SELECT call_id FROM calls", None).await;
    assert_eq!((rows(&batches), told(schema.metadata()).as_str()), (100, "There are more rows than the 100 shown."));
    let (schema, batches) = read(&rig, "SELECT call_id FROM calls", Some(7)).await;
    assert_eq!((rows(&batches), told(schema.metadata()).as_str()), (7, "There are more rows than the 7 shown."));
    let (schema, batches) = read(&rig, "SELECT call_id FROM calls LIMIT 100", None).await;
    assert_eq!((rows(&batches), told(schema.metadata()).as_str()), (100, ""));

    let rig = Rig::with(|settings| settings.max_answer_bytes = 20_000).await;
    rig.append(&calls).await;
    let (schema, batches) = read(&rig, "SELECT call_id, args FROM calls ORDER BY call_id", None).await;
    let shown = rows(&batches);
    assert!((100..2_000).contains(&shown), "{shown}");
    assert_eq!(told(schema.metadata()), format!("The answer is too large: only its first {shown} rows are shown."));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_in_the_middle_is_a_failure_and_no_half_an_answer() {
    let rig = Rig::new().await;
    let calls: Vec<_> = (1..=20_000).map(|id| call("f", id).at(id as i64).took(20_000 - id)).collect();
    rig.append(&calls).await;
    let failure = rig.engine.columns("tests", "SELECT 1 / duration_ns FROM calls", None).await.unwrap_err();
    assert_eq!(failure.known_code(), Some(Code::StatementMeaning), "{failure}");
    let failure = rig.engine.columns("tests", "SELECT functio FROM calls", None).await.unwrap_err();
    assert_eq!(failure.position.map(|position| position.offset), Some(7), "{failure:?}");
}
