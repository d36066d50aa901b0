//! Records as they stand in a ring.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    for json in glasshull::fuzzing::record(bytes) {
        assert!(serde_json::from_str::<serde::de::IgnoredAny>(&json).is_ok(), "{json}");
    }
});
