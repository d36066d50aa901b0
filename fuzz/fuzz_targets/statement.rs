//! A statement.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    glasshull_api::fuzzing::statement(text);
});
