//! The glasshull binary: hub and command line
fn main() {}
