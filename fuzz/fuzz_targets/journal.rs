//! A journal file, and records in one.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    glasshull_store::fuzzing::journal(bytes);
});
