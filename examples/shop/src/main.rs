//! Three services with planted faults, to try Glasshull on
fn main() {}
