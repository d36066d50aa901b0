//! Messages a hub sends to an instance.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    glasshull_wire::fuzzing::to_instance(bytes);
});
