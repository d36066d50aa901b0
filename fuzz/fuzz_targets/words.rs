//! The words of values, and texts that are looked for in them.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    glasshull_store::fuzzing::words(text);
});
