use proptest::prelude::*;

use crate::limits::{MAX_ARGUMENTS, MAX_COLUMNS_BYTES, MAX_NAME_BYTES};
use crate::v1::{CallBatch, CallColumns, Function, Outcome};
use crate::{BatchError, BatchWriter, CallRow, Calls, Message};

fn write(rows: &[CallRow<'_>]) -> CallBatch {
    let mut writer = BatchWriter::default();
    for row in rows {
        let function = writer.function(row.function, || Function {
            index: row.function,
            path: format!("f{}", row.function),
            ..Function::default()
        });
        let thread = writer.thread(row.thread.into(), || format!("t{}", row.thread));
        writer.push(&CallRow { function, thread, ..*row });
    }
    writer.finish(1)
}

fn columns_of(batch: &CallBatch) -> CallColumns {
    CallColumns::decode(zstd::stream::decode_all(batch.columns.as_slice()).unwrap().as_slice()).unwrap()
}

fn pack(columns: &CallColumns, calls: u32) -> CallBatch {
    let plain = columns.encode_to_vec();
    CallBatch {
        sequence: 1,
        calls,
        columns_bytes: plain.len() as u32,
        columns: zstd::stream::encode_all(plain.as_slice(), 1).unwrap(),
    }
}

fn one_call() -> CallBatch {
    write(&[CallRow {
        call_id: 5,
        outcome: Outcome::Returned as i32,
        args: Some(r#"{"a":"ä"}"#),
        ..CallRow::default()
    }])
}

/// What `spoil` makes of a sound batch must be refused with `expected` in the message.
fn refused(spoil: impl FnOnce(&mut CallColumns), expected: &str) {
    let mut columns = columns_of(&one_call());
    spoil(&mut columns);
    let error = Calls::decode(&pack(&columns, 1)).unwrap_err().to_string();
    assert!(error.contains(expected), "{error}");
}

#[test]
fn a_function_is_described_once_whatever_its_number() {
    let mut writer = BatchWriter::default();
    for _ in 0..2 {
        let described = |writer: &mut BatchWriter, index: u32| {
            let mut asked = false;
            let place = writer.function(index, || {
                asked = true;
                Function { path: index.to_string(), ..Function::default() }
            });
            (place, asked)
        };
        let all = [0, 7, u32::MAX, 16 * 1024, 16 * 1024 - 1];
        for (place, index) in (0..).zip(all) {
            assert_eq!(described(&mut writer, index), (place, true));
        }
        for (place, index) in (0..).zip(all) {
            assert_eq!(described(&mut writer, index), (place, false));
        }
        writer.finish(1);
    }
}

#[test]
fn calls_that_run_are_not_among_those_that_ended() {
    let mut writer = BatchWriter::default();
    for outcome in [Outcome::Running, Outcome::Returned, Outcome::Running] {
        writer.push(&CallRow { outcome: outcome as i32, ..CallRow::default() });
    }
    assert_eq!((writer.len(), writer.ended()), (3, 1));
    assert_eq!(writer.finish(1).calls, 3);
    assert_eq!((writer.len(), writer.ended()), (0, 0));
}

prop_compose! {
    fn row()(
        numbers in (0..5u32, 0..3u32, 0..4u8, any::<u64>(), any::<Option<u64>>(), any::<i64>(), any::<u64>(), any::<u64>()),
        outcome in 1..=5i32,
        place in (any::<u32>(), any::<u32>()),
        texts in any::<(Option<String>, Option<String>, Option<String>)>(),
    ) -> (CallRow<'static>, [Option<String>; 3]) {
        let (function, thread, trace, call_id, parent_id, started_at_ns, duration_ns, idle_ns) = numbers;
        let parent_id = parent_id.filter(|&parent| parent != call_id);
        let (depth, position) = place;
        let ids = CallRow { function, thread, trace_id: [trace; 16], call_id, parent_id, ..CallRow::default() };
        let row = CallRow { started_at_ns, duration_ns, idle_ns, outcome, depth, position, ..ids };
        (row, [texts.0, texts.1, texts.2])
    }
}

proptest! {
    #[test]
    fn what_is_packed_comes_out_again(rows in prop::collection::vec(row(), 0..200)) {
        let rows: Vec<CallRow<'_>> = rows
            .iter()
            .map(|(row, [args, returned, error])| {
                let (args, returned, error) = (args.as_deref(), returned.as_deref(), error.as_deref());
                CallRow { args, returned, error, ..*row }
            })
            .collect();
        let calls = Calls::decode(&write(&rows)).unwrap();
        prop_assert_eq!(calls.len(), rows.len());
        for (i, row) in rows.iter().enumerate() {
            let out = calls.row(i);
            prop_assert_eq!(&calls.functions[out.function as usize].path, &format!("f{}", row.function));
            prop_assert_eq!(&calls.threads[out.thread as usize], &format!("t{}", row.thread));
            prop_assert_eq!(CallRow { function: row.function, thread: row.thread, ..out }, *row);
        }
    }

    #[test]
    fn random_bytes_are_refused_or_decoded_never_worse(columns in prop::collection::vec(any::<u8>(), 0..400), calls in 0..9u32) {
        let packed = zstd::stream::encode_all(columns.as_slice(), 1).unwrap();
        let _ = Calls::decode(&CallBatch { sequence: 1, calls, columns_bytes: columns.len() as u32, columns: packed });
        let _ = Calls::decode(&CallBatch { sequence: 1, calls, columns_bytes: columns.len() as u32, columns });
    }

    #[test]
    fn a_flipped_bit_is_refused_or_decoded_never_worse(at in any::<prop::sample::Index>(), bit in 0..8u8) {
        let mut columns = columns_of(&one_call()).encode_to_vec();
        let at = at.index(columns.len());
        columns[at] ^= 1 << bit;
        let packed = zstd::stream::encode_all(columns.as_slice(), 1).unwrap();
        let _ = Calls::decode(&CallBatch { sequence: 1, calls: 1, columns_bytes: columns.len() as u32, columns: packed });
    }
}

#[test]
fn a_writer_can_be_used_again() {
    let mut writer = BatchWriter::default();
    for sequence in 1..=2 {
        let function = writer.function(9, Function::default);
        let thread = writer.thread(9, String::new);
        writer.push(&CallRow { function, thread, call_id: 3, outcome: 1, ..CallRow::default() });
        let batch = writer.finish(sequence);
        assert_eq!((batch.sequence, batch.calls), (sequence, 1));
        assert_eq!(Calls::decode(&batch).unwrap().call_id, [3]);
        assert!(writer.is_empty());
    }
}

#[test]
fn contradictions_are_refused() {
    refused(|c| c.function[0] = 1, "outside a dictionary");
    refused(|c| c.thread[0] = 9, "outside a dictionary");
    refused(|c| c.trace[0] = 1, "outside a dictionary");
    refused(|c| c.trace_ids.truncate(15), "16 bytes");
    refused(|c| c.duration_ns.clear(), "number of rows");
    refused(|c| c.outcome[0] = 77, "outcome");
    refused(|c| c.outcome[0] = 0, "outcome");
    refused(|c| c.args_size[0] -= 1, "longer than its sizes");
    refused(|c| c.args_size[0] += 1, "outside its column");
    refused(|c| c.args_size[0] = u32::MAX, "bytes in one value");
    refused(|c| c.args[2] = 0xFF, "UTF-8");
    refused(|c| c.functions[0].path = "x".repeat(2_000), "bytes in a name");
}

#[test]
fn a_function_with_too_many_or_too_long_arguments_is_refused_unless_it_was_accepted_before() {
    let with = |arguments: Vec<String>| {
        let mut columns = columns_of(&one_call());
        columns.functions[0].arguments = arguments;
        pack(&columns, 1)
    };
    for (arguments, expected) in [
        (vec!["a".to_owned(); MAX_ARGUMENTS + 1], "arguments of a function"),
        (vec!["a".repeat(MAX_NAME_BYTES + 1)], "bytes in an argument's name"),
    ] {
        let batch = with(arguments);
        let refused = Calls::decode(&batch).unwrap_err();
        assert!(matches!(refused, BatchError::TooLarge { what, .. } if what == expected), "{refused}");
        let accepted = Calls::decode_without_arguments(&batch).unwrap();
        assert_eq!((accepted.len(), accepted.functions[0].arguments.len()), (1, 0));
    }
    let most = Calls::decode(&with(vec!["a".repeat(MAX_NAME_BYTES); MAX_ARGUMENTS])).unwrap();
    assert_eq!(most.functions[0].arguments.len(), MAX_ARGUMENTS);
}

#[test]
fn lengths_that_lie_are_refused() {
    let batch = one_call();
    let with = |spoil: fn(&mut CallBatch)| {
        let mut batch = batch.clone();
        spoil(&mut batch);
        Calls::decode(&batch).unwrap_err()
    };
    assert!(matches!(with(|b| b.calls = u32::MAX), BatchError::TooLarge { what: "calls", .. }));
    assert!(matches!(with(|b| b.calls = 2), BatchError::Inconsistent(_)));
    assert!(matches!(with(|b| b.columns_bytes = u32::MAX), BatchError::TooLarge { what: "bytes in the columns", .. }));
    assert!(matches!(with(|b| b.columns_bytes += 1), BatchError::Unpack(_)));
    assert!(matches!(with(|b| b.columns_bytes -= 1), BatchError::Unpack(_)));
    assert!(matches!(with(|b| b.columns.truncate(5)), BatchError::Unpack(_)));
    assert!(matches!(with(|b| b.columns.clear()), BatchError::Unpack(_)));
}

/// Sound bytes with some of them changed, left out or doubled.
fn spoilt(sound: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let change = (any::<prop::sample::Index>(), any::<u8>(), 0..3u8);
    prop::collection::vec(change, 0..6).prop_map(move |changes| {
        let mut bytes = sound.clone();
        for (at, byte, how) in changes.into_iter().filter(|_| !sound.is_empty()) {
            let at = at.index(bytes.len().max(1)).min(bytes.len().saturating_sub(1));
            match how {
                _ if bytes.is_empty() => {}
                0 => bytes[at] = byte,
                1 => drop(bytes.remove(at)),
                _ => bytes.insert(at, byte),
            }
        }
        bytes
    })
}

fn sound_columns() -> Vec<u8> {
    columns_of(&one_call()).encode_to_vec()
}

fn sound_to_hub() -> Vec<u8> {
    crate::v1::ToHub { message: Some(crate::v1::to_hub::Message::Batch(one_call())) }.encode_to_vec()
}

fn sound_to_instance() -> Vec<u8> {
    use crate::v1::{Comparison, Condition, Literal, Probe, Probes, ToInstance, condition, literal, to_instance};
    let values = vec![Literal { value: Some(literal::Value::Text("a".into())) }; 3];
    let comparison = Comparison { subject: 1, path: vec!["sku".into()], operator: 8, values };
    let compared = Condition { kind: Some(condition::Kind::Comparison(comparison)) };
    let condition = Some(Condition { kind: Some(condition::Kind::Not(Box::new(compared))) });
    let probe = Probe { patterns: vec!["a::*".into(), "b*c".into()], condition, ..Probe::default() };
    let probes = Probes { revision: 1, probes: vec![probe.clone(), probe] };
    ToInstance { message: Some(to_instance::Message::Probes(probes)) }.encode_to_vec()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_spoilt_message_is_read_without_harm(
        columns in spoilt(sound_columns()),
        to_hub in spoilt(sound_to_hub()),
        to_instance in spoilt(sound_to_instance()),
        random in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        crate::fuzzing::columns(&columns);
        crate::fuzzing::to_hub(&to_hub);
        crate::fuzzing::to_instance(&to_instance);
        crate::fuzzing::columns(&random);
        crate::fuzzing::to_hub(&random);
        crate::fuzzing::to_instance(&random);
    }
}

#[test]
fn a_dictionary_of_nothing_is_refused_before_it_is_decoded() {
    let functions = CallColumns { functions: vec![Function::default(); 100_000], ..columns_of(&one_call()) };
    let threads = CallColumns { threads: vec![String::new(); 100_000], ..columns_of(&one_call()) };
    for columns in [functions, threads] {
        let refused = Calls::decode(&pack(&columns, 1)).unwrap_err();
        assert!(refused.to_string().contains("dictionary has more entries"), "{refused}");
    }
}

#[test]
fn a_frame_does_not_choose_how_much_memory_is_taken() {
    let sound = one_call();
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(30).unwrap();
    encoder.write_all(&columns_of(&sound).encode_to_vec()).unwrap();
    let columns = encoder.finish().unwrap();
    assert!(zstd::stream::decode_all(columns.as_slice()).is_err(), "a window of a GiB is refused where it is needed");
    assert_eq!(Calls::decode(&CallBatch { columns, ..sound }).unwrap().len(), 1);
}

#[test]
fn a_decompression_bomb_is_refused_before_it_grows() {
    let bomb = zstd::stream::encode_all(std::io::repeat(0).take(1 << 30), 1).unwrap();
    assert!(bomb.len() < 200_000);
    let batch = CallBatch { sequence: 1, calls: 1, columns_bytes: MAX_COLUMNS_BYTES as u32, columns: bomb };
    assert!(matches!(Calls::decode(&batch), Err(BatchError::Unpack(_))));
}

#[test]
fn a_size_that_is_not_the_announced_one_is_refused() {
    let sound = one_call();
    for wrong in [sound.columns_bytes - 1, sound.columns_bytes + 1, 0] {
        assert!(matches!(
            Calls::decode(&CallBatch { columns_bytes: wrong, ..sound.clone() }),
            Err(BatchError::Unpack(_))
        ));
    }
}

use std::io::{Read as _, Write as _};

/// `v1.rs` is written by this test (`UPDATE=1 cargo test -p glasshull-wire`) and proven fresh by it.
#[test]
fn the_generated_messages_are_fresh() {
    let root = env!("CARGO_MANIFEST_DIR");
    let files = protox::compile(["glasshull/v1/session.proto"], [format!("{root}/proto")]).unwrap();
    let mut config = prost_build::Config::new();
    config.btree_map(["."]);
    let module = prost_build::Module::from_protobuf_package_name("glasshull.v1");
    let requests = files.file.into_iter().map(|file| (module.clone(), file)).collect();
    let fresh = config.generate(requests).unwrap().remove(&module).unwrap();
    let path = format!("{root}/src/v1.rs");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &fresh).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap();
    assert!(committed == fresh, "{path} is stale; run: UPDATE=1 cargo test -p glasshull-wire");
}
