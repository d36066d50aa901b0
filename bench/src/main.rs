//! Glasshull measured beside its alternatives
fn main() {}
