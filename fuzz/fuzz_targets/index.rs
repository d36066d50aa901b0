//! The mark of an index in a footer, and its blocks.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    glasshull_store::fuzzing::index(bytes);
});
