//! Conditions, and the values they are evaluated on.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    glasshull::fuzzing::lookup(bytes);
    glasshull::fuzzing::condition(bytes);
});
