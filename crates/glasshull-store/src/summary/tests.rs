//! What is told of functions is what their calls were, and what is damaged tells nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, DictionaryArray, Int64Array, new_null_array};
use arrow::datatypes::{Int32Type, Schema};
use arrow::record_batch::RecordBatch;
use proptest::prelude::*;

use super::*;
use crate::schema::{self, row};

/// Service, function, duration, outcome.
type Call = (&'static str, String, u64, &'static str);

/// Rows of which nothing else is of interest.
fn rows(calls: &[Call]) -> RecordBatch {
    let schema = Arc::new(Schema::new(
        schema::rows().fields().iter().map(|f| f.as_ref().clone().with_nullable(true)).collect::<Vec<_>>(),
    ));
    let mut columns: Vec<ArrayRef> =
        schema.fields().iter().map(|field| new_null_array(field.data_type(), calls.len())).collect();
    let text =
        |of: fn(&Call) -> &str| -> ArrayRef { Arc::new(calls.iter().map(of).collect::<DictionaryArray<Int32Type>>()) };
    columns[row::SERVICE] = text(|call| call.0);
    columns[row::FUNCTION] = text(|call| &call.1);
    columns[row::OUTCOME] = text(|call| call.3);
    columns[row::DURATION_NS] = Arc::new(Int64Array::from_iter_values(calls.iter().map(|call| call.2 as i64)));
    RecordBatch::try_new(schema, columns).unwrap()
}

/// Where the summary lies in its file, in these tests.
const OFFSET: usize = 4;

fn written(calls: &[Call]) -> (Vec<u8>, String) {
    let mut builder = SummaryBuilder::default();
    calls.chunks(1_000).for_each(|calls| builder.push(&rows(calls)));
    builder.finish(OFFSET).unwrap()
}

fn summary(calls: &[Call]) -> Summary {
    let (bytes, metadata) = written(calls);
    let place = Place::parse(&metadata, calls.len() as u64).unwrap();
    assert_eq!(place.bytes(), OFFSET as u64..(OFFSET + bytes.len()) as u64);
    Summary::read(&place, &bytes).unwrap()
}

/// Whether all that is told of the functions is so.
fn check(calls: &[Call]) {
    let mut by_function = BTreeMap::<_, Vec<(usize, &Call)>>::new();
    for (row, call) in calls.iter().enumerate() {
        by_function.entry((call.0, call.1.as_str())).or_default().push((row, call));
    }
    let summary = summary(calls);
    assert_eq!(summary.functions().len(), by_function.len());
    for (told, ((service, function), calls)) in summary.functions().zip(by_function) {
        assert_eq!((told.service, told.function, told.calls), (service, function, calls.len() as u64));
        let durations = calls.iter().map(|(_, call)| call.2);
        assert_eq!(told.total_ns, durations.clone().fold(0, u64::saturating_add));
        let bounds = (durations.clone().min().unwrap(), durations.clone().max().unwrap());
        assert_eq!((told.shortest_ns, told.longest_ns), bounds);
        assert_eq!(
            told.errors,
            calls.iter().filter(|(_, call)| ["error", "panicked"].contains(&call.3)).count() as u64
        );
        check_slowest(&told, &calls);
        let (mut told_durations, mut all) = (Durations::default(), Durations::default());
        told_durations.add_written(&told.durations()).unwrap();
        durations.for_each(|ns| all.add(bucket(ns), 1));
        assert_eq!(told_durations, all);
    }
}

fn check_slowest(told: &FunctionSummary<'_>, calls: &[(usize, &Call)]) {
    let slowest = told.slowest();
    assert_eq!((slowest.len(), told.lists_all()), (calls.len().min(SLOWEST), calls.len() <= SLOWEST));
    let mut expected = calls.to_vec();
    expected.sort_by_key(|(row, call)| (std::cmp::Reverse(call.2), *row));
    expected.truncate(SLOWEST);
    expected.sort_by_key(|(row, _)| *row);
    for (slow, (row, call)) in slowest.iter().zip(expected) {
        assert_eq!(slow.row, row as u64);
        assert!((slow.at_least_ns..=slow.at_most_ns).contains(&call.2), "{slow:?}: {}", call.2);
    }
}

/// Calls of three services, most of them of few functions.
fn many(calls: u64) -> Vec<Call> {
    let call = |n: u64| {
        let chance = n.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23).wrapping_mul(0xd134_2543_de82_ef95) >> 20;
        let service = ["shop", "mail", "web"][(chance % 3) as usize];
        let function = format!("{service}::f{}", (chance % 97) * (chance % 13) / 60);
        let outcome = ["error", "panicked", "cancelled", "returned"][(chance % 41).min(3) as usize];
        (service, function, (chance % 1_000) * (chance % 777) * (chance % 91), outcome)
    };
    (0..calls).map(call).collect()
}

#[test]
fn all_that_is_told_of_functions_is_so() {
    check(&many(20_000));
    check(&[]);
}

#[test]
fn of_a_quarter_of_a_million_calls_it_takes_a_fifth_of_a_byte_each() {
    let calls: Vec<Call> = many(20_000).into_iter().cycle().take(250_000).collect();
    let (bytes, _) = written(&calls);
    assert!(bytes.len() < calls.len() / 5, "{} bytes", bytes.len());
}

#[test]
fn functions_that_find_no_place_are_told_of() {
    let calls: Vec<Call> = (0..MAX_FUNCTIONS + 10).map(|n| ("shop", format!("f{n:05}"), 7, "returned")).collect();
    let summary = summary(&calls);
    assert!(summary.has_others());
    assert_eq!(summary.functions().len(), MAX_FUNCTIONS);
    assert_eq!(summary.functions().last().map(|function| function.function), Some("f02047"));
}

#[test]
fn durations_of_too_many_kinds_make_no_summary() {
    let mut builder = SummaryBuilder::default();
    let calls: Vec<Call> =
        (0..1_000).flat_map(|n| [0, u64::MAX >> 1].map(|ns| ("shop", format!("f{n}"), ns, "returned"))).collect();
    (0..=SLOWEST / 2).for_each(|_| builder.push(&rows(&calls)));
    assert_eq!(builder.finish(OFFSET), None);
}

#[test]
fn metadata_that_is_damaged_or_of_another_segment_is_none() {
    let (_, metadata) = written(&many(10));
    assert!(Place::parse(&metadata, 10).is_some() && Place::parse(&metadata, 11).is_none(), "{metadata}");
    for at in 0..metadata.len() {
        let mut damaged = metadata.clone().into_bytes();
        damaged[at] ^= 1;
        assert!(Place::parse(std::str::from_utf8(&damaged).unwrap(), 10).is_none());
        assert!(Place::parse(&metadata[..at], 10).is_none());
    }
}

#[test]
fn a_size_is_not_believed_before_it_is_known_to_be_possible() {
    for sizes in [format!("{} 10", u64::MAX), format!("100 {}", MAX_BYTES + 1), "18446744073709551616 1".into()] {
        let metadata = format!("1 4 {sizes} 10 00000000");
        let checksum = crc32c::crc32c(metadata.as_bytes());
        assert_eq!(Place::parse(&format!("{metadata} {checksum:08x}"), 10), None, "{metadata}");
    }
}

#[test]
fn whatever_is_damaged_tells_nothing() {
    let (bytes, metadata) = written(&many(3_000));
    let place = Place::parse(&metadata, 3_000).unwrap();
    for at in (0..bytes.len()).step_by(7) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 16;
        assert_eq!(Summary::read(&place, &damaged), None);
        assert_eq!(Summary::read(&place, &bytes[..at]), None);
    }
}

/// Asks everything of what may be nonsense.
fn ask_all(summary: &Summary) {
    for function in summary.functions() {
        let slowest = function.slowest();
        assert!(slowest.len() <= SLOWEST && slowest.is_sorted_by_key(|slow| slow.row));
        let mut durations = Durations::default();
        assert!(durations.add_written(&function.durations()).is_some());
        assert_eq!(durations.calls(), function.calls);
    }
}

proptest! {
    #[test]
    fn whatever_the_calls_all_that_is_told_is_so(
        calls in prop::collection::vec(
            (
                prop::sample::select(vec!["a", "b", ""]), "[fgé]{0,2}",
                prop_oneof![0..5_u64, 0..1_000_000_u64, 0..=u64::MAX >> 1],
                prop::sample::select(vec!["returned", "error", "panicked", "cancelled"]),
            ),
            0..400,
        )
    ) {
        check(&calls);
    }

    /// Behind a checksum that is right stands whatever somebody wrote there.
    #[test]
    fn nonsense_does_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..300), rows in any::<u64>()) {
        let packed = zstd::bulk::compress(&bytes, 1).unwrap();
        let checksum = crc32c::crc32c(&packed);
        let metadata = format!("1 4 {} {} {rows} {checksum:08x}", packed.len(), bytes.len());
        let metadata = format!("{metadata} {:08x}", crc32c::crc32c(metadata.as_bytes()));
        if let Some(summary) = Summary::read(&Place::parse(&metadata, rows).unwrap(), &packed) {
            ask_all(&summary);
        }
    }

    /// What was once a summary, with some bytes changed.
    #[test]
    fn near_sense_does_no_harm(calls in 0..300_u64, changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let (bytes, metadata) = written(&many(calls));
        let place = Place::parse(&metadata, calls).unwrap();
        let mut unpacked = zstd::bulk::decompress(&bytes, MAX_BYTES).unwrap();
        changes.iter().for_each(|(at, byte)| { let at = at.index(unpacked.len()); unpacked[at] = *byte; });
        let packed = zstd::bulk::compress(&unpacked, 1).unwrap();
        let checksum = crc32c::crc32c(&packed);
        let metadata = format!("1 {OFFSET} {} {} {calls} {checksum:08x}", packed.len(), unpacked.len());
        let metadata = format!("{metadata} {:08x}", crc32c::crc32c(metadata.as_bytes()));
        prop_assert_eq!(place.bytes().start, OFFSET as u64);
        if let Some(summary) = Summary::read(&Place::parse(&metadata, calls).unwrap(), &packed) {
            ask_all(&summary);
        }
    }
}
