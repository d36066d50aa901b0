//! What any released version wrote, every later version reads. A new format adds its samples; none is ever changed.

use std::fs;
use std::path::PathBuf;

use arrow::array::AsArray;
use arrow::compute::concat_batches;
use arrow::datatypes::Int64Type;
use bytes::Bytes;
use glasshull_catalog::SegmentRow;
use glasshull_wire::CallRow;
use glasshull_wire::v1::Outcome;
use object_store::ObjectStoreExt;
use object_store::path::Path;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::rig::{Rig, batch_of, call, running, segment_rows, shown, source};
use crate::index::{Index, Key, Lookup, METADATA_KEY};
use crate::schema::{self, row};
use crate::summary::{self, Durations, Place, Summary};

fn sample(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("samples").join(name)
}

/// What the samples of the first format hold.
fn sampled_calls() -> Vec<CallRow<'static>> {
    vec![
        call(1),
        CallRow { parent_id: Some(1), depth: 1, returned: Some("0"), ..call(2) },
        CallRow { outcome: Outcome::Error as i32, error: Some(r#"{"message":"sold out"}"#), ..call(3) },
        CallRow { outcome: Outcome::Panicked as i32, args: None, ..call(4) },
        CallRow { outcome: Outcome::Cancelled as i32, idle_ns: 900, ..call(5) },
    ]
}

/// A rig whose journal is the sample.
async fn with_journal(name: &str) -> Rig {
    let mut rig = Rig::new().await;
    rig.disk.put(1, fs::read(sample(name)).unwrap());
    rig.crash().await;
    rig
}

#[tokio::test]
async fn the_journal_of_format_1_is_read() {
    let rig = with_journal("journal-1.journal").await;
    assert_eq!((rig.calls().await, rig.running()), (vec![1, 2, 3, 4, 5], vec![6]));
    let stats = rig.store().stats();
    assert_eq!((stats.replayed_records, stats.corrupt_records, stats.torn_bytes), (2, 0, 0));
    assert_eq!(rig.store().durable_sequence(source(1).instance), 2);
}

#[tokio::test]
async fn segments_of_all_formats_are_read_as_the_journal_of_format_1_is() {
    let rig = with_journal("journal-1.journal").await;
    publish_sample(&rig, "segment-2.parquet").await;
    let rig = with_journal("journal-1.journal").await;
    let live: Vec<_> = rig.store().snapshot().live.iter().map(|rows| shown(rows)).collect();
    let whole = |rows: &[_]| concat_batches(&schema::calls(), rows).unwrap();
    for name in ["segment-1.parquet", "segment-1-index-1.parquet", "segment-2.parquet", "segment-2-functions-1.parquet"]
    {
        let path = Path::from("calls/sample.parquet");
        let file = fs::read(sample(name)).unwrap();
        let segment = SegmentRow { path: path.to_string(), bytes: file.len() as u64, ..SegmentRow::default() };
        rig.objects.put(&path, file.into()).await.unwrap();
        let stored = segment_rows(&*rig.objects, &segment).await;
        assert_eq!(whole(&stored).columns(), whole(&live).columns(), "{name}");
    }
}

/// Makes a sample of what is written today, where there is none and it is asked for.
async fn publish_sample(rig: &Rig, name: &str) {
    if std::env::var_os("UPDATE").is_some() && !sample(name).exists() {
        rig.store().publish().await.unwrap();
        let segment = rig.store().snapshot().segments[0].path.as_str().into();
        fs::write(sample(name), rig.objects.get(&segment).await.unwrap().bytes().await.unwrap()).unwrap();
    }
}

/// A segment that was made of the journal of format 1.
fn sampled_segment(name: &str) -> (Bytes, ParquetRecordBatchReaderBuilder<Bytes>) {
    let file = Bytes::from(fs::read(sample(name)).unwrap());
    let reader = ParquetRecordBatchReaderBuilder::try_new(file.clone()).unwrap();
    (file, reader)
}

/// What a footer's metadata says under a key.
fn told(reader: &ParquetRecordBatchReaderBuilder<Bytes>, key: &str) -> String {
    let told = reader.metadata().file_metadata().key_value_metadata().unwrap();
    told.iter().find(|told| told.key == key).unwrap().value.clone().unwrap()
}

#[tokio::test]
async fn the_index_of_format_1_is_read() {
    let (file, reader) = sampled_segment("segment-1-index-1.parquet");
    let index =
        Index::parse(&told(&reader, METADATA_KEY), reader.metadata().file_metadata().num_rows() as usize).unwrap();
    let has = |key: Key| {
        let (mut lookup, place) = (Lookup::default(), index.place(key));
        assert!(lookup.add(key, &file[place.start as usize..place.end as usize]));
        lookup.may_have(0, key)
    };
    let rows = reader.build().unwrap().next().unwrap().unwrap();
    let text = |column: usize| rows.column(column).as_string::<i32>().value(0).to_owned();
    assert!(has(Key::trace(&text(schema::TRACE_ID))) && has(Key::call(&text(schema::CALL_ID))));
    assert!(has(Key::function(&text(schema::FUNCTION))) && has(Key::word(b"sold")) && has(Key::word(b"message")));
    let others = (0..1_000).filter(|n| has(Key::word(format!("other{n}").as_bytes()))).count();
    assert!(others < 100, "{others} of 1,000 words that are not there seem to be");
}

#[tokio::test]
async fn the_summary_of_format_1_is_read() {
    publish_sample(&with_journal("journal-1.journal").await, "segment-2-functions-1.parquet").await;
    let (file, reader) = sampled_segment("segment-2-functions-1.parquet");
    let place = Place::parse(&told(&reader, summary::METADATA_KEY), 5).unwrap();
    let bytes = place.bytes();
    let summary = Summary::read(&place, &file[bytes.start as usize..bytes.end as usize]).unwrap();
    let [function] = summary.functions().collect::<Vec<_>>()[..] else { panic!("{summary:?}") };
    let rows = reader.build().unwrap().next().unwrap().unwrap();
    let text = |column: usize| rows.column(column).as_string::<i32>().value(0).to_owned();
    assert_eq!((function.service, function.function), (&*text(row::SERVICE), &*text(row::FUNCTION)));
    let durations = rows.column(row::DURATION_NS).as_primitive::<Int64Type>().values();
    let total_ns: i64 = durations.iter().sum();
    assert_eq!((function.calls, function.errors, function.total_ns), (5, 2, total_ns as u64));
    let slowest = function.slowest();
    assert!(
        slowest.iter().zip(durations).all(|(slow, &ns)| (slow.at_least_ns..=slow.at_most_ns).contains(&(ns as u64)))
    );
    let mut all = Durations::default();
    assert_eq!((slowest.len(), all.add_written(&function.durations()), all.calls()), (5, Some(()), 5));
    assert!(!summary.has_others());
}

#[tokio::test]
async fn the_journal_that_is_written_today_is_format_1() {
    let rig = Rig::new().await;
    rig.store().append(&source(1), batch_of(1, &sampled_calls())).await.unwrap();
    rig.store().append(&source(1), batch_of(2, &[running(6)])).await.unwrap();
    let journal = rig.disk.file(1);
    // Compressed bytes may differ from one version of zstd to the next; what they hold may not, see above.
    let head = |file: &[u8]| file[..crate::journal::format::HEADER_BYTES + 4].to_vec();
    assert_eq!(head(&journal), head(&fs::read(sample("journal-1.journal")).unwrap()));
}

/// All objects of a hub whose journal was among them, as files.
fn sampled_objects() -> Vec<(String, Vec<u8>)> {
    let folders = ["calls", "catalog", "journal", "tenures"];
    let read = |path: PathBuf| fs::read_dir(path).into_iter().flatten().map(|entry| entry.unwrap().path());
    let files = folders.into_iter().flat_map(|folder| read(sample("object-store-1").join(folder)));
    let files = files.flat_map(|path| if path.is_dir() { read(path).collect() } else { vec![path] });
    let name = |path: &PathBuf| path.strip_prefix(sample("object-store-1")).unwrap().to_str().unwrap().to_owned();
    files.map(|path| (name(&path), fs::read(&path).unwrap())).collect()
}

#[tokio::test]
async fn an_object_store_with_journal_and_catalog_of_format_1_is_taken_over() {
    if std::env::var_os("UPDATE").is_some() && !sample("object-store-1").exists() {
        write_objects().await;
    }
    let mut rig = Rig::new().await;
    for (path, object) in sampled_objects() {
        rig.objects.put(&Path::from(path), object.into()).await.unwrap();
    }
    rig.is_diskless = true;
    rig.open().await.unwrap();
    assert_eq!((rig.calls().await, rig.running()), (vec![1, 2, 3, 4], vec![5]));
    assert_eq!(rig.store().snapshot().segments.len(), 1);
    let stats = rig.store().stats();
    assert_eq!((stats.replayed_records, stats.corrupt_records, stats.unknown_segments), (2, 0, 0));
    assert_eq!(rig.store().durable_sequence(source(1).instance), 3);
}

async fn write_objects() {
    let mut rig = Rig::diskless(|_| {}).await;
    rig.append(1, 1, &[1, 2]).await;
    rig.store().publish().await.unwrap();
    rig.append(1, 2, &[3]).await;
    rig.store().append(&source(1), batch_of(3, &[call(4), running(5)])).await.unwrap();
    rig.drop_store();
    for path in rig.objects.paths().await {
        let (file, object) = (sample("object-store-1").join(&path), Path::from(path));
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, rig.objects.get(&object).await.unwrap().bytes().await.unwrap()).unwrap();
    }
}
