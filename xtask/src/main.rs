//! The project's tasks: demo, test, bench
fn main() {}
