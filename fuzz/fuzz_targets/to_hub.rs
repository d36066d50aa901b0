//! Messages an instance sends to a hub, batches in them unpacked.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    glasshull_wire::fuzzing::to_hub(bytes);
});
