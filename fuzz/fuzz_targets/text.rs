//! Texts that redaction searches, and headers.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    glasshull::fuzzing::text(text);
    glasshull::fuzzing::headers(text);
});
