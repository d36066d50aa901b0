//! A record of the journal, or a running call of the catalog.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    glasshull_store::fuzzing::record(bytes);
});
