//! A segment of which some bytes were changed, or a file that is none.
#![no_main]

use std::sync::Once;

/// Parquet's reader panics at some damage, which the store takes for damage. A fuzzer would take it for a find.
static QUIET: Once = Once::new();

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    QUIET.call_once(|| std::panic::set_hook(Box::new(|_| {})));
    match bytes.split_first() {
        Some((0, file)) => glasshull_store::fuzzing::segment_file(file),
        _ => glasshull_store::fuzzing::segment(bytes),
    }
});
