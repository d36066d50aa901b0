//! The unpacked columns of a batch.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    glasshull_wire::fuzzing::columns(bytes);
});
