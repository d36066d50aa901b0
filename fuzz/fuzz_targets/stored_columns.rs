//! The unpacked columns of a batch, on their way through the journal into rows and segments.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    glasshull_store::fuzzing::columns(bytes);
});
